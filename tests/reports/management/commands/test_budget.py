"""The budget on the terminal: a version's lines, and what changed from another."""

import csv
import io
import json

import pytest
from django.core.management import CommandError, call_command

from tests.budgets.films import BUDGET, budget_film, imported
from tests.factories import Cast, Film, role


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    film = budget_film(cast)
    imported(film)
    imported(film, BUDGET.replace("90,000", "95,000").replace("51,000", "46,000"))
    return film


def printed(film: Film, *more: str) -> str:
    out = io.StringIO()
    with role("worker"):
        call_command("budget", "--production", film.code, *more, stdout=out)
    return out.getvalue()


def test_the_newest_version_is_shown_with_its_total(film: Film) -> None:
    said = printed(film)
    assert "Camera package rental" in said
    assert "v2 v2, draft: 561,000.00 USD" in said.splitlines()
    assert "v1 v1, draft" in printed(film, "--version", "1")


def test_a_version_as_json_and_csv_has_plain_figures(film: Film) -> None:
    said = json.loads(printed(film, "--version", "1", "--format", "json"))
    assert (said["version"], said["state"], said["total"]) == (1, "draft", "561000.00")
    assert said["rows"][0] == {
        "account": "1101", "name": "Option payments", "line": "ATL", "amount": "40000.00",
        "description": "Option payments", "row": "3",
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(printed(film, "--format", "csv"))))
    assert [r["amount"] for r in rows if r["account"] == "3301"] == ["95000.00"]


def test_two_versions_differ_by_account(film: Film) -> None:
    said = json.loads(printed(film, "--version", "2", "--diff", "1", "--format", "json"))
    assert [(r["account"], r["old"], r["new"], r["change"]) for r in said["rows"]] == [
        ("3301", "90000.00", "95000.00", "5000.00"),
        ("8001", "51000.00", "46000.00", "-5000.00"),
    ]
    assert said["against"] == 1


def test_a_version_there_is_not_is_named(film: Film, other_film: Film) -> None:
    with pytest.raises(CommandError, match="no budget v9"):
        printed(film, "--version", "9")
    with pytest.raises(CommandError, match="no budget yet"):
        printed(other_film)

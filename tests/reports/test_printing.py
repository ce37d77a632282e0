"""The foot of a printed report: where the logs stood, to be held against a bundle."""

import io
import json
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from access.services import console_person
from ledger.checkpoints import checkpoint_production
from tests.budgets.films import budget_film, locked
from tests.factories import Cast, Film, cost_line, cost_lines, import_data, role


@pytest.fixture
def film(cast: Cast) -> Film:
    """A film whose budget can be locked."""
    return budget_film(cast)


FORMATTED = ("cost_report", "trial_balance", "budget", "bible")


def printed(command: str, film: Film, form: str) -> str:
    out = io.StringIO()
    with role("worker"):
        console_person()
        if command == "fx_register":
            call_command(command, production=film.code, json=form == "json", stdout=out)
        else:
            call_command(command, production=film.code, format=form, stdout=out)
    return out.getvalue()


def test_every_printed_report_ends_with_heads_and_checkpoints(film: Film) -> None:
    locked(film)
    import_data(film, cost_lines([cost_line(1)]))
    for command in (*FORMATTED, "fx_register"):
        assert "Log MAIN " in printed(command, film, "table")
        assert "no checkpoint yet" in printed(command, film, "table")
    with role("worker"):
        checkpoints = checkpoint_production(production=film.production)
    (checkpoint,) = [c for c in checkpoints if c.unit.code == "MAIN"]
    root = bytes(checkpoint.root).hex()[:16]
    for command in (*FORMATTED, "fx_register"):
        told = printed(command, film, "table").splitlines()
        assert any(
            line.startswith(f"Log MAIN {checkpoint.size} entries, root {root}; checkpoint at")
            for line in told
        )
        if command != "bible":  # which programs take as CSV
            logs = json.loads(printed(command, film, "json"))["logs"]
            (main,) = [log for log in logs if log["unit"] == "MAIN"]
            assert (main["size"], main["root"]) == (checkpoint.size, root)
            assert main["checkpoint"]["root"] == root
    for command in FORMATTED:
        assert "Log MAIN" not in printed(command, film, "csv"), "a CSV holds rows and nothing else"


def test_every_report_on_screen_says_where_the_logs_stood(
    film: Film, browse: Callable[[str], Client]
) -> None:
    locked(film)
    import_data(film, cost_lines([cost_line(1)]))
    with role("worker"):
        checkpoints = checkpoint_production(production=film.production)
    (checkpoint,) = [c for c in checkpoints if c.unit.code == "MAIN"]
    said = f"checkpoint at {checkpoint.size} entries, root {bytes(checkpoint.root).hex()[:16]}"
    amir = browse("amir")
    for name in ("cost_report", "trial_balance", "bible", "fx_register"):
        assert said in amir.get(reverse(name, args=[film.code])).content.decode(), name
    version = amir.get(reverse("budget_version", args=[film.code, 1]))
    assert said in version.content.decode()

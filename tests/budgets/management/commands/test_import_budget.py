"""The command makes a draft, or says everything that is wrong and loads nothing."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from budgets.models import BudgetVersion
from tests.budgets.films import BUDGET
from tests.factories import Film, role


def run(path: Path, film: Film, *more: str) -> str:
    out = StringIO()
    with role("worker"):
        call_command("import_budget", str(path), "--production", film.code, *more, stdout=out)
    return out.getvalue().strip()


def test_a_budget_is_imported_as_a_draft(film: Film, tmp_path: Path) -> None:
    path = tmp_path / "budget.txt"
    path.write_text(BUDGET)
    assert run(path, film) == "v1 v1: draft of 8 lines, 561,000.00 USD"
    path.write_text('[{"account": "33-10", "budget": "10.00"}]')
    assert run(path, film, "--name", "Top sheet") == "v2 Top sheet: draft of 1 lines, 10.00 USD"


def test_a_budget_with_faults_is_not_loaded_at_all(film: Film, tmp_path: Path) -> None:
    path = tmp_path / "budget.txt"
    path.write_text("Account\tTotal\n3310\tmany\n3301\t5\n7777\t5\n")
    with pytest.raises(CommandError, match=r"nothing was loaded\. 1 to correct:\nline 2, amount"):
        run(path, film)
    path.write_text("Account\tTotal\n3310\t4\n7777\t5\n")
    with pytest.raises(CommandError, match="line 3, account: expected an account of the chart"):
        run(path, film)
    with role("owner"):
        assert not BudgetVersion.objects.filter(production=film.production).exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("nowhere.txt", "--production", "NOT-THERE"), "no production"),
        (("nowhere.txt",), "is not a file"),
        (("budget.txt", "--rate", "half"), "expected a number"),
        (("budget.txt", "--rate", "0.5"), "Leave the rate out"),
    ],
)
def test_what_is_not_there_is_named(
    film: Film, tmp_path: Path, given: tuple[str, ...], said: str
) -> None:
    (tmp_path / "budget.txt").write_text(BUDGET)
    production = () if "--production" in given else ("--production", film.code)
    with role("worker"), pytest.raises(CommandError, match=said):
        call_command("import_budget", str(tmp_path / given[0]), *production, *given[1:])

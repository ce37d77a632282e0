"""From a file to the locked baseline: who takes which step, and what the database refuses."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.utils import DatabaseError

from access.errors import Invalid
from budgets import selectors, versions
from budgets.models import BudgetVersion
from budgets.versions import BadBudget, SamePerson, WrongStep, WrongTotal
from tests.budgets.films import BUDGET, DAY, TOTAL, approved, book, imported, locked
from tests.factories import Film, acting, role
from tests.ledger.raw_batches import query


def test_a_file_becomes_a_draft_with_each_line_on_its_row(film: Film) -> None:
    version = imported(film)
    assert (version.number, version.state, version.total, version.line_count) == (
        1, "draft", Decimal("561000.00"), 8,
    )  # fmt: skip
    data = BUDGET.encode()
    with role("web"), acting(film, "lena"):
        lines = selectors.lines(version)
    assert [line.account.code for line in lines] == [
        "1101", "1401", "2210", "2220", "3301", "3310", "3399", "8001",
    ]  # fmt: skip
    for line in lines:
        row = data[line.source_start : line.source_end].decode()
        assert row.startswith(line.account.code)
        assert row == BUDGET.split("\n")[line.source_line - 1]
    assert [line.line for line in lines][::7] == ["ATL", "CONT"]


def test_every_fault_of_the_matching_is_named_at_once_and_nothing_is_loaded(film: Film) -> None:
    wrong = (
        BUDGET.replace("1401", "1-4 01")
        .replace("2210\t", "2211\t")
        .replace("3301\tCamera crew", "9999\tCamera crew")
        .replace("40,000\n1101", "41,000\n1101")
        .replace("561,000", "561,001")
    )
    with pytest.raises(BadBudget) as refusal:
        imported(film, wrong)
    assert [(f.line, f.column, f.found) for f in refusal.value.faults] == [
        (5, "account", "2211"), (7, "account", "9999"), (2, "1100", "41,000"),
        (11, "the grand total", "561,001"),
    ]  # fmt: skip
    with role("owner"):
        assert not BudgetVersion.objects.filter(production=film.production).exists()


def test_an_account_is_known_with_or_without_its_marks(film: Film) -> None:
    version = imported(film, BUDGET.replace("1401", "14-01").replace("2220", " 22.20 "))
    assert version.line_count == 8


def test_a_foreign_budget_needs_its_rate_and_keeps_its_own_amounts(film: Film) -> None:
    text = "Account\tTotal\tCurrency\n1101\t1,000.00\tCAD\n2220\t10.01\tCAD\n"
    with pytest.raises(Invalid, match="State what one CAD is in USD"):
        imported(film, text)
    version = imported(film, text, rate=Decimal("0.7350"))
    assert (version.currency, version.total) == ("CAD", Decimal("742.36"))
    with role("web"), acting(film, "amir"):
        assert [line.original_amount for line in selectors.lines(version)] == [
            Decimal("1000"), Decimal("10.01"),
        ]  # fmt: skip


def test_the_lock_posts_the_baseline_once_and_sealed(film: Film) -> None:
    version = locked(film)
    assert book(film, 3) == {
        "1101": 40000, "1401": 250000, "2210": 60000, "2220": 20000, "3301": 90000,
        "3310": 50000, "8001": 51000,
    }  # fmt: skip
    assert version.batch_id is not None
    with role("owner"):
        kind, lines, unit = query(
            "SELECT b.kind, b.line_count, u.code FROM ledger_batch b"
            " JOIN taxonomy_unit u ON u.id = b.unit_id JOIN ledger_logentry e ON e.batch_id = b.id"
            " WHERE b.id = %s", version.batch_id,
        )[0]  # fmt: skip
        log = query(
            "SELECT line FROM ledger_logentry WHERE production_id = %s AND type = 'row'"
            " AND line LIKE '%%budgets_budgetversion%%' ORDER BY seq", film.production.pk,
        )  # fmt: skip
    assert (kind, lines, unit) == ("budget", 7, "OFFICE")
    states = [
        state
        for (line,) in log
        for state in ("draft", "approved", "locked")
        if f'"state": "{state}"' in line
    ]
    assert states == ["draft", "approved", "approved", "locked"]


def test_a_budget_is_approved_by_another_person_than_who_made_it(film: Film) -> None:
    version = imported(film)
    with pytest.raises(SamePerson, match="another person approves it"):
        approved(film, version, "amir")
    assert approved(film, version).state == "approved"
    with pytest.raises(WrongStep, match="only a draft"):
        approved(film, version)


def test_a_lock_takes_two_people_and_the_exact_total(film: Film) -> None:
    version = approved(film, imported(film))

    def confirm(person: str, total: str = TOTAL) -> None:
        with role("web"), acting(film, person):
            versions.confirm_lock(
                actor=film.cast[person], version=version, typed_total=total, day=DAY
            )

    with pytest.raises(WrongStep, match="ask for it"):
        confirm("lena")
    with role("web"), acting(film, "lena"):
        versions.ask_lock(actor=film.cast["lena"], version=version)
    with pytest.raises(SamePerson):
        confirm("lena")
    for typed in ("561,000.01", "561", "560,999.99"):
        with pytest.raises(WrongTotal, match="exact total"):
            confirm("amir", typed)
    with pytest.raises(Invalid):
        confirm("amir", "about 561,000")
    assert book(film, 3) == {}
    confirm("amir", "561000")
    assert book(film, 3)["8001"] == 51000
    with pytest.raises(WrongStep, match="locked"):
        confirm("amir")


def test_one_budget_is_locked_and_the_others_are_superseded(film: Film) -> None:
    first = imported(film)
    text = BUDGET.replace("51,000", "52,000").replace("561,000", "562,000.00")
    version = locked(film, text, "562,000.00")
    with role("web"), acting(film, "amir"):
        states = {v.number: v.state for v in selectors.versions(film.production)}
    assert states == {first.number: "superseded", version.number: "locked"}
    later = approved(film, imported(film, BUDGET))
    with (
        pytest.raises(WrongStep, match="locked, once and for all"),
        role("web"),
        acting(film, "amir"),
    ):
        versions.ask_lock(actor=film.cast["amir"], version=later)


STEPS: dict[str, tuple[str, str, str]] = {
    "who made it approves": ("amir", "state = 'approved', approved_by_id = {me}", "draft"),
    "approved in another's name": ("lena", "state = 'approved', approved_by_id = {amir}", "draft"),
    "locked from a draft": ("lena", "state = 'locked'", "draft"),
    "locked by one person": (
        "amir", "state = 'locked', locked_by_id = {me}, locked_at = now(), typed_total = total,"
        " batch_id = NULL", "asked"),
    "locked with another total": (
        "lena", "state = 'locked', locked_by_id = {me}, locked_at = now(),"
        " typed_total = total + 1, batch_id = NULL", "asked"),
    "locked without posting": (
        "lena", "state = 'locked', locked_by_id = {me}, locked_at = now(), typed_total = total",
        "asked"),
    "back to draft": ("lena", "state = 'draft'", "asked"),
    "unlocked": ("lena", "state = 'approved'", "locked"),
    "superseded after the lock": ("lena", "state = 'superseded'", "locked"),
    "another total": ("lena", "typed_total = 5", "locked"),
}  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_the_database_refuses_every_other_step(film: Film, step: str) -> None:
    person, change, begins = STEPS[step]
    if begins == "locked":
        version = locked(film)
    else:
        version = imported(film)
        if begins == "asked":
            approved(film, version)
            with role("web"), acting(film, "amir"):
                versions.ask_lock(actor=film.cast["amir"], version=version)
    text = change.format(me=film.cast[person].pk, amir=film.cast["amir"].pk)
    with (
        role("web"),
        pytest.raises(DatabaseError, match=r"is not taken so|23514"),
        acting(film, person),
    ):
        query(f"UPDATE budgets_budgetversion SET {text} WHERE id = %s RETURNING 1", version.pk)


@pytest.mark.parametrize("column", ["total = 1", "name = 'x'", "made_by_id = 1", "number = 9"])
def test_what_a_version_states_never_changes(film: Film, column: str) -> None:
    version = imported(film)
    with role("owner"), pytest.raises(DatabaseError, match="never change"), acting(film, "amir"):
        query(f"UPDATE budgets_budgetversion SET {column} WHERE id = %s", version.pk)
    with role("web"), pytest.raises(DatabaseError, match="permission"), acting(film, "lena"):
        query(f"UPDATE budgets_budgetversion SET {column} WHERE id = %s", version.pk)


def test_nothing_is_added_to_a_version_and_its_total_is_its_lines(film: Film) -> None:
    version = imported(film)
    copy: dict[str, Any] = {"id": version.pk}
    with role("web"), pytest.raises(DatabaseError, match="stated whole"), acting(film, "amir"):
        query(
            "INSERT INTO budgets_budgetline (production_id, version_id, number, account_id,"
            " cost_center_id, line, stated_account, description, amount, original_amount,"
            " source_line, source_start, source_end) SELECT production_id, version_id, 99,"
            " account_id, cost_center_id, line, '', '', 1, 1, 1, 0, 1 FROM budgets_budgetline"
            " WHERE version_id = %s LIMIT 1", copy["id"],
        )  # fmt: skip
    with role("web"), pytest.raises(DatabaseError, match="has 0 lines"), acting(film, "amir"):
        query(
            "INSERT INTO budgets_budgetversion (production_id, number, name, state, currency,"
            " rate, document_id, document_sha256, file_name, total, line_count, made_by_id)"
            " SELECT production_id, 9, 'x', 'draft', currency, rate, document_id,"
            " document_sha256, file_name, total, line_count, made_by_id"
            " FROM budgets_budgetversion WHERE id = %s", version.pk,
        )  # fmt: skip


@pytest.mark.parametrize("table", ["budgets_budgetline", "budgets_budgetversion"])
def test_versions_and_lines_are_kept_for_good(film: Film, table: str) -> None:
    imported(film)
    with role("owner"), pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        query(f"DELETE FROM {table} WHERE production_id = %s", film.production.pk)


@pytest.mark.parametrize("person", ["cho", "bea", "eve", "otto"])
def test_those_who_do_not_see_all_costs_see_no_budget(film: Film, person: str) -> None:
    locked(film)
    with role("web"), acting(film, person):
        assert list(selectors.versions(film.production)) == []
        assert query("SELECT count(*) FROM budgets_budgetline") == [(0,)]


@pytest.mark.parametrize("person", ["lena", "cho", "bea"])
def test_only_who_posts_entries_makes_a_budget(film: Film, person: str) -> None:
    with pytest.raises(DatabaseError, match="row-level security"):
        imported(film, person=person)

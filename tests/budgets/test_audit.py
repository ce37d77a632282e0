"""Whatever of a budget is altered behind the database's back, the verifier names it."""

import pytest

from ledger.verify import verify_production
from tests.budgets.films import budget_film, changed, estimated, locked
from tests.factories import Cast, Film, role
from tests.ledger.raw_batches import query
from tests.ledger.tampering import tampering

ALTERED = {
    "budgets_budgetversion": "total = total + 1",
    "budgets_budgetline": "amount = amount + 1",
    "budgets_budgetchange": "reason = 'another'",
    "budgets_budgetchangeline": "amount = amount * 2",
    "budgets_efcentry": "efc_after = efc_after - 1",
}


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    """A locked budget with a draw and an estimate. It is altered, and every change undone."""
    made = budget_film(cast)
    locked(made)
    changed(made, "draw", ("8001", "-2000"), ("3310", "2000"))
    estimated(made, "3310", "efc", "60000")
    return made


def records(film: Film) -> set[str]:
    return {f.record for f in verify_production(film.production).findings or []}


@pytest.mark.parametrize("table", ALTERED)
def test_a_row_that_is_altered_or_removed_is_named(film: Film, table: str) -> None:
    named = table.partition("_")[2]
    with tampering():
        assert records(film) == set()
        ((row_id,),) = query(
            f"SELECT max(id) FROM {table} WHERE production_id = %s", film.production.pk
        )
        query(f"UPDATE {table} SET {ALTERED[table]} WHERE id = %s", row_id)
        assert f"{named} {row_id}" in {r.removeprefix("budgets_") for r in records(film)}
        query(f"DELETE FROM {table} WHERE id = %s", row_id)
        assert f"{named} {row_id}" in {r.removeprefix("budgets_") for r in records(film)}


def test_every_table_of_budgets_is_audited() -> None:
    with role("owner"):
        audited = query(
            "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgname = 'log_row' AND c.relname LIKE 'budgets%%'"
        )
    assert {t for (t,) in audited} == {*ALTERED, "budgets_refusedcrossing"}

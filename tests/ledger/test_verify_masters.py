"""What figures are read by and converted with: altered behind the database's back, it is named."""

import pytest

from ledger.holes import convert_holes
from ledger.services import close_period
from ledger.verify import verify_production
from tests.factories import Cast, Film, acting, cost_line, cost_lines, import_data, make_film, role
from tests.ledger.altering import flip, flips
from tests.ledger.fx_house import bill, load
from tests.ledger.raw_batches import query
from tests.ledger.tampering import tampering, undone

# Table -> which of its rows is altered, and how the verifier names that row.
ROWS = {
    "ledger_account": ("code = '3310'", "'account ' || id"),
    "ledger_period": ("number = 1", "'period ' || id"),
    "ledger_conversion": (
        "currency = 'CAD' AND day = '2026-01-14' AND lines = 1",
        "format('conversion of batch %s, %s %s', batch_id, currency, day)",
    ),
    "ledger_filledhole": ("hole_number = 1", "format('filled hole %s/%s', batch_id, number)"),
}


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    """Two costs posted before their rate was known and one after, and a week that is closed."""
    with role("owner"):
        made = make_film(cast)
    rows = [cost_line(n, amount=f"{n}6.00", currency="CAD") for n in (1, 2)]
    import_data(made, cost_lines([*rows, cost_line(3, account="2220", center="ART")]))
    load(made)
    with role("web"), acting(made, "amir"):
        convert_holes(actor=made.cast["amir"], production=made.production)
        close_period(actor=made.cast["amir"], production=made.production, number=1)
    bill(made, 9)
    return made


def records(film: Film) -> set[str]:
    return {f.record for f in verify_production(film.production).findings}


def row_of(film: Film, table: str) -> tuple[str, str]:
    """(where the row lies, what the verifier calls it)"""
    where, name = ROWS[table]
    ((at, called),) = query(
        f"SELECT ctid, {name.replace('%', '%%')} FROM {table}"
        f" WHERE production_id = %s AND {where} LIMIT 1",
        film.production.pk,
    )
    return at, called


@pytest.mark.parametrize("table", ROWS)
def test_every_column_that_is_altered_is_named(film: Film, table: str) -> None:
    with tampering():
        assert records(film) == set()
        for (name,) in query(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'",
            table,
        ):  # a superuser takes off what the table itself would refuse
            query(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        at, called = row_of(film, table)
        every, altered = flips(table), set()
        for column, value in every:
            with undone():
                if not flip(table, at, column, value):
                    continue
                found = records(film)
                altered.add(column)
                assert called in found, (column, value, found)
    assert altered == {column for column, _ in every}, "every column was altered at least once"


@pytest.mark.parametrize("table", ROWS)
def test_a_row_that_is_deleted_or_added_is_named(film: Film, table: str) -> None:
    with tampering():
        at, called = row_of(film, table)
        query(f"CREATE TEMP TABLE taken ON COMMIT DROP AS TABLE {table} WITH NO DATA")
        query(f"INSERT INTO taken SELECT * FROM {table} WHERE ctid = %s::tid", at)
        query(f"DELETE FROM {table} WHERE ctid = %s::tid", at)
        assert called in records(film)
        key = {"ledger_conversion": "batch_id", "ledger_filledhole": "batch_id"}.get(table, "id")
        query(f"INSERT INTO {table} SELECT * FROM taken")
        also = {"ledger_account": ", code = '3311'", "ledger_period": ", number = 99,"
                " starts_on = '2030-01-01', ends_on = '2030-01-07'",
                "ledger_filledhole": ", hole_number = 99"}.get(table, "")  # fmt: skip
        query(f"UPDATE taken SET {key} = {key} + 1000000{also}")
        query(f"INSERT INTO {table} SELECT * FROM taken")
        ((moved,),) = query(f"SELECT {key} FROM taken")
        assert any(str(moved) in name for name in records(film))


def test_two_accounts_that_change_their_codes_are_named_though_their_history_agrees(
    film: Film,
) -> None:
    """By whoever owns the table, with every trigger on: the postings say which they were."""
    with tampering():
        query("SET LOCAL session_replication_role = origin")
        ids = dict(query(
            "SELECT code, id FROM ledger_account WHERE production_id = %s"
            " AND code IN ('3310', '2220')", film.production.pk,
        ))  # fmt: skip
        for code, account in (("swap", ids["3310"]), ("3310", ids["2220"]), ("2220", ids["3310"])):
            query("UPDATE ledger_account SET code = %s WHERE id = %s", code, account)
        assert records(film) == {f"account {account}" for account in ids.values()}


def test_a_closed_week_opened_again_is_named_though_its_history_agrees(film: Film) -> None:
    with tampering():
        at, called = row_of(film, "ledger_period")
        query("UPDATE ledger_period SET state = 'open' WHERE ctid = %s::tid", at)
        query(
            "UPDATE ledger_historicalperiod SET state = 'open' WHERE production_id = %s",
            film.production.pk,
        )
        assert records(film) == {called}


def test_a_rate_that_was_never_published_is_named_though_its_sheet_agrees(film: Film) -> None:
    with tampering():
        _, called = row_of(film, "ledger_conversion")
        query(
            'UPDATE ledger_ratesheet SET rates = rates || \'{"CAD": "NaN"}\''
            " WHERE production_id = %s AND published_on = '2026-01-14'",
            film.production.pk,
        )
        found = records(film)
        assert called in found
        assert any(name.startswith("ratesheet ") for name in found)

"""Whatever of orders and papers is altered behind the database's back, the verifier names it."""

import pytest

from ledger.verify import verify_production
from purchasing.orders import add_vendor
from tests.factories import Cast, Film, make_film, role
from tests.ledger.altering import flip, flips
from tests.ledger.raw_batches import query
from tests.ledger.tampering import tampering, undone
from tests.purchasing.office import office, paperwork

TABLES = [
    "ledger_commitment",
    "purchasing_vendor",
    "purchasing_vendortaxnumber",
    "purchasing_purchaseorder",
    "purchasing_orderline",
    "purchasing_ordercommitment",
    "purchasing_fund",
    "purchasing_entry",
    "purchasing_settlement",
]


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    """A film with the paperwork of two departments. It is altered, and every change undone."""
    with role("owner"):
        made = make_film(cast)
    for center, account in (("CAM", "3310"), ("ART", "2220")):
        paperwork(office(made), center, account, f"paper of {center}")
    with office(made).acts() as amir:
        add_vendor(actor=amir, production=made.production, name="Kim Reyes", tax_id="12-3456789")
    return made


def image(table: str, row_id: int) -> object:
    """The row as it stands, None when it has another id: a value may round to what it was."""
    return query(f"SELECT to_jsonb(x) FROM {table} x WHERE id = %s", row_id)


def records(film: Film) -> set[str]:
    return {f.record for f in verify_production(film.production).findings or []}


def test_every_audited_table_is_tried(film: Film) -> None:
    with role("owner"):
        audited = query(
            "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgname = 'log_row' AND c.relname LIKE 'purchasing%%'"
        )
    assert {t for (t,) in audited} == {t for t in TABLES if t.startswith("purchasing")}


@pytest.mark.parametrize("table", TABLES)
def test_every_column_that_is_altered_is_named(film: Film, table: str) -> None:
    word = table.partition("_")[2]
    with tampering():
        assert records(film) == set()
        ((row_id, at),) = query(
            f"SELECT id, ctid FROM {table} WHERE production_id = %s ORDER BY id LIMIT 1",
            film.production.pk,
        )
        every, altered, before = flips(table), set(), image(table, row_id)
        for column, value in every:
            with undone():
                if flip(table, at, column, value) and image(table, row_id) != before:
                    altered.add(column)
                    assert f"{word} {row_id}" in records(film), (column, value)
    # What kind of order or fund it is, only one of three words may say.
    assert altered >= {column for column, _ in every} - {"kind"}


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_deleted_or_added_is_named(film: Film, table: str) -> None:
    word = table.partition("_")[2]
    with tampering():
        ((row_id,),) = query(
            f"SELECT max(id) FROM {table} WHERE production_id = %s", film.production.pk
        )
        point = query(f"SELECT to_jsonb(x) || '{{\"id\": 999999999}}' FROM {table} x WHERE id = %s",
                      row_id)[0][0]  # fmt: skip
        query(f"DELETE FROM {table} WHERE id = %s", row_id)
        assert f"{word} {row_id}" in records(film)
        query(
            f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s::jsonb)",
            point,
        )
        assert f"{word} 999999999" in records(film)

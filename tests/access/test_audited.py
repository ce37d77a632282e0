"""Every column of every audited table: what a superuser alters in it, the verifier names."""

import pytest

from ledger.verify_rows import verify_audited
from tests.access.house import House
from tests.factories import role
from tests.ledger.altering import flip, flips
from tests.ledger.raw_batches import query
from tests.ledger.tampering import tampering, undone

# The tables whose states the database writes into the log. A test holds the list to the triggers.
AUDITED = [
    "budgets_budgetchange",
    "budgets_budgetchangeline",
    "budgets_budgetline",
    "budgets_budgetversion",
    "budgets_efcentry",
    "budgets_refusedcrossing",
    "ingestion_alerthook",
    "ingestion_decision",
    "ingestion_feed",
    "ingestion_mappingversion",
    "ingestion_question",
    "ingestion_threshold",
    "ledger_attachment",
    "ledger_attachmentwithdrawal",
    "ledger_bankaccount",
    "ledger_bankidentifier",
    "ledger_bankstatement",
    "ledger_commitment",
    "ledger_ratesheet",
    "ledger_segment",
    "purchasing_entry",
    "purchasing_fund",
    "purchasing_ordercommitment",
    "purchasing_orderline",
    "purchasing_purchaseorder",
    "purchasing_settlement",
    "purchasing_vendor",
    "purchasing_vendortaxnumber",
    "readlog_read",
    "readlog_viewing",
]


def records(house: House) -> set[str]:
    return {f.record for f in verify_audited(house.film.production.pk)}


def free(table: str) -> None:
    """Take off what the table itself would refuse: a superuser can, and it is undone."""
    for (name,) in query(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'", table
    ):
        query(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')


def test_the_audited_tables_are_those_with_the_trigger(database: None) -> None:
    with role("owner"):
        found = query(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'log_row' ORDER BY 1"
        )
    assert [table for (table,) in found] == AUDITED


@pytest.mark.parametrize("table", AUDITED)
def test_every_column_that_is_altered_is_named(house: House, table: str) -> None:
    word = table.partition("_")[2]
    with tampering():
        assert records(house) == set()
        free(table)
        ((row_id, at),) = query(
            f"SELECT id, ctid FROM {table} WHERE production_id = %s ORDER BY id LIMIT 1",
            house.film.production.pk,
        )
        every, altered = flips(table), set()
        before = query(f"SELECT to_jsonb(x) FROM {table} x WHERE id = %s", row_id)
        for column, value in every:
            with undone():
                if not flip(table, at, column, value):
                    continue
                after = query(f"SELECT to_jsonb(x) FROM {table} x WHERE id = %s", row_id)
                if after == before:  # it was rounded to what it was
                    continue
                altered.add(column)
                assert f"{word} {row_id}" in records(house), (column, value)
    assert altered == {column for column, _ in every}, "every column was altered at least once"


@pytest.mark.parametrize("table", AUDITED)
def test_a_row_that_is_deleted_or_added_is_named(house: House, table: str) -> None:
    word = table.partition("_")[2]
    with tampering():
        ((row_id, row),) = query(
            f"SELECT id, to_jsonb(x) || '{{\"id\": 999999999}}' FROM {table} x"
            " WHERE production_id = %s ORDER BY id LIMIT 1",
            house.film.production.pk,
        )
        query(f"DELETE FROM {table} WHERE id = %s", row_id)
        assert f"{word} {row_id}" in records(house)
        query(
            f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s::jsonb)",
            row,
        )
        assert f"{word} 999999999" in records(house)

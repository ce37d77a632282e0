"""Audited records by the name people call them, read from whatever a log's line may be."""

import json

import pytest

from reports import queries, records
from reports.records import State, changes, name_of, state_of
from tests.factories import role
from tests.ledger.raw_batches import query


def test_every_record_whose_states_are_logged_has_a_name_and_can_be_asked_for(
    database: None,
) -> None:
    with role("owner"):
        tables = {name for (name,) in query(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'log_row'")}  # fmt: skip
    assert tables == set(records.CALLED)
    askable = {thing.table for thing in queries.THINGS.values()}
    assert askable < tables
    # Parts of others, found with them.
    assert {"ledger_attachmentwithdrawal", "budgets_budgetline", "budgets_budgetchangeline",
            "purchasing_ordercommitment"} == tables - askable  # fmt: skip


def line(table: str, **row: str) -> str:
    return json.dumps({"data": {"by": "1", "row": row, "table": table}, "type": "row"})


def test_a_state_is_named_by_its_own_columns_or_by_table_and_id() -> None:
    for table, row, name in (
        ("purchasing_purchaseorder", {"id": "7", "number": "PO-0001"}, "order PO-0001"),
        ("budgets_efcentry", {"id": "7", "number": "12"}, "EFC entry VE-0012"),
        ("purchasing_orderline", {"id": "7", "order_id": "3", "line_no": "1", "version": "2"},
         "order number 3, line 1 v2"),
        ("purchasing_vendor", {"id": "7", "name": "{id} {0.x}"}, "vendor {id} {0.x}"),
        ("purchasing_vendor", {"id": "7"}, "vendor 7"),
        ("later_parrot", {"id": "7"}, "parrot 7"),
    ):  # fmt: skip
        state = state_of(line(table, **row))
        assert state is not None and name_of(state, {}) == name


@pytest.mark.parametrize(
    "text",
    [None, "", "no json", "7", "null", "[]", '{"data": 1}', '{"data": {"row": {}}}',
     '{"data": {"row": 7, "table": "x"}}', "[" * 100_000],
)  # fmt: skip
def test_a_line_that_tells_of_no_record_is_none(text: str | None) -> None:
    assert state_of(text) is None


def test_what_changed_is_each_field_that_differs_the_step_first() -> None:
    was = State("t", {"id": "1", "name": "a", "state": "draft", "xid": "1", "vendor_id": "4"})
    now = State("t", {"id": "1", "name": "b", "state": "open", "xid": "2", "vendor_id": "9" * 40})
    assert changes(now, was, {}) == [
        ("state", "draft", "open"), ("name", "a", "b"),
        ("vendor", "number 4", "number " + "9" * 40),
    ]  # fmt: skip
    assert changes(was, was, {}) == []
    assert [field for field, _, _ in changes(was, None, {})] == ["state", "name", "vendor"]

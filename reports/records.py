"""Audited records as people name them, read from what their log entries say.

An entry's line is there for those who see all costs and for nobody else; what a record refers to
is looked up as whoever asks, and stays a number where they may not see it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models

from access.models import Production, User
from budgets.models import BudgetChange, BudgetVersion
from ledger.models import Account, Attachment, Commitment
from ledger.statement_tables import BankAccount
from purchasing.models import Entry, Fund, PurchaseOrder, Vendor
from taxonomy.models import CostCenter, Unit

# Table -> how one of its rows is called, by its own columns and by what it refers to.
CALLED = {
    "budgets_budgetchange": "change BC-{number:0>4}",
    "budgets_budgetchangeline": "change {change_id}, account {account_id}",
    "budgets_budgetline": "budget {version_id}, line {number}",
    "budgets_budgetversion": "budget v{number} {name}",
    "budgets_efcentry": "EFC entry VE-{number:0>4}",
    "budgets_refusedcrossing": "refused crossing, {was} to {would_be}",
    "ledger_bankaccount": "bank account {name}",
    "ledger_bankidentifier": "identifier {written} of {bank_account_id}",
    "ledger_bankstatement": "bank statement {number} of {bank_account_id}",
    "ingestion_alerthook": "webhook {id}",
    "ingestion_decision": "decision {id}: {action}",
    "ingestion_feed": "feed {name}",
    "ingestion_mappingversion": "mapping {source}, version {number}",
    "ingestion_question": "question {id}",
    "ingestion_threshold": "limit {id} of {source}",
    "ledger_attachment": "attachment {name}",
    "ledger_attachmentwithdrawal": "withdrawal of attachment {attachment_id}",
    "ledger_commitment": "commitment {reference}",
    "ledger_ratesheet": "rates of {published_on}",
    "ledger_segment": "segment {kind}={code}",
    "purchasing_entry": "{kind} {number}",
    "purchasing_fund": "fund {custodian}",
    "purchasing_ordercommitment": "order {order_id}, line {line_no}, commitment",
    "purchasing_orderline": "order {order_id}, line {line_no} v{version}",
    "purchasing_purchaseorder": "order {number}",
    "purchasing_settlement": "{payment_id} pays {invoice_id}",
    "purchasing_vendor": "vendor {name}",
    "purchasing_vendortaxnumber": "tax number of {vendor_id}",
    "readlog_read": "query {id}: {method} {route}",
    "readlog_viewing": "view as another {id}",
}
_REFERS: dict[str, type[models.Model]] = {
    "account_id": Account,
    "attachment_id": Attachment,
    "bank_account_id": BankAccount,
    "change_id": BudgetChange,
    "commitment_id": Commitment,
    "cost_center_id": CostCenter,
    "fund_id": Fund,
    "invoice_id": Entry,
    "order_id": PurchaseOrder,
    "payment_id": Entry,
    "unit_id": Unit,
    "vendor_id": Vendor,
    "version_id": BudgetVersion,
}
_UNSAID = {"id", "production_id", "xid"}
MOST_LETTERS = 120
Names = dict[tuple[type[models.Model], int], str]


@dataclass(frozen=True, slots=True)
class State:
    """A state of an audited record, as a log entry tells it."""

    table: str
    row: dict[str, str]

    @property
    def key(self) -> tuple[str, str]:
        """Which record it is a state of."""
        return self.table, self.row.get("id", "")


def state_of(line: str | None) -> State | None:
    """What an entry's line tells of a record; None for another entry, or an altered line."""
    try:
        data = json.loads(line or "").get("data")
        table, row = data["table"], data["row"]
        return State(str(table), {str(k): str(v) for k, v in row.items()})
    except (ValueError, RecursionError, AttributeError, TypeError, KeyError):
        return None


def names(production: Production, states: Iterable[State]) -> Names:
    """What the states refer to, as whoever asks may see it."""
    wanted: dict[type[models.Model], set[int]] = {}
    for state in states:
        for field, value in state.row.items():
            model, number = _model(field), _number(value)
            if model is not None and number is not None:
                wanted.setdefault(model, set()).add(number)
    found: Names = {}
    for model, ids in wanted.items():
        rows = model._default_manager.filter(pk__in=ids)
        if model is not User:
            rows = rows.filter(production=production)
        found |= {(model, row.pk): str(row) for row in rows}
    return found


def _model(field: str) -> type[models.Model] | None:
    if field == "actor_id" or field.endswith("_by_id"):
        return User
    return _REFERS.get(field)


def name_of(state: State, found: Names) -> str:
    """The record as people call it: order PO-0001; or its table and id where nobody does."""
    plain = f"{state.table.partition('_')[2]} {state.row.get('id', '')}"
    called = CALLED.get(state.table)
    if called is None:
        return plain
    words: dict[str, Any] = {field: _shown(field, value, found) for field, value in
                             state.row.items()}  # fmt: skip
    try:
        return called.format_map(words)[:MOST_LETTERS]
    except (KeyError, ValueError):  # a line that was altered lacks anything
        return plain


def changes(state: State, before: State | None, found: Names) -> list[tuple[str, str, str]]:
    """(field, was, is) of what differs from the state before; of a first state, what it says.

    The step a record took (`state`) stands first.
    """
    was = before.row if before else {}
    return [
        (
            field.removesuffix("_id").replace("_", " "),
            _shown(field, was.get(field, ""), found),
            _shown(field, state.row.get(field, ""), found),
        )
        for field in sorted(set(was) | set(state.row), key=lambda f: (f != "state", f))
        if field not in _UNSAID and was.get(field, "") != state.row.get(field, "")
    ]


def _shown(field: str, value: str, found: Names) -> str:
    model = _model(field)
    if model is None or not value:
        return value[:MOST_LETTERS]
    number = _number(value)
    known = None if number is None else found.get((model, number))
    return known or f"number {value[:MOST_LETTERS]}"


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None

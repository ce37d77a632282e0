"""What the screens of bank accounts and statements show, ready for their templates."""

from decimal import Decimal
from typing import Any

from django.urls import reverse

from access.models import Production
from ledger import selectors as ledger
from ledger.statement_tables import BankAccount, BankStatement, StatementLine
from ledger.statements import CASH_ROLES
from purchasing.forms import Sent
from purchasing.screens.fields import CURRENCIES, day, field, money

STATEMENTS_SHOWN = 100
LINES_A_PAGE = 200
# As much of a row as a page shows; all of it is in the file.
MOST_BYTES_SHOWN = 4_000
FORMS = {"ofx": "OFX", "bai2": "BAI2", "camt": "camt", "mt940": "MT940", "qif": "QIF",
         "csv": "Table"}  # fmt: skip


def accounts_view(production: Production, sent: Sent, *, may_change: bool) -> dict[str, Any]:
    """The bank accounts with what banks call them, their statements, and the form that adds one."""
    names: dict[int, list[str]] = {}
    for identifier in ledger.bank_identifiers(production):
        names.setdefault(identifier.bank_account_id, []).append(identifier.written)
    accounts = list(ledger.bank_accounts(production))
    statements = list(ledger.bank_statements(production)[: STATEMENTS_SHOWN + 1])
    totals = ledger.statement_totals(production, [s.pk for s in statements])
    return {
        "accounts": [_account(production, a, names.get(a.pk, [])) for a in accounts],
        "statements": [
            _statement(production, s, *totals.get(s.pk, (0, Decimal(0))))
            for s in statements[:STATEMENTS_SHOWN]
        ],
        "is_cut": len(statements) > STATEMENTS_SHOWN,
        "fields": _fields(production, sent, accounts),
        "may_change": may_change,
        "opened": not accounts or bool(sent.values),
        "refusal": sent.refusal.message if sent.refusal else "",
    }


def _fields(
    production: Production, sent: Sent, accounts: list[BankAccount]
) -> list[dict[str, Any]]:
    taken = {a.account_id for a in accounts}
    free = [
        (a.code, f"{a.code} {a.name}")
        for a in ledger.accounts(production)
        if a.is_postable and a.statement == "balance sheet" and a.clearing_role in CASH_ROLES
        and a.pk not in taken
    ]  # fmt: skip
    currencies = [(c, c) for c in dict.fromkeys((production.currency, *CURRENCIES))]
    return [
        field(sent, "name", "Name", is_required=True),
        field(sent, "currency", "Currency", "select", options=currencies),
        field(sent, "account", "Ledger account", "select", options=free),
        field(sent, "identifiers", "Called in statements", hint="IBAN or number; more later",
              is_wide=True),
    ]  # fmt: skip


def _account(production: Production, account: BankAccount, names: list[str]) -> dict[str, Any]:
    return {
        "id": account.pk,
        "name": account.name,
        "currency": account.currency,
        "ledger": f"{account.account.code} {account.account.name}",
        "ledger_url": reverse("account_lines", args=[production.code, account.account.code]),
        "identifiers": names,
        "is_active": account.is_active,
        "history_url": reverse("history", args=[production.code, "bank-account", account.pk]),
    }


def _statement(
    production: Production, statement: BankStatement, kept: int, total: Decimal
) -> dict[str, Any]:
    currency = statement.bank_account.currency
    return {
        "name": str(statement),
        "url": reverse("bank_statement", args=[production.code, statement.pk]),
        "account": statement.bank_account.name,
        "currency": currency,
        "form": FORMS.get(statement.form, statement.form),
        "from_day": day(statement.from_day),
        "to_day": day(statement.to_day),
        "opening": "" if statement.opening is None else money(statement.opening, currency),
        "closing": "" if statement.closing is None else money(statement.closing, currency),
        "lines": statement.lines,
        "kept": kept,
        "total": money(total, currency),
        "file_name": statement.document.name,
        "sha256": bytes(statement.document.sha256).hex(),
    }


def statement_view(production: Production, statement: BankStatement, page: int) -> dict[str, Any]:
    """A statement's balances and a page of the lines it brought."""
    (kept, total) = ledger.statement_totals(production, [statement.pk]).get(
        statement.pk, (0, Decimal(0))
    )
    first = (page - 1) * LINES_A_PAGE
    lines = list(ledger.statement_lines(statement)[first : first + LINES_A_PAGE])
    here = reverse("bank_statement", args=[production.code, statement.pk])
    currency = statement.bank_account.currency
    return {
        "statement": _statement(production, statement, kept, total),
        "lines": [_line(production, line, currency) for line in lines],
        "known": max(0, statement.lines - kept),
        "previous_url": f"{here}?page={page - 1}" if page > 1 else "",
        "next_url": f"{here}?page={page + 1}" if first + len(lines) < kept else "",
    }


def _line(production: Production, line: StatementLine, currency: str) -> dict[str, Any]:
    return {
        "url": reverse("bank_line", args=[production.code, line.pk]),
        "number": line.number,
        "booked_on": day(line.booked_on),
        "value_on": day(line.value_on),
        "amount": money(line.amount, currency),
        "reference": line.reference,
        "counterparty": line.counterparty,
        "description": line.description,
        "bank_id": line.bank_id,
    }


def line_view(production: Production, line: StatementLine) -> dict[str, Any]:
    """One line with its row as it was received."""
    document = line.statement.document
    sha256 = bytes(document.sha256).hex()
    end = min(line.source_end, line.source_start + MOST_BYTES_SHOWN)
    raw = ledger.document_range(document, line.source_start, end)
    return {
        "line": _line(production, line, line.bank_account.currency),
        "statement": _statement(production, line.statement, 0, Decimal(0)),
        "currency": line.bank_account.currency,
        "row": line.source_row,
        "physical": line.source_line,
        "raw": raw.decode("utf-8", "replace"),
        "is_cut": end < line.source_end,
        "sha256": sha256,
    }

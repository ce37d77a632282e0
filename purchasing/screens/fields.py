"""Fields and line grids as the pages draw them, with what was typed and what is wrong."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from access.models import Production
from ledger import selectors as ledger
from ledger.models import Account
from ledger.segments import KINDS
from purchasing import forms, selectors
from purchasing.forms import Sent
from taxonomy import selectors as taxonomy
from taxonomy.money import format_over_under

CURRENCIES = ("USD", "CAD", "EUR", "GBP", "AUD", "NZD", "MXN", "HUF", "CZK")
# column -> (label, kind, list of suggestions, its sum is shown)
COLUMNS: Mapping[str, tuple[str, str, str, bool]] = {
    "account": ("Account", "code", "accounts", False),
    "segments": ("Segments", "segments", "segments", False),
    "kind": ("Segment", "code", "kinds", False),
    "code": ("Code", "code", "", False),
    "name": ("Name", "text", "", False),
    "quantity": ("Quantity", "money", "", False),
    "rate": ("Rate", "money", "", False),
    "amount": ("Amount", "money", "", True),
    "description": ("Description", "text", "", False),
    "order": ("Order", "code", "orders", False),
    "order_line": ("Line", "short", "", False),
    "is_final": ("Final", "check", "", False),
    "debit": ("Debit", "money", "", True),
    "credit": ("Credit", "money", "", True),
    "cost_center": ("Cost centre", "code", "centers", False),
}


def today() -> date:
    """The day screens count from."""
    return datetime.now(UTC).date()


def money(amount: Decimal, currency: str) -> str:
    """A figure: what is below zero stands in parentheses."""
    return format_over_under(amount, currency)


def day(value: date | None) -> str:
    """A day as screens show it."""
    return "" if value is None else f"{value:%d %b %Y}"


def field(sent: Sent, name: str, label: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    """One field. `kind` is an input's type, or "select" with `options` of (code, name)."""
    value = sent.values.get(name, "")
    options = [
        {"value": code, "label": text, "selected": code == value}
        for code, text in more.pop("options", ())
    ]
    said = {"name": name, "label": label, "kind": kind, "value": value, "options": options}
    return {**said, "fault": sent.faults.get(name, ""), **more}


def grid(sent: Sent, caption: str, totals: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The line grid of a form: its columns and as many rows as it has."""
    columns = [
        {"name": name, "label": label, "kind": kind, "list": suggestions, "is_sum": is_sum,
         "total": (totals or {}).get(name, "")}
        for name, (label, kind, suggestions, is_sum) in COLUMNS.items()
        if name in sent.columns
    ]  # fmt: skip
    columns.sort(key=lambda column: sent.columns.index(str(column["name"])))
    return {
        "caption": caption,
        "columns": columns,
        "rows": [_row(sent, columns, n) for n in range(sent.count)],
        "count": sent.count,
        "has_sums": any(column["is_sum"] for column in columns),
    }


def _row(sent: Sent, columns: Sequence[dict[str, Any]], number: int) -> dict[str, Any]:
    cells = []
    for column in columns:
        name = f"{column['name']}-{number}"
        cells.append(
            {
                **column,
                "name": name,
                "column": column["name"],
                "value": sent.values.get(name, ""),
                "fault": sent.faults.get(name, ""),
                "label": f"{column['label']}, line {number + 1}",
            }
        )
    return {"number": number + 1, "cells": cells}


def faults(sent: Sent, names: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """What stands above the form: each fault with the field it leads to."""
    labels = {f["name"]: f["label"] for f in names}
    said = []
    for name, sentence in sent.faults.items():
        column, _, number = name.rpartition("-")
        if column in COLUMNS and number.isdigit():
            where = f"Line {int(number) + 1}, {COLUMNS[column][0].lower()}"
        else:
            where = str(labels.get(name, name.replace("_", " ").capitalize()))
        said.append({"where": where, "sentence": sentence, "anchor": f"f-{name}"})
    return said


def lists(production: Production, *, costs_only: bool = True) -> dict[str, Any]:
    """What the grids suggest: accounts, cost centres and orders with something open."""
    return {
        "accounts": [
            (a.code, a.name)
            for a in ledger.accounts(production)
            if a.is_postable and (not costs_only or a.statement == "cost") and _is_for_people(a)
        ],
        "centers": [(c.code, c.name) for c in taxonomy.cost_centers(production)],
        "vendors": [(v.name, "") for v in selectors.vendors(production).filter(is_active=True)],
        "orders": [
            (o.number, f"{o.vendor.name}: {o.description}"[:80])
            for o in selectors.orders(production).filter(version__gt=0).exclude(state="void")[:500]
        ],
        "segments": [
            (f"{s.kind}={s.code}", f"{KINDS[s.kind]}: {s.name}")
            for s in ledger.segments(production).filter(is_active=True)
        ],
        "currencies": [(c, "") for c in dict.fromkeys((production.currency, *CURRENCIES))],
    }


def _is_for_people(account: Account) -> bool:
    return account.clearing_role not in ("book_control", "journal_clearing")


def unit_options(production: Production) -> list[tuple[str, str]]:
    """The production's units."""
    return [(u.code, u.name) for u in taxonomy.units(production)]


def center_options(production: Production) -> list[tuple[str, str]]:
    """The production's departments, none chosen yet."""
    found = [(c.code, f"{c.name} ({c.code})") for c in taxonomy.cost_centers(production)]
    return [("", "Choose a department"), *found]


def entry_page(
    sent: Sent, production: Production, fields: Sequence[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    """A page with a form: its fields, its grid if it has one, and its refusal if it has one."""
    totals: dict[str, str] = {}
    if sent.columns:
        summed = [c for c in sent.columns if COLUMNS[c][3]]
        figures = forms.sums(sent, summed)
        currency = forms.known_currency(sent.text("currency"))
        totals = {column: money(amount, currency) for column, amount in figures.items()}
        if "debit" in figures:
            more["difference"] = money(figures["debit"] - figures["credit"], currency)
    return {
        "fields": fields,
        "grid": grid(sent, more.pop("caption", "Lines"), totals) if sent.columns else None,
        "lists": lists(production, costs_only=more.pop("costs_only", True)),
        "refusal": sent.refusal.message if sent.refusal else "",
        "faults": faults(sent, fields),
        **more,
    }


def title_crumbs(*parts: tuple[str, str]) -> list[dict[str, str]]:
    """(label, url) pairs as the way back; the last has none."""
    return [{"label": label, "url": url} for label, url in parts]

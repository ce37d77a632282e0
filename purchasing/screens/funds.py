"""What the screens of petty cash and cards show. Every figure carries its link."""

from typing import Any

from django.urls import reverse

from access.models import Production
from purchasing import funds, selectors
from purchasing.forms import Sent
from purchasing.models import Fund
from purchasing.screens.fields import (
    center_options,
    entry_page,
    field,
    money,
    title_crumbs,
    today,
    unit_options,
)
from purchasing.screens.papers import paper_row
from purchasing.selectors import Paper
from purchasing.states import ZERO

KINDS = {"petty_cash": "Petty cash", "card": "Card"}
MOVES = {
    "advance": "Advance", "reimbursement": "Reimbursement", "return": "Return",
}  # fmt: skip
LIST = "Petty cash and cards"


def _fund_row(production: Production, fund: Fund) -> dict[str, Any]:
    held = selectors.fund_balance(fund)
    missing = funds.to_restore(fund)
    return {
        "id": fund.pk,
        "custodian": fund.custodian,
        "kind": KINDS[fund.kind],
        "department": fund.cost_center.code,
        "account": f"{fund.account.code} {fund.account.name}",
        "currency": fund.currency,
        "imprest": money(fund.imprest, fund.currency),
        "held": money(held, fund.currency),
        "to_restore": money(missing, fund.currency),
        "is_open": fund.is_open,
        "state": "open" if fund.is_open else "closed",
        "url": reverse("fund", args=[production.code, fund.pk]),
    }


def funds_page(production: Production, *, may_enter: bool) -> dict[str, Any]:
    """All floats and cards: who holds how much, and what would restore each."""
    found = [_fund_row(production, fund) for fund in selectors.funds(production)]
    return {"funds": found, "may_enter": may_enter}


def fund_page(
    production: Production, fund: Fund, sent: Sent, before: Paper | None, *, may_enter: bool
) -> dict[str, Any]:
    """One fund: its moves and envelopes with what each left, and the forms for more."""
    found = selectors.papers(production, ["envelope", *MOVES], fund=fund)
    held, rows = ZERO, []
    for paper in reversed(found):
        amount = paper.entry.total
        change = amount if paper.entry.kind in ("advance", "reimbursement") else -amount
        held += ZERO if paper.is_void else change
        row = {**paper_row(production, paper), "change": money(change, fund.currency)}
        rows.append({**row, "held": money(held, fund.currency)})
    fields = [
        field(sent, "kind", "What", "select", options=list(MOVES.items())),
        field(sent, "number", "Number", is_required=True),
        field(sent, "day", "Date", "date"),
        field(sent, "amount", f"Amount, {fund.currency}", is_required=True, inputmode="decimal"),
        field(sent, "bank", "Bank account", list="accounts", hint="empty for the usual"),
    ]
    url = reverse("paper", args=[production.code, before.entry.pk]) if before else ""
    return {
        **entry_page(sent, production, fields, costs_only=False),
        "fund": {**_fund_row(production, fund), "unit": fund.unit.name,
                 "department": f"{fund.cost_center.name} ({fund.cost_center.code})"},
        "papers": rows[::-1],
        "may_enter": may_enter and fund.is_open,
        "before": before.entry.number if before else "",
        "before_url": url,
        "crumbs": title_crumbs(
            (LIST, reverse("funds", args=[production.code])), (fund.custodian, "")
        ),
    }  # fmt: skip


def fund_form_page(sent: Sent, production: Production) -> dict[str, Any]:
    """The form that opens a float or card."""
    fields = [
        field(sent, "custodian", "Custodian", is_required=True, is_wide=True),
        field(sent, "kind", "Kind", "select", options=list(KINDS.items())),
        field(sent, "cost_center", "Department", "select", options=center_options(production)),
        field(sent, "unit", "Unit", "select", options=unit_options(production)),
        field(sent, "currency", "Currency", list="currencies", is_short=True),
        field(sent, "imprest", "Imprest", is_required=True, inputmode="decimal"),
        field(sent, "account", "Its account", list="accounts", hint="empty for the usual"),
    ]
    return entry_page(
        sent,
        production,
        fields,
        costs_only=False,
        title="Open a float or card",
        note="No money moves yet: the first advance does that.",
        send="Open it",
        crumbs=title_crumbs(
            (LIST, reverse("funds", args=[production.code])), ("Open a float or card", "")
        ),
    )


def envelope_page(
    sent: Sent, production: Production, fund: Fund, before: Paper | None
) -> dict[str, Any]:
    """The form of an envelope of receipts."""
    is_over = sent.refusal is not None and sent.refusal.code == "E_OVER_RELIEF"
    here = reverse("fund", args=[production.code, fund.pk])
    held = money(selectors.fund_balance(fund), fund.currency)
    url = reverse("paper", args=[production.code, before.entry.pk]) if before else ""
    return entry_page(
        sent,
        production,
        [
            field(sent, "number", "Envelope number", is_required=True),
            field(sent, "day", "Date", "date"),
        ],
        caption=f"Receipts, in {fund.currency}",
        title="Envelope",
        subtitle=f"{fund.custodian}, {KINDS[fund.kind].lower()}",
        note=f"Holds {held} {fund.currency}.",
        send="Post the envelope",
        offer_over=is_over or bool(sent.text("accepts_over")),
        accepts_over=bool(sent.text("accepts_over")),
        before=before.entry.number if before else "",
        before_url=url,
        crumbs=title_crumbs(
            (LIST, reverse("funds", args=[production.code])), (fund.custodian, here),
            ("Envelope", ""),
        ),
    )  # fmt: skip


def start_of_move() -> dict[str, str]:
    """What the form of a move starts with."""
    return {"day": today().isoformat(), "kind": "advance"}

"""What the order and vendor screens show. Every figure carries its link."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from access.models import Production
from purchasing import selectors
from purchasing.forms import Sent
from purchasing.models import OrderLine, PurchaseOrder
from purchasing.screens.fields import (
    center_options,
    day,
    entry_page,
    field,
    money,
    title_crumbs,
    today,
    unit_options,
)
from purchasing.selectors import CommittedLine, Move
from purchasing.states import APPROVED, CLOSED, DRAFT, OPEN, PARTIAL, VOID, ZERO, Standing

PAGE_ORDERS = 250
STATES = {
    DRAFT: "Draft", APPROVED: "Approved", OPEN: "Open", PARTIAL: "Partly relieved",
    CLOSED: "Closed", VOID: "Void",
}  # fmt: skip
KINDS = {"purchase": "Purchase", "service": "Service", "rental": "Rental"}
COMPONENTS = {"ordered": "Ordered", "relieved": "Relieved", "cancelled": "Cancelled"}


def _holder(order: PurchaseOrder, status: str) -> str:
    if status == DRAFT:
        return f"An approver, since {order.requested_by.name} asked"
    if status == APPROVED:
        return f"Accounting to open it; {order.approved_by} approved"
    return order.vendor.name if status in (OPEN, PARTIAL) else ""


def orders_page(
    production: Production, asked: str, *, may_enter: bool, after: str = ""
) -> dict[str, Any]:
    """The list of orders, narrowed to a state as people call it."""
    rows = selectors.orders(production)
    if after:
        rows = rows.filter(number__lt=after)
    found = list(rows)
    standings = selectors.committed_lines(production, found)
    every = [(o, standings[o.pk], selectors.status_of(o, standings[o.pk])) for o in found]
    shown = [row for row in every if not asked or row[2] == asked]
    here = reverse("orders", args=[production.code])
    following = ""
    if len(shown) > PAGE_ORDERS:
        shown = shown[:PAGE_ORDERS]
        following = f"{here}?state={asked}&after={shown[-1][0].number}"
    return {
        "orders": [_order_row(production, *row) for row in shown],
        "states": [
            {"label": label, "url": f"{here}?state={state}" if state else here,
             "selected": state == asked}
            for state, label in {"": "All", **STATES}.items()
        ],
        "asked": STATES.get(asked, "").lower(),
        "may_enter": may_enter,
        "next_url": following,
        "previous_url": "",
    }  # fmt: skip


def _sums(lines: Sequence[CommittedLine]) -> Standing:
    standings = [line.standing for line in lines]
    return Standing(
        sum((s.ordered for s in standings), ZERO),
        sum((s.relieved for s in standings), ZERO),
        sum((s.cancelled for s in standings), ZERO),
    )


def _order_row(
    production: Production, order: PurchaseOrder, lines: Sequence[CommittedLine], status: str
) -> dict[str, Any]:
    total = _sums(lines)
    return {
        "number": order.number,
        "url": reverse("order", args=[production.code, order.number]),
        "vendor": order.vendor.name,
        "description": order.description,
        "department": order.cost_center.code,
        "state": status,
        "state_label": STATES[status],
        "is_amended": order.version > 0 and order.state in (DRAFT, APPROVED),
        "currency": order.currency,
        "is_committed": order.version > 0,
        "ordered": money(total.ordered, order.currency),
        "relieved": money(total.relieved, order.currency),
        "open": money(total.open, order.currency),
        "holder": _holder(order, status),
    }


def order_page(
    production: Production, order: PurchaseOrder, actions: frozenset[str], sent: Sent
) -> dict[str, Any]:
    """One order: its lines and their money, what moved it, its versions and its next steps."""
    lines = selectors.committed_lines(production, [order])[order.pk]
    status = selectors.status_of(order, lines)
    versions = selectors.versions_of(order)
    moves = selectors.moves_of(order)
    return {
        "order": {
            "history_url": reverse("history", args=[production.code, "order", order.pk]),
            **_order_row(production, order, lines, status),
            "department": f"{order.cost_center.name} ({order.cost_center.code})",
            "unit": order.unit.name,
            "kind": KINDS[order.kind],
            "rental": f"{day(order.rental_starts_on)} to {day(order.rental_ends_on)}"
            if order.rental_starts_on
            else "",
            "ordered_on": day(order.ordered_on),
            "requested_by": order.requested_by.name,
            "approved_by": order.approved_by.name if order.approved_by else "",
            "reason": order.reason,
            "version": order.version,
            "drafted": order.drafted,
        },
        "lines": _lines(order, versions, lines),
        "moves": [_move(production, order, move) for move in moves],
        "versions": [_version(order, versions, n) for n in sorted(versions, reverse=True)],
        "steps": _steps(order, status, actions, has_relief=any(c.standing.relieved for c in lines)),
        "day": sent.text("day") or today().isoformat(),
        "sent": sent.values,
        "refusal": sent.refusal.message if sent.refusal else "",
        "crumbs": title_crumbs(
            ("Orders", reverse("orders", args=[production.code])), (order.number, "")
        ),
    }


def _lines(
    order: PurchaseOrder, versions: dict[int, list[OrderLine]], committed: Sequence[CommittedLine]
) -> list[dict[str, Any]]:
    standings = {c.line_no: c.standing for c in committed}
    current = {line.line_no: line for line in versions.get(order.version or order.drafted, [])}
    taken_off = {
        line.line_no: line
        for lines in versions.values()
        for line in lines
        if line.line_no in standings and line.line_no not in current
    }
    said = []
    for line_no, line in sorted({**taken_off, **current}.items()):
        standing = standings.get(line_no, Standing(ZERO, ZERO, ZERO))
        said.append(
            {
                **_line(order, line),
                "is_committed": line_no in standings,
                "ordered": money(standing.ordered, order.currency),
                "relieved": money(standing.relieved, order.currency),
                "cancelled": money(standing.cancelled, order.currency),
                "open": money(standing.open, order.currency),
                "is_taken_off": line_no in taken_off,
            }
        )
    return said


def _line(order: PurchaseOrder, line: OrderLine) -> dict[str, Any]:
    return {
        "number": line.line_no,
        "account": line.account.code,
        "account_name": line.account.name,
        "segments": line.segments,
        "description": line.description,
        "quantity": f"{line.quantity.normalize():,f}",
        "rate": money(line.rate, order.currency),
        "amount": money(line.amount, order.currency),
    }


def _move(production: Production, order: PurchaseOrder, move: Move) -> dict[str, Any]:
    amount = move.amount if move.component == "ordered" else -move.amount
    return {
        "line": move.line_no,
        "what": COMPONENTS[move.component],
        "is_back": move.takes_back,
        "amount": money(amount, order.currency),
        "reference": move.reference,
        "vendor": move.vendor,
        "description": move.description,
        "date": day(move.effective_date),
        "url": reverse("transaction", args=[production.code, f"{move.batch_id}-{move.number}"]),
    }


def _version(
    order: PurchaseOrder, versions: dict[int, list[OrderLine]], number: int
) -> dict[str, Any]:
    """A version's lines with what differs from the version before."""
    before = {line.line_no: line for line in versions.get(number - 1, [])}
    now = {line.line_no: line for line in versions[number]}
    rows = []
    for line_no in sorted({*before, *now}):
        was, is_ = before.get(line_no), now.get(line_no)
        rows.append(
            {
                "number": line_no,
                "was": _line(order, was) if was else None,
                "now": _line(order, is_) if is_ else None,
                "change": _change(was, is_) if number > 1 else "",
            }
        )
    state = "In force" if number == order.version else "Earlier"
    if number > order.version:
        state = STATES[order.state] if number == order.drafted else "Left"
    return {"number": number, "state": state, "rows": rows, "is_first": number == 1}


def _change(was: OrderLine | None, now: OrderLine | None) -> str:
    if was is None:
        return "New"
    if now is None:
        return "Taken off"
    before, after = (
        (line.account_id, line.segments, line.description, line.quantity, line.rate)
        for line in (was, now)
    )
    return "" if before == after else "Changed"


def _steps(
    order: PurchaseOrder, status: str, actions: frozenset[str], *, has_relief: bool
) -> dict[str, bool]:
    """Which steps are offered: those the order's state takes and the person may do."""
    enters, approves = "post_entries" in actions, "approve_orders" in actions
    state, is_committed = order.state, order.version > 0
    return {
        "approve": approves and state == DRAFT,
        "send_back": approves and state == APPROVED,
        "open": enters and state == APPROVED,
        "amend": enters and state in (DRAFT, APPROVED, OPEN),
        "withdraw": enters and state == DRAFT and is_committed,
        "close": enters and status in (OPEN, PARTIAL),
        "void": enters and not has_relief and (state == OPEN or not is_committed) and state != VOID,
    }


def order_form_page(
    sent: Sent, production: Production, before: PurchaseOrder | None
) -> dict[str, Any]:
    """The form of a new order; `before` is the same order, drafted already."""
    kinds = list(KINDS.items())
    fields = [
        field(sent, "vendor", "Vendor", list="vendors", is_required=True, is_wide=True),
        field(sent, "cost_center", "Department", "select", options=center_options(production)),
        field(sent, "kind", "Type", "select", options=kinds),
        field(sent, "unit", "Unit", "select", options=unit_options(production)),
        field(sent, "currency", "Currency", list="currencies", is_short=True),
        field(sent, "ordered_on", "Date", "date"),
        field(sent, "rental_starts_on", "Rental from", "date", hint="rentals only"),
        field(sent, "rental_ends_on", "Rental to", "date", hint="rentals only"),
        field(sent, "description", "Description", is_wide=True),
    ]
    return entry_page(
        sent,
        production,
        fields,
        caption="Lines of the order",
        product="quantity rate",
        title="New order",
        send="Draft the order",
        crumbs=title_crumbs(
            ("Orders", reverse("orders", args=[production.code])), ("New order", "")
        ),
        before=before,
        before_url=reverse("order", args=[production.code, before.number]) if before else "",
    )


def amend_page(sent: Sent, production: Production, order: PurchaseOrder) -> dict[str, Any]:
    """The form of an amendment: the newest lines, and why they change."""
    here = reverse("order", args=[production.code, order.number])
    return entry_page(
        sent,
        production,
        [field(sent, "reason", "Reason", is_required=True, is_wide=True, hint="kept with it")],
        caption=f"Lines of {order.number}, version {order.drafted + 1}",
        product="quantity rate",
        title=f"Amend {order.number}",
        subtitle=order.vendor.name,
        note="What is committed stays until the amendment is approved and opened. A line keeps its "
        "number; lines are taken off from the end.",
        send="Draft the amendment",
        crumbs=title_crumbs(
            ("Orders", reverse("orders", args=[production.code])), (order.number, here),
            ("Amend", ""),
        ),
    )  # fmt: skip


def vendors_page(sent: Sent, production: Production) -> dict[str, Any]:
    """All vendors, and the form that adds one."""
    fields = [
        field(sent, "name", "Name", is_required=True, is_wide=True),
        field(sent, "tax_id", "Tax number"),
        field(sent, "terms_days", "Terms, days", inputmode="numeric", is_short=True),
    ]
    numbers = selectors.tax_numbers(production)
    return {
        **entry_page(sent, production, fields),
        "vendors": [
            {
                "name": v.name,
                "tax_id": numbers.get(v.pk, "none"),
                "terms": v.terms_days,
                "is_active": v.is_active,
                "url": f"{reverse('invoices', args=[production.code])}?vendor={v.pk}",
            }
            for v in selectors.vendors(production)
        ],
    }

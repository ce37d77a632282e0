"""Purchase orders and vendors: the lists, an order with its steps, and the forms."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.errors import Invalid, NotFoundHere, Refused
from access.requests import ScopedRequest
from purchasing import forms, orders, selectors
from purchasing.forms import ORDER_COLUMNS, Sent, columns_of
from purchasing.models import PurchaseOrder
from purchasing.orders import OrderPlan
from purchasing.screens import orders as screens
from purchasing.screens.fields import today
from purchasing.views.asking import first_unit, is_sent


def _order(request: ScopedRequest, number: str) -> PurchaseOrder:
    found = selectors.order_by_number(request.production, number)
    if found is None:
        raise NotFoundHere
    return found


@require_safe
def order_list(request: ScopedRequest, code: str) -> HttpResponse:
    """Orders of the cost centres the person may see, by state."""
    asked = request.GET.get("state", "")
    if asked and asked not in screens.STATES:
        raise NotFoundHere
    page = screens.orders_page(
        request.production,
        asked,
        may_enter="post_entries" in request.actions,
        after=request.GET.get("after", "").replace("\0", ""),
    )
    return render(request, "purchasing/orders.html", page)


@require_safe
def order(request: ScopedRequest, code: str, number: str) -> HttpResponse:
    """One order with its lines, its documents and its steps."""
    return _order_page(request, _order(request, number), Sent({}))


def _order_page(request: ScopedRequest, found: PurchaseOrder, sent: Sent) -> HttpResponse:
    page = screens.order_page(request.production, found, request.actions, sent)
    return render(request, "purchasing/order.html", page, status=sent.status)


@require_http_methods(["GET", "HEAD", "POST"])
def order_new(request: ScopedRequest, code: str) -> HttpResponse:
    """Draft an order."""
    production = request.production
    start = {
        "currency": production.currency, "ordered_on": today().isoformat(), "kind": "purchase",
        "unit": first_unit(production),
    }  # fmt: skip
    sent = Sent(
        request.POST.dict() if request.method == "POST" else start,
        columns_of(ORDER_COLUMNS, request.production),
    )
    before = None
    if is_sent(request, sent):
        try:
            plan = forms.order_plan(sent, production)
            before = _same_draft(request, plan)
            if before is None:
                made = orders.create_order(actor=request.user, production=production, plan=plan)
                messages.success(request, f"{made.number} is drafted. Somebody else approves it.")
                return redirect("order", production.code, made.number)
            raise Refused(f"{before.number} is the very same order, and still a draft. Use it.")
        except Refused as error:
            sent.refuse(error)
    page = screens.order_form_page(sent, production, before)
    return render(request, "purchasing/entry_form.html", page, status=sent.status)


def _same_draft(request: ScopedRequest, plan: OrderPlan) -> PurchaseOrder | None:
    """The order that a second click on the same form would draft again."""
    for found in selectors.drafts_of(request.production, plan.vendor, request.user.pk):
        said = [
            (x.account.code, f"{x.quantity.normalize():f}", f"{x.rate.normalize():f}",
             x.description)
            for x in selectors.lines_of(found, 1)
        ]  # fmt: skip
        asked = [
            (p.account, *(f"{forms.typed(t).normalize():f}" for t in (p.quantity, p.rate)),
             p.description)
            for p in plan.lines
        ]  # fmt: skip
        if said == asked and _head(found) == _head(plan):
            return found
    return None


def _head(order: PurchaseOrder | OrderPlan) -> tuple[Any, ...]:
    return (
        order.unit.pk, order.cost_center.pk, order.kind, order.currency, order.ordered_on,
        order.description, order.rental_starts_on, order.rental_ends_on,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def order_amend(request: ScopedRequest, code: str, number: str) -> HttpResponse:
    """Draft the order's next version."""
    found = _order(request, number)
    if request.method == "POST":
        sent = Sent(request.POST.dict(), columns_of(ORDER_COLUMNS, request.production))
    else:
        sent = Sent(_lines_now(found), columns_of(ORDER_COLUMNS, request.production))
    if is_sent(request, sent):
        try:
            reason = sent.required("reason", "why the order changes")
            lines = forms.order_lines(sent, request.production, found.currency, found)
            sent.check()
            orders.amend_order(actor=request.user, order=found, lines=lines, reason=reason)
            messages.success(request, f"Version {found.drafted} of {found.number} is drafted.")
            return redirect("order", request.production.code, found.number)
        except Refused as error:
            sent.refuse(error)
            found = _order(request, number)
    page = screens.amend_page(sent, request.production, found)
    return render(request, "purchasing/entry_form.html", page, status=sent.status)


def _lines_now(order: PurchaseOrder) -> dict[str, str]:
    lines = selectors.lines_of(order, order.drafted)
    said = {"lines": str(len(lines) + 3)}
    for n, line in enumerate(lines):
        said |= {
            f"account-{n}": line.account.code,
            f"segments-{n}": line.segments,
            f"quantity-{n}": f"{line.quantity.normalize():f}",
            f"rate-{n}": forms.plain(line.rate, order.currency),
            f"description-{n}": line.description,
        }
    return said


@require_POST
def order_approve(request: ScopedRequest, code: str, number: str) -> HttpResponse:
    """Approve a draft somebody else asked for."""
    return _stepped(request, number, "approve")


@require_POST
def order_send_back(request: ScopedRequest, code: str, number: str) -> HttpResponse:
    """Make an approved order a draft again, with the reason."""
    return _stepped(request, number, "send back")


@require_POST
def order_step(request: ScopedRequest, code: str, number: str) -> HttpResponse:
    """Open, withdraw, close or void an order."""
    return _stepped(request, number, request.POST.get("step", ""))


SAID = {
    "approve": "is approved. Accounting opens it.",
    "send back": "is a draft again.",
    "open": "is open: its lines are committed.",
    "withdraw": "stays as it was, without the amendment.",
    "close": "is closed: what was open is cancelled.",
    "void": "is void.",
}


def _stepped(request: ScopedRequest, number: str, step: str) -> HttpResponse:
    found = _order(request, number)
    sent = Sent(request.POST.dict())
    try:
        _take(request, found, step, sent)
    except Refused as error:
        sent.refuse(error)
        return _order_page(request, _order(request, number), sent)
    messages.success(request, f"{found.number} {SAID[step]}")
    return redirect("order", request.production.code, found.number)


def _take(request: ScopedRequest, found: PurchaseOrder, step: str, sent: Sent) -> None:
    actor = request.user
    if step == "approve":
        seen = sent.text("drafted")
        drafted = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 9 else None
        orders.approve_order(actor=actor, order=found, drafted=drafted)
        return
    if step == "withdraw":
        orders.withdraw_amendment(actor=actor, order=found)
        return
    if step == "send back":
        orders.send_back(actor=actor, order=found, reason=_reason(sent))
        return
    if step not in ("open", "close", "void"):
        raise Invalid("Step: expected open, withdraw, close or void. Nothing was changed.")
    day = sent.day("day")
    if day is None:
        raise Invalid(f"Date: {sent.faults['day']}")
    if step == "open":
        orders.open_order(actor=actor, order=found, day=day)
    elif step == "close":
        orders.close_order(actor=actor, order=found, day=day, reason=_reason(sent))
    else:
        orders.void_order(actor=actor, order=found, day=day, reason=_reason(sent))


def _reason(sent: Sent) -> str:
    reason = sent.optional("reason")
    if "reason" in sent.faults:
        raise Invalid(f"Reason: {sent.faults['reason']}")
    return reason


@require_http_methods(["GET", "HEAD", "POST"])
def vendors(request: ScopedRequest, code: str) -> HttpResponse:
    """All vendors; a POST adds one."""
    sent = Sent(request.POST.dict() if request.method == "POST" else {"terms_days": "30"})
    if request.method == "POST":
        try:
            name = sent.required("name", "the vendor's name")
            tax_id, terms = sent.optional("tax_id"), sent.text("terms_days") or "30"
            if not (terms.isascii() and terms.isdigit() and len(terms) < 5):
                sent.fault("terms_days", f"expected days, found {terms[:20]}.")
            sent.check()
            made = orders.add_vendor(
                actor=request.user, production=request.production, name=name, tax_id=tax_id,
                terms_days=int(terms),
            )  # fmt: skip
            messages.success(request, f"{made.name} is a vendor of this film.")
            return redirect("vendors", request.production.code)
        except Refused as error:
            sent.refuse(error)
    page = screens.vendors_page(sent, request.production)
    return render(request, "purchasing/vendors.html", page, status=sent.status)

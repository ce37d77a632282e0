"""Petty cash and cards: the list, a fund with its moves and envelopes, and the forms."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.errors import Invalid, NotFoundHere, Refused
from access.requests import ScopedRequest
from purchasing import forms, funds, selectors
from purchasing.forms import COST_COLUMNS, Sent, columns_of
from purchasing.models import Fund
from purchasing.screens import funds as screens
from purchasing.screens.fields import today
from purchasing.views.asking import first_unit, is_sent


def _fund(request: ScopedRequest, fund_id: int) -> Fund:
    found = selectors.fund_by_id(request.production, fund_id)
    if found is None:
        raise NotFoundHere
    return found


@require_safe
def fund_list(request: ScopedRequest, code: str) -> HttpResponse:
    """Floats and cards of the cost centres the person may see."""
    may_enter = "post_entries" in request.actions
    page = screens.funds_page(request.production, may_enter=may_enter)
    return render(request, "purchasing/funds.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
def fund_new(request: ScopedRequest, code: str) -> HttpResponse:
    """Open a float or card."""
    production = request.production
    start = {
        "currency": production.currency, "unit": first_unit(production), "kind": "petty_cash",
    }  # fmt: skip
    sent = Sent(request.POST.dict() if request.method == "POST" else start)
    if request.method == "POST":
        try:
            plan = forms.fund_plan(sent, production)
            made = funds.open_fund(actor=request.user, production=production, plan=plan)
            messages.success(request, f"{made.custodian}'s fund is open. Post its first advance.")
            return redirect("fund", production.code, made.pk)
        except Refused as error:
            sent.refuse(error)
    page = screens.fund_form_page(sent, production)
    return render(request, "purchasing/entry_form.html", page, status=sent.status)


@require_safe
def fund(request: ScopedRequest, code: str, fund_id: int) -> HttpResponse:
    """One fund with its moves and envelopes."""
    return _fund_page(request, _fund(request, fund_id), Sent(screens.start_of_move()), None)


def _fund_page(
    request: ScopedRequest, found: Fund, sent: Sent, before: selectors.Paper | None
) -> HttpResponse:
    may_enter = "post_entries" in request.actions
    page = screens.fund_page(request.production, found, sent, before, may_enter=may_enter)
    return render(request, "purchasing/fund.html", page, status=sent.status)


@require_POST
def fund_move(request: ScopedRequest, code: str, fund_id: int) -> HttpResponse:
    """Advance, reimburse or return cash."""
    found = _fund(request, fund_id)
    sent = Sent(request.POST.dict())
    before = None
    try:
        kind = sent.choice("kind", {k: k for k in funds.MOVES})
        number = sent.required("number", "its number")
        day = sent.day("day")
        amount = sent.required("amount", "an amount")
        bank = sent.optional("bank")
        sent.check()
        assert kind and day
        before = selectors.standing(request.production, kind, number, vendor=None, fund=found)
        funds.move_cash(
            actor=request.user, fund=found, kind=kind, number=number, day=day, amount=amount,
            bank=bank,
        )  # fmt: skip
    except Refused as error:
        sent.refuse(error)
        return _fund_page(request, found, sent, before)
    messages.success(request, f"{screens.MOVES[kind]} {number} is posted.")
    return redirect("fund", request.production.code, found.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def envelope_new(request: ScopedRequest, code: str, fund_id: int) -> HttpResponse:
    """Post an envelope of receipts."""
    found = _fund(request, fund_id)
    start = {"day": today().isoformat(), "currency": found.currency}
    sent = Sent(
        request.POST.dict() if request.method == "POST" else start,
        columns_of(COST_COLUMNS, request.production),
    )
    sent.values["currency"] = found.currency
    before = None
    if is_sent(request, sent):
        try:
            number = sent.required("number", "the envelope's number")
            day = sent.day("day")
            lines = forms.cost_lines(sent, request.production, found.currency)
            sent.check()
            assert day
            before = selectors.standing(
                request.production, "envelope", number, vendor=None, fund=found
            )
            made = funds.post_envelope(
                actor=request.user, fund=found, number=number, day=day, lines=lines,
                accepts_over=bool(sent.text("accepts_over")),
            )  # fmt: skip
            messages.success(request, f"Envelope {made.number} is posted.")
            return redirect("paper", request.production.code, made.pk)
        except Refused as error:
            sent.refuse(error)
    page = screens.envelope_page(sent, request.production, found, before)
    return render(request, "purchasing/entry_form.html", page, status=sent.status)


@require_POST
def fund_close(request: ScopedRequest, code: str, fund_id: int) -> HttpResponse:
    """Close a fund whose cash is all accounted for."""
    found = _fund(request, fund_id)
    sent = Sent(screens.start_of_move())
    try:
        if not found.is_open:
            raise Invalid(f"{found.custodian}'s fund is closed already. Nothing was changed.")
        funds.close_fund(actor=request.user, fund=found)
    except Refused as error:
        sent.refuse(error)
        return _fund_page(request, found, sent, None)
    messages.success(request, f"{found.custodian}'s fund is closed.")
    return redirect("fund", request.production.code, found.pk)

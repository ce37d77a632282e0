"""Invoices, payments and journals: the lists, the forms, a paper and its voiding."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.errors import Invalid, NotFoundHere, Refused
from access.requests import ScopedRequest
from ledger import entries
from purchasing import forms, invoices, journals, papers, payments, selectors
from purchasing.forms import COST_COLUMNS, JOURNAL_COLUMNS, Sent, columns_of
from purchasing.models import Vendor
from purchasing.screens import papers as screens
from purchasing.screens.fields import today
from purchasing.views.asking import first_unit, is_sent, number_of, start_of
from taxonomy import selectors as taxonomy
from taxonomy.currencies import MINOR_UNITS


def _vendor(request: ScopedRequest) -> Vendor | None:
    asked = request.GET.get("vendor", "")
    if not asked:
        return None
    found = selectors.vendors(request.production).filter(pk=number_of(asked)).first()
    if found is None:
        raise NotFoundHere
    return found


@require_safe
def invoice_list(request: ScopedRequest, code: str) -> HttpResponse:
    """Invoices with what is open of them, and how long past due that is."""
    allowed = {"status": screens.STATUSES, "age": screens.AGES, "currency": MINOR_UNITS}
    asked = {name: request.GET.get(name, "") for name in allowed}
    for name, values in allowed.items():
        if asked[name] and asked[name] not in values:
            raise NotFoundHere
    asked["from"] = str(start_of(request))
    page = screens.invoices_page(
        request.production, asked, _vendor(request), may_enter="post_entries" in request.actions
    )
    return render(request, "purchasing/invoices.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
def invoice_new(request: ScopedRequest, code: str) -> HttpResponse:
    """Enter an invoice: costs against payables, and the orders it relieves."""
    production = request.production
    start = {
        "currency": production.currency, "dated": today().isoformat(),
        "unit": first_unit(production),
    }  # fmt: skip
    sent = Sent(
        request.POST.dict() if request.method == "POST" else start,
        columns_of(COST_COLUMNS, production),
    )
    before = None
    if is_sent(request, sent):
        try:
            plan = forms.invoice_plan(sent, production)
            before = selectors.standing(
                production, "invoice", plan.number, vendor=plan.vendor, fund=None
            )
            made = invoices.enter_invoice(actor=request.user, production=production, plan=plan)
            messages.success(request, f"Invoice {made.number} is posted.")
            return redirect("paper", production.code, made.pk)
        except Refused as error:
            sent.refuse(error)
    page = screens.invoice_page(sent, production, before)
    return render(request, "purchasing/entry_form.html", page, status=sent.status)


@require_http_methods(["GET", "HEAD", "POST"])
def journal_new(request: ScopedRequest, code: str) -> HttpResponse:
    """Enter a journal: debits and credits alike."""
    production = request.production
    start = {
        "currency": production.currency, "day": today().isoformat(),
        "unit": first_unit(production),
        "number": selectors.next_number(production, "journal", journals.PREFIX),
    }  # fmt: skip
    sent = Sent(
        request.POST.dict() if request.method == "POST" else start,
        columns_of(JOURNAL_COLUMNS, production),
    )
    before = None
    if is_sent(request, sent):
        try:
            plan = forms.journal_plan(sent, production)
            before = selectors.standing(production, "journal", plan.number, vendor=None, fund=None)
            made = journals.enter_journal(
                actor=request.user, production=production, plan=plan,
                cost_centers=list(taxonomy.cost_centers(production)),
            )  # fmt: skip
            messages.success(request, f"Journal {made.number} is posted.")
            return redirect("paper", production.code, made.pk)
        except Refused as error:
            sent.refuse(error)
    page = screens.journal_page(sent, production, before)
    return render(request, "purchasing/entry_form.html", page, status=sent.status)


@require_safe
def payment_list(request: ScopedRequest, code: str) -> HttpResponse:
    """Payments, the newest first."""
    return _register(request, "payment")


@require_safe
def journal_list(request: ScopedRequest, code: str) -> HttpResponse:
    """Journal entries, the newest first."""
    return _register(request, "journal")


def _register(request: ScopedRequest, kind: str) -> HttpResponse:
    page = screens.register_page(
        request.production,
        kind,
        may_enter="post_entries" in request.actions,
        start=start_of(request),
    )
    return render(request, "purchasing/register.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
def payment_new(request: ScopedRequest, code: str) -> HttpResponse:
    """Choose a vendor; then tick what is paid, and how much of each."""
    production, vendor = request.production, _vendor(request)
    if vendor is None:
        if request.method == "POST":
            raise Invalid("Payment: expected the vendor that is paid, found none. Choose one.")
        return render(request, "purchasing/pay_whom.html", screens.vendors_to_pay(production))
    offered = selectors.open_invoices(production, vendor)
    start = {"day": today().isoformat()} | {
        f"amount-{p.entry.pk}": forms.plain(p.open, p.entry.currency) for p in offered
    }
    sent = Sent(request.POST.dict() if request.method == "POST" else start)
    before = None
    if request.method == "POST":
        try:
            plan = forms.payment_plan(sent, vendor, offered)
            before = selectors.standing(
                production, "payment", plan.number, vendor=vendor, fund=None
            )
            _refuse_paid_before(before)
            made = payments.pay_invoices(actor=request.user, production=production, plan=plan)
            messages.success(request, f"Payment {made.number} is posted.")
            return redirect("paper", production.code, made.pk)
        except Refused as error:
            sent.refuse(error)
    page = screens.payment_page(sent, production, vendor, offered, before)
    return render(request, "purchasing/pay.html", page, status=sent.status)


def _refuse_paid_before(before: selectors.Paper | None) -> None:
    """Say that the payment stands, before its invoices are missed among the open ones."""
    if before is not None:
        entry = before.entry
        form = entries.form_for(entry.production, entry.unit)
        said = papers.Paper("payment", entry.number, entry.dated, entry.currency, entry.vendor)
        papers.refuse_double(form, said)


def _paper(request: ScopedRequest, entry_id: int) -> selectors.Paper:
    found = selectors.paper(request.production, entry_id)
    if found is None:
        raise NotFoundHere
    return found


@require_safe
def paper(request: ScopedRequest, code: str, entry_id: int) -> HttpResponse:
    """One paper with its document and what settles it."""
    return _paper_page(request, _paper(request, entry_id), Sent({}))


def _paper_page(request: ScopedRequest, found: selectors.Paper, sent: Sent) -> HttpResponse:
    may_void = "post_entries" in request.actions
    page = screens.paper_page(request.production, found, sent, may_void=may_void)
    return render(request, "purchasing/paper.html", page, status=sent.status)


@require_POST
def paper_void(request: ScopedRequest, code: str, entry_id: int) -> HttpResponse:
    """Take a paper back by the exact opposite entry."""
    found = _paper(request, entry_id)
    sent = Sent(request.POST.dict())
    try:
        day = sent.day("day")
        if day is None:
            raise Invalid(f"Date: {sent.faults['day']}")
        papers.void_paper(
            actor=request.user, production=request.production, entry_id=entry_id, day=day,
            reason=sent.text("reason")[: forms.LONGEST_TEXT],
        )  # fmt: skip
    except Refused as error:
        sent.refuse(error)
        return _paper_page(request, found, sent)
    kind = screens.KINDS[found.entry.kind]
    messages.success(request, f"{kind} {found.entry.number} is void: it was taken back.")
    return redirect("paper", request.production.code, entry_id)

"""Budget versions, their lock, and what changes the budget after it."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from access.errors import Invalid, NotFoundHere, Refused
from access.requests import ScopedRequest
from budgets import changes, screens, selectors, versions
from budgets.formats.opening import MOST_BYTES
from budgets.models import BudgetChange, BudgetVersion

FORM_LINES = 6


def _version(request: ScopedRequest, number: int) -> BudgetVersion:
    found = selectors.version(request.production, number)
    if found is None:
        raise NotFoundHere
    return found


def _change(request: ScopedRequest, number: int) -> BudgetChange:
    found = selectors.change(request.production, number)
    if found is None:
        raise NotFoundHere
    return found


def _page(request: ScopedRequest, **more: object) -> HttpResponse:
    page = {
        **screens.budget_view(request.production),
        "may_enter": "post_entries" in request.actions,
        "form_lines": [{"number": n} for n in range(1, FORM_LINES + 1)],
        "day": timezone.now().date().isoformat(),
        **more,
    }
    return render(request, "budgets/budget.html", page, status=422 if more else 200)


@require_safe
def budget(request: ScopedRequest, code: str) -> HttpResponse:
    """The versions, contingency, the changes after the lock, and refused crossings."""
    return _page(request)


@require_POST
def budget_upload(request: ScopedRequest, code: str) -> HttpResponse:
    """Import a budget file as a draft."""
    try:
        version = versions.import_budget(
            actor=request.user, production=request.production, file=_file(request)
        )
    except Refused as refusal:
        faults = refusal.faults if isinstance(refusal, versions.BadBudget) else []
        return _page(request, refusal=refusal.message.split("\n")[0], faults=faults)
    return redirect("budget_version", request.production.code, version.number)


def _file(request: ScopedRequest) -> versions.BudgetFile:
    given = request.FILES.get("file")
    if given is None:
        raise Invalid("file: choose the budget as the budgeting program exported it")
    if (given.size or 0) > MOST_BYTES:
        raise Invalid(f"file: expected at most {MOST_BYTES:,} bytes, found {given.size:,}")
    typed = request.POST.get("rate", "").strip()
    try:
        rate = Decimal(typed) if typed else None
    except InvalidOperation:
        raise Invalid(f"rate: expected a number such as 0.7350, found {typed[:20]!r}") from None
    return versions.BudgetFile(
        given.name or "budget", given.read(), request.POST.get("name", "").strip(), rate
    )


def _version_page(
    request: ScopedRequest, version: BudgetVersion, refusal: Refused | None = None
) -> HttpResponse:
    asked = request.GET.get("against", "")
    against = _version(request, int(asked)) if asked.isascii() and asked.isdigit() else None
    page = {
        **screens.version_view(version, against, request.user),
        "may_approve": "approve_orders" in request.actions,
        "refusal": refusal.message if refusal else "",
    }
    status = refusal.status if refusal else 200
    return render(request, "budgets/version.html", page, status=status)


@require_safe
def budget_version(request: ScopedRequest, code: str, number: int) -> HttpResponse:
    """One version with its lines; ?against=N compares it with another."""
    return _version_page(request, _version(request, number))


@require_POST
def budget_approve(request: ScopedRequest, code: str, number: int) -> HttpResponse:
    """Approve a draft."""
    version = _version(request, number)
    try:
        versions.approve_version(actor=request.user, version=version)
    except Refused as refusal:
        return _version_page(request, version, refusal)
    return redirect("budget_version", request.production.code, number)


@require_POST
def budget_lock(request: ScopedRequest, code: str, number: int) -> HttpResponse:
    """Ask for the lock; or, as the second person, type the total and lock."""
    version = _version(request, number)
    try:
        if version.lock_asked_by_id is None:
            versions.ask_lock(actor=request.user, version=version)
        else:
            versions.confirm_lock(
                actor=request.user, version=version, day=timezone.now().date(),
                typed_total=request.POST.get("total", ""),
            )  # fmt: skip
    except Refused as refusal:
        return _version_page(request, _version(request, number), refusal)
    return redirect("budget_version", request.production.code, number)


@require_POST
def budget_request(request: ScopedRequest, code: str) -> HttpResponse:
    """Ask for a transfer, a contingency draw or an overage."""
    given = request.POST
    lines = [
        (given.get(f"account-{n}", "").strip(), given.get(f"amount-{n}", "").strip())
        for n in range(1, FORM_LINES + 1)
    ]
    try:
        change = changes.request_change(
            actor=request.user, production=request.production, kind=given.get("kind", ""),
            day=_day(given.get("day", "")), reason=given.get("reason", ""),
            lines=[line for line in lines if any(line)],
        )  # fmt: skip
    except Refused as refusal:
        typed = [{"number": n, "account": a, "amount": m} for n, (a, m) in enumerate(lines, 1)]
        kept = {"kind": given.get("kind", ""), "reason": given.get("reason", "")}
        return _page(request, change_refusal=refusal.message, form_lines=typed, given=kept)
    return redirect("budget_change", request.production.code, change.number)


def _day(text: str) -> date:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, no moment
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2100:
        raise Invalid(f"Date: expected a day such as 2026-01-14, found {text[:20]!r}.")
    return day


def _change_page(
    request: ScopedRequest, change: BudgetChange, refusal: Refused | None = None
) -> HttpResponse:
    page = {
        **screens.change_view(change, request.user),
        "may_approve": "approve_orders" in request.actions,
        "refusal": refusal.message if refusal else "",
    }
    return render(request, "budgets/change.html", page, status=refusal.status if refusal else 200)


@require_safe
def budget_change(request: ScopedRequest, code: str, number: int) -> HttpResponse:
    """One change: what it moves, who asked, who decided."""
    return _change_page(request, _change(request, number))


@require_POST
def budget_decide(request: ScopedRequest, code: str, number: int) -> HttpResponse:
    """Approve a change, or reject it."""
    change = _change(request, number)
    decide = {"approve": changes.approve_change, "reject": changes.reject_change}
    chosen = decide.get(request.POST.get("decision", ""))
    try:
        if chosen is None:
            raise Invalid("Decision: expected approve or reject.")
        chosen(actor=request.user, change=change)
    except Refused as refusal:
        return _change_page(request, _change(request, number), refusal)
    return redirect("budget_change", request.production.code, number)

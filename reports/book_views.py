"""The trial balance, the bible, and the weekly periods with their closing."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from access.errors import NotFoundHere, Refused
from access.requests import ScopedRequest
from ledger.checkpoints import checkpoint_after_commit
from ledger.selectors import account_by_code, periods
from ledger.services import close_period as close
from reports import book_screens, closing, cost_report, histories
from reports.bible import bible as bible_page


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFoundHere
    return int(text)


@require_safe
def trial_balance(request: ScopedRequest, code: str) -> HttpResponse:
    """Debits and credits of every account in a book, by currency."""
    book = request.GET.get("book", "actual")
    if book not in cost_report.BOOKS:
        raise NotFoundHere
    lines = cost_report.trial_balance(request.production, cost_report.BOOKS[book])
    page = book_screens.trial_balance_view(request.production, book, lines)
    return render(request, "reports/trial_balance.html", page)


@require_safe
def bible(request: ScopedRequest, code: str) -> HttpResponse:
    """Every posting of the accounts asked for, with the running balance."""
    named, week = request.GET.get("account", ""), request.GET.get("period", "")
    account = account_by_code(request.production, named.replace("\0", "")) if named else None
    if named and account is None:
        raise NotFoundHere
    period = None
    if week:
        number = _number(week)
        period = next((p for p in periods(request.production) if p.number == number), None)
        if period is None:
            raise NotFoundHere
    first = _number(request.GET.get("first", "0"))
    found = bible_page(request.production, account=account, period=period, first=first)
    page = book_screens.bible_view(request.production, found, account, period)
    return render(request, "reports/bible.html", page)


@require_safe
def period_list(request: ScopedRequest, code: str) -> HttpResponse:
    """The weekly periods: open or closed, by whom and when."""
    rows = closing.period_rows(request.production)
    may_close = "close_periods" in request.actions
    page = book_screens.periods_view(request.production, rows, may_close=may_close)
    return render(request, "reports/periods.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
def close_period(request: ScopedRequest, code: str, number: int) -> HttpResponse:
    """What closing the period means; a POST closes it for good."""
    rows = closing.period_rows(request.production)
    row = next((r for r in rows if r.period.number == number), None)
    if row is None:
        raise NotFoundHere
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            close(actor=request.user, production=request.production, number=number)
            checkpoint_after_commit(request.production)
            messages.success(request, f"Wk {number} is closed. Nothing posts to it any more.")
            return redirect("periods", request.production.code)
        except Refused as error:
            refusal = error
    page = book_screens.close_view(request.production, row, refusal.message if refusal else "")
    status = refusal.status if refusal else 200
    return render(request, "reports/close_period.html", page, status=status)


@require_safe
def history(request: ScopedRequest, code: str, kind: str, key: int) -> HttpResponse:
    """What a master was, version by version, and how it stood at a past point."""
    found = None
    if kind in histories.KINDS and key < 1 << 62:
        found = histories.record(request.production, kind, key)
    if found is None:
        raise NotFoundHere
    page = book_screens.history_view(kind, found, request.GET.get("as_of", ""))
    return render(request, "reports/history.html", page)

"""The cost report, the postings behind each of its figures, and one document to its bytes."""

from dataclasses import replace
from datetime import date
from typing import Any

from csp.decorators import csp_update
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.errors import Invalid, NotFoundHere, Refused
from access.requests import ScopedRequest
from budgets import efc
from budgets.models import RefusedCrossing
from ledger import attachments as attaching
from ledger.models import Attachment, Period
from ledger.selectors import (
    attachment_by_id,
    attachments_of,
    free_attachments,
    known_segments,
    periods,
    withdrawals,
)
from reports import audit as auditing
from reports import correcting, lines, outlook, screens, supports
from reports import cost_report as figures
from taxonomy.currencies import MINOR_UNITS
from taxonomy.models import Unit
from taxonomy.selectors import units, visible_cost_centers


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _unit(request: ScopedRequest) -> Unit | None:
    asked = request.GET.get("unit", "")
    if not asked:
        return None
    found = next((u for u in units(request.production) if u.code == asked), None)
    if found is None:
        raise NotFoundHere
    return found


def _scope(request: ScopedRequest) -> screens.Scope:
    sees_all = "view_all_costs" in request.actions
    centers = visible_cost_centers(request.user, request.production)
    return screens.Scope(_unit(request), centers, sees_all)


def _period(request: ScopedRequest, asked: str) -> Period:
    number = _number(asked)
    found = next((p for p in periods(request.production) if p.number == number), None)
    if found is None:
        raise NotFoundHere
    return found


@require_safe
def cost_report(request: ScopedRequest, code: str) -> HttpResponse:
    """The weekly cost report, for what the person may see."""
    scope = _scope(request)
    report = figures.cost_report(
        request.production,
        number=_number(request.GET.get("period", "")),
        unit_id=scope.unit.pk if scope.unit else None,
    )
    page = {"report": screens.report_view(report, scope, list(units(request.production)))}
    return render(request, "reports/cost_report.html", page)


@require_safe
def account_lines(request: ScopedRequest, code: str, account_code: str) -> HttpResponse:
    """The postings that sum to a figure."""
    upto = "upto" in request.GET
    unit = _unit(request)
    currency = request.GET.get("currency") or None
    if currency is not None and currency not in MINOR_UNITS:
        raise NotFoundHere
    book = request.GET.get("book", "actual")
    if book not in lines.BOOKS:
        raise NotFoundHere
    asked = lines.filter_for(
        request.production,
        account_code,
        period=_period(request, request.GET.get("upto" if upto else "period", "")),
        upto=upto,
        unit_id=unit.pk if unit else None,
        currency=currency,
        book=book,
    )
    segment = request.GET.get("segment", "")
    kind, _, segment_code = segment.partition("=")
    if asked is None or (
        segment and segment_code not in known_segments(request.production).get(kind, {})
    ):
        raise NotFoundHere
    asked = replace(asked, segment=segment)
    page = lines.account_lines(request.production, asked, _pair(request.GET.get("after", "0-0")))
    view = screens.lines_view(request.production, asked, page, list(units(request.production)))
    return render(request, "reports/account_lines.html", view)


def _pair(text: str) -> tuple[int, int]:
    first, _, second = text.partition("-")
    batch_id, number = _number(first), _number(second)
    if batch_id is None or number is None:
        raise NotFoundHere
    return batch_id, number


def _document(
    request: ScopedRequest,
    transaction_id: str,
    refusal: Refused | None = None,
    correction: str = "",
) -> HttpResponse:
    batch_id, number = _pair(transaction_id)
    opened = lines.opened_transaction(request.production, batch_id, number)
    if opened is None:
        raise NotFoundHere
    view = screens.transaction_view(
        request.production, opened, may_open_file="import_files" in request.actions
    )
    view |= {
        "attachments": supports.attachment_rows(
            request.production,
            attachments_of(request.production, batch_id, number),
            request.user,
            request.actions,
        ),
        "attachment_kinds": supports.kind_choices(request.POST.get("kind", "")),
        "refusal": refusal.message if refusal and not correction else "",
        "correction_refusal": refusal.message if refusal and correction else "",
        "correction_tried": correction,
        "corrections": correcting.panel(
            request.production, opened, request.actions, request.POST.dict() if correction else {}
        ),
    }
    view["may_ask_move"] = (
        "request_overrides" in request.actions and "view_all_costs" not in request.actions
    )
    status = refusal.status if refusal else 200
    return render(request, "reports/transaction.html", view, status=status)


@require_safe
def transaction(request: ScopedRequest, code: str, transaction_id: str) -> HttpResponse:
    """One document with both legs, its row as received, its hashes, its seal, what supports it."""
    return _document(request, transaction_id)


CORRECTIONS = {
    "reverse": (correcting.reverse_it, "The document is reversed by this one."),
    "reissue": (correcting.reissue_it, "The document is reversed, and reissued as this one."),
    "redistribute": (correcting.redistribute_it, "The cost was moved: this is where it is."),
}


def _correct(request: ScopedRequest, transaction_id: str, what: str) -> HttpResponse:
    correct, done = CORRECTIONS[what]
    try:
        became = correct(
            actor=request.user,
            production=request.production,
            key=_pair(transaction_id),
            sent=request.POST.dict(),
        )
    except NotFoundHere:
        raise
    except Refused as refusal:
        return _document(request, transaction_id, refusal, what)
    if isinstance(became, RefusedCrossing):
        # Not an error's answer: that would roll the held attempt back with everything else.
        messages.error(request, f"{became.sentence} The attempt was kept.")
        return redirect("transaction", request.production.code, transaction_id)
    messages.success(request, done)
    return redirect("transaction", request.production.code, "{}-{}".format(*became))


@require_POST
def reverse_document(request: ScopedRequest, code: str, transaction_id: str) -> HttpResponse:
    """Take a document back."""
    return _correct(request, transaction_id, "reverse")


@require_POST
def reissue_document(request: ScopedRequest, code: str, transaction_id: str) -> HttpResponse:
    """Take a document back and post it put right."""
    return _correct(request, transaction_id, "reissue")


@require_POST
def redistribute(request: ScopedRequest, code: str, transaction_id: str) -> HttpResponse:
    """Move lines of a document to other accounts: Was and Is."""
    return _correct(request, transaction_id, "redistribute")


def _given(request: ScopedRequest) -> "UploadedFile[Any]":
    found = request.FILES.get("file")
    if found is None:
        raise Invalid("file: choose the receipt, memo or permit to attach")
    return found


@require_POST
def attach(request: ScopedRequest, code: str, transaction_id: str) -> HttpResponse:
    """Attach a file to a document the person may see."""
    try:
        file = _given(request)
        attaching.attach(
            actor=request.user,
            production=request.production,
            kind=request.POST.get("kind", ""),
            name=file.name or "",
            data=file.read(),
            place=_pair(transaction_id),
        )
    except NotFoundHere:
        raise
    except Refused as refusal:
        return _document(request, transaction_id, refusal)
    here = reverse("transaction", args=[request.production.code, transaction_id])
    return redirect(f"{here}#attachments")


@require_http_methods(["GET", "HEAD", "POST"])
def attachments(request: ScopedRequest, code: str) -> HttpResponse:
    """What is attached to no document of the ledger, and attaching it."""
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            file = _given(request)
            attaching.attach(
                actor=request.user,
                production=request.production,
                kind=request.POST.get("kind", ""),
                name=file.name or "",
                data=file.read(),
                target=request.POST.get("target", ""),
            )
            return redirect("attachments", request.production.code)
        except Refused as error:
            refusal = error
    free = free_attachments(request.production)
    page = {
        "attachments": supports.attachment_rows(
            request.production, free, request.user, request.actions
        ),
        "attachment_kinds": supports.kind_choices(request.POST.get("kind", "")),
        "target": request.POST.get("target", ""),
        "refusal": refusal.message if refusal else "",
    }
    status = refusal.status if refusal else 200
    return render(request, "reports/attachments.html", page, status=status)


def _attachment(request: ScopedRequest, attachment_id: int) -> Attachment:
    is_number = attachment_id < 1 << 63
    found = attachment_by_id(request.production, attachment_id) if is_number else None
    if found is None:
        raise NotFoundHere
    return found


def _shown(
    request: ScopedRequest, found: Attachment, refusal: Refused | None = None
) -> HttpResponse:
    rows = supports.attachment_rows(request.production, [found], request.user, request.actions)
    document = f"{found.batch_id}-{found.number}" if found.batch_id else ""
    page = {
        "attachment": rows[0],
        "document_url": document
        and reverse("transaction", args=[request.production.code, document]),
        "refusal": refusal.message if refusal else "",
    }
    status = refusal.status if refusal else 200
    return render(request, "reports/attachment.html", page, status=status)


@csp_update({"frame-src": ["'self'"]})  # type: ignore[arg-type]  # takes every kind of request
@require_safe
def attachment(request: ScopedRequest, code: str, attachment_id: int) -> HttpResponse:
    """One attachment: who attached it, and its picture or pages in a sandbox."""
    return _shown(request, _attachment(request, attachment_id))


@require_safe
def attachment_file(request: ScopedRequest, code: str, attachment_id: int) -> HttpResponse:
    """The attachment's bytes, inert. A withdrawn one is opened by nobody."""
    found = _attachment(request, attachment_id)
    if withdrawals([found]):
        raise NotFoundHere
    return supports.file_response(
        found,
        as_download="download" in request.GET,
        asked_range=request.headers.get("Range", ""),
    )


@require_POST
def withdraw_attachment(request: ScopedRequest, code: str, attachment_id: int) -> HttpResponse:
    """Take an attachment back, with a reason."""
    found = _attachment(request, attachment_id)
    if not attaching.may_withdraw(request.user, found, request.actions):
        raise NotFoundHere
    try:
        attaching.withdraw(
            actor=request.user, attachment=found, reason=request.POST.get("reason", "")
        )
    except Refused as refusal:
        return _shown(request, found, refusal)
    return redirect("attachment", request.production.code, found.pk)


@require_safe
def audit(request: ScopedRequest, code: str) -> HttpResponse:
    """What begins with a hash, or the entries of the logs."""
    text, before = request.GET.get("q", "")[:300], request.GET.get("before", "")[:30]
    if "\0" in text + before:
        raise NotFoundHere
    page = auditing.explorer_view(request.production, text, before)
    return render(request, "reports/audit.html", page)


@require_safe
def audit_entry(request: ScopedRequest, code: str, unit_code: str, seq: int) -> HttpResponse:
    """One entry of a unit's log, with its neighbours and its seal."""
    if seq >= 2**62 or "\0" in unit_code:
        raise NotFoundHere
    entry = auditing.entry_view(request.production, unit_code, seq)
    if entry is None:
        raise NotFoundHere
    return render(request, "reports/audit_entry.html", {"entry": entry})


@require_safe
def forecast(request: ScopedRequest, code: str, account_code: str) -> HttpResponse:
    """What makes up an ETC, EFC or variance, and an account's EFC entries."""
    return _forecast(request, account_code, request.GET.get("period", ""), {})


def _forecast(
    request: ScopedRequest, account_code: str, period: str, more: dict[str, object]
) -> HttpResponse:
    report = figures.cost_report(request.production, number=_number(period))
    scope = _scope(request)
    page = outlook.outlook_view(report, screens.Scope(None, scope.cost_centers, scope.sees_all),
                                account_code)  # fmt: skip
    if page is None:
        raise NotFoundHere
    page |= {"report": {"is_whole": True, "has_budget": True, "has_overages": True}, **more}
    page["may_enter"] = page["is_account"] and "post_entries" in request.actions
    return render(request, "reports/forecast.html", page, status=422 if more else 200)


@require_POST
def forecast_enter(request: ScopedRequest, code: str, account_code: str) -> HttpResponse:
    """Enter a change of an account's EFC."""
    account = efc.account_to_forecast(request.production, account_code)
    given = {name: request.POST.get(name, "") for name in ("way", "stated", "day", "reason")}
    try:
        asked = efc.Asked(given["way"], given["stated"], _day(given["day"]), given["reason"])
        efc.enter_efc(
            actor=request.user, production=request.production, account=account, asked=asked
        )
    except Refused as refusal:
        return _forecast(request, account_code, "", {"refusal": refusal.message, "given": given})
    return redirect("forecast", request.production.code, account_code)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"Date: expected a day such as 2026-01-14, found {text[:20]!r}.") from None

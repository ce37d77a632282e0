"""The segments of a production: what lines may be coded to besides their account."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from access.errors import NotFoundHere, Refused
from access.requests import ScopedRequest
from ledger import coding
from ledger.selectors import segments
from purchasing.forms import SEGMENT_COLUMNS, Sent
from purchasing.views.asking import is_sent
from reports.segment_screen import segments_view


def _page(request: ScopedRequest, sent: Sent) -> HttpResponse:
    may_change = "post_entries" in request.actions
    view = segments_view(request.production, sent, may_change=may_change)
    return render(request, "reports/segments.html", view, status=sent.status)


@require_safe
def segment_list(request: ScopedRequest, code: str) -> HttpResponse:
    """Every code, and what stands on it."""
    return _page(request, Sent({}, SEGMENT_COLUMNS))


@require_POST
def segment_change(request: ScopedRequest, code: str) -> HttpResponse:
    """Add codes; or, with `use` or `retire`, let one be named from now on or no longer."""
    sent = Sent(request.POST.dict(), SEGMENT_COLUMNS)
    if not is_sent(request, sent):
        return _page(request, sent)
    try:
        said = (
            _used(request, sent)
            if {"use", "retire"} & sent.values.keys()
            else _added(request, sent)
        )
    except Refused as error:
        sent.refuse(error)
        return _page(request, sent)
    messages.success(request, said)
    return redirect("segments", request.production.code)


def _added(request: ScopedRequest, sent: Sent) -> str:
    rows = [coding.NewSegment(**cells) for _, cells in sent.rows()]
    made = coding.add_segments(actor=request.user, production=request.production, rows=rows)
    names = ", ".join(map(str, made[:5]))
    return f"{names} can be named." if len(made) < 6 else f"{len(made)} codes can be named."


def _used(request: ScopedRequest, sent: Sent) -> str:
    is_active = "use" in sent.values
    asked = sent.text("use" if is_active else "retire")
    is_number = asked.isascii() and asked.isdigit() and len(asked) < 19
    found = segments(request.production).filter(pk=int(asked)).first() if is_number else None
    if found is None:
        raise NotFoundHere
    coding.use_segment(actor=request.user, segment=found, is_active=is_active)
    return f"{found} is in use." if is_active else f"{found} is not offered any more."

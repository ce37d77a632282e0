"""The quarantine desk: what is held by cause, and one held row."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from access.errors import NotFoundHere, Refused
from access.requests import ScopedRequest
from ingestion import desk_screen, selectors, tasks
from ingestion.mapping import FIELDS
from ingestion.models import HeldRow
from ingestion.resolving import revise_row

LINE_ENDS = str.maketrans("", "", "\r\n")


@require_safe
def quarantine(request: ScopedRequest, code: str) -> HttpResponse:
    """What is held, grouped by cause."""
    asked = request.GET.get("batch", "")
    batch_id = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 16 else None
    page = desk_screen.quarantine_view(request.production, batch_id)
    return render(request, "ingestion/quarantine.html", page)


def _held(request: ScopedRequest, row_id: int) -> HeldRow:
    found = selectors.held_row(request.production, row_id)
    if found is None:
        raise NotFoundHere
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def quarantined_row(request: ScopedRequest, code: str, row_id: int) -> HttpResponse:
    """One held row: fix it and resubmit, or reject it with a reason."""
    row = _held(request, row_id)
    page: dict[str, Any] = desk_screen.row_view(row)
    if request.method != "POST":
        return render(request, "ingestion/quarantined_row.html", page)
    given = {
        name: request.POST[f"field-{name}"] for name in FIELDS if f"field-{name}" in request.POST
    }
    # A one-line input drops line ends by itself: a field the person left alone has not changed.
    received = {f["name"]: f["received"].translate(LINE_ENDS) for f in page["fields"]}
    values = {k: v for k, v in given.items() if v.translate(LINE_ENDS) != received.get(k, "")}
    try:
        revise_row(
            actor=request.user,
            row=row,
            action=request.POST.get("action", ""),
            values=values,
            reason=request.POST.get("reason", ""),
        )
    except Refused as refusal:
        for field in page["fields"]:
            field["value"] = given.get(field["name"], field["value"])
        page |= {"refusal": refusal.message, "reason": request.POST.get("reason", "")}
        return render(request, "ingestion/quarantined_row.html", page, status=refusal.status)
    tasks.wake()
    return redirect("quarantined_row", request.production.code, row.pk)

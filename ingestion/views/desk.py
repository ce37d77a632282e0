"""The quarantine desk: what is held by cause, and one held row."""

from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.errors import Invalid, NotFoundHere, Refused
from access.requests import ScopedRequest
from ingestion import selectors, tasks
from ingestion.desk import asking
from ingestion.desk import selectors as desk_selectors
from ingestion.desk.acts import CauseAsked, act_on_cause, receive_fixed, stop_act
from ingestion.desk.resolving import revise_row
from ingestion.layouts.mapping import ALL_FIELDS
from ingestion.models import DeskAct, HeldRow
from ingestion.screens import desk
from ingestion.screens.held_workbook import export_held
from ingestion.views.questions import asked_about

LINE_ENDS = str.maketrans("", "", "\r\n")


MOST_DIGITS = 16
ASKED_SHOWN = 20
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _number(text: str) -> int | None:
    """A number of an address; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < MOST_DIGITS else None


def _place(request: ScopedRequest) -> tuple[int | None, str]:
    """(import, cause) that the person has narrowed the desk to."""
    return _number(request.GET.get("batch", "")), request.GET.get("cause", "").replace("\0", "")


@require_safe
def quarantine(request: ScopedRequest, code: str) -> HttpResponse:
    """What is held, grouped by cause."""
    page = desk.quarantine_view(request.production, _place(request)[0])
    return render(request, "ingestion/quarantine.html", page | _done(request))


@require_safe
def quarantine_export(request: ScopedRequest, code: str) -> HttpResponse:
    """The rows that wait, as a workbook to fix and send back."""
    batch_id, cause = _place(request)
    target = BytesIO()
    export_held(
        actor=request.user, production=request.production, cause=cause, batch_id=batch_id,
        after=_number(request.GET.get("after", "")) or 0, target=target,
    )  # fmt: skip
    name = f"{request.production.code}-held-{datetime.now(UTC):%Y%m%d-%H%M}.xlsx"
    response = HttpResponse(target.getvalue(), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
def quarantine_upload(request: ScopedRequest, code: str) -> HttpResponse:
    """Take a fixed list back. A POST receives it and goes on to what becomes of it."""
    file = request.FILES.get("file")
    try:
        if file is None:
            raise Invalid("file: choose the list that was exported and fixed")
        act = receive_fixed(
            actor=request.user, production=request.production, name=file.name or "",
            read=lambda: _pieces(file), reason=request.POST.get("reason", ""),
        )  # fmt: skip
    except Refused as refusal:
        page = desk.quarantine_view(request.production, None)
        return render(
            request, "ingestion/quarantine.html", page | {"refusal": refusal.message},
            status=refusal.status,
        )  # fmt: skip
    tasks.wake()
    return redirect("quarantine_act", code, act.pk)


def _pieces(file: "UploadedFile[Any]") -> Iterable[bytes]:
    file.seek(0)
    return file.chunks(1 << 20)


def _done(request: ScopedRequest) -> dict[str, Any]:
    """The row that was handed in a moment ago, so that the next page can say so."""
    row_id = _number(request.GET.get("done", ""))
    row = None if row_id is None else selectors.held_row(request.production, row_id)
    return {"done": row}


@require_http_methods(["GET", "HEAD", "POST"])
def quarantine_cause(request: ScopedRequest, code: str) -> HttpResponse:
    """All rows of one cause, page by page; fix, hand in again or reject them as one act."""
    batch_id, cause = _place(request)
    refusal, status = "", 200
    if request.method == "POST":
        try:
            return _act(request, cause, batch_id)
        except Refused as error:
            refusal, status = error.message, error.status
    after = _number(request.GET.get("after", "")) or 0
    page = desk.cause_page(request.production, cause, batch_id, after)
    asked = asking.questions_of_cause(request.production, cause)
    page |= {"ask_cause": cause, **asked_about(asked[:ASKED_SHOWN], request.production)}
    kept = {name: request.POST.get(name, "") for name in ("value", "reason")}
    return render(
        request, "ingestion/quarantine_cause.html", page | kept | {"refusal": refusal},
        status=status,
    )  # fmt: skip


def _act(request: ScopedRequest, cause: str, batch_id: int | None) -> HttpResponse:
    batch = None if batch_id is None else selectors.import_by_id(request.production, batch_id)
    if batch_id is not None and batch is None:
        raise NotFoundHere
    said = {
        name: request.POST.get(name, "") for name in ("action", "value", "reason", "count", "typed")
    }
    asked = CauseAsked(cause=cause, batch=batch, **said)
    act = act_on_cause(actor=request.user, production=request.production, asked=asked)
    tasks.wake()
    return redirect("quarantine_act", request.production.code, act.pk)


def _found_act(request: ScopedRequest, act_id: int) -> DeskAct:
    found = desk_selectors.act_by_id(request.production, act_id)
    if found is None:
        raise NotFoundHere
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def quarantine_act(request: ScopedRequest, code: str, act_id: int) -> HttpResponse:
    """One act on many rows: how far it is, and stopping it."""
    act = _found_act(request, act_id)
    refusal, status = "", 200
    if request.method == "POST":
        try:
            if request.POST.get("action") != "stop":
                raise Invalid("action: expected stop")
            stop_act(actor=request.user, act=act)
            return redirect("quarantine_act", code, act.pk)
        except Refused as error:
            refusal, status = error.message, error.status
    page = {**desk.act_page(act), "refusal": refusal}
    return render(request, "ingestion/quarantine_act.html", page, status=status)


@require_safe
def quarantine_act_status(request: ScopedRequest, code: str, act_id: int) -> HttpResponse:
    """The part of an act's page that is asked for again each second."""
    view = desk.act_view(_found_act(request, act_id))
    return render(request, "ingestion/_act.html", {"act": view})


def _held(request: ScopedRequest, row_id: int) -> HeldRow:
    found = selectors.held_row(request.production, row_id)
    if found is None:
        raise NotFoundHere
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def quarantined_row(request: ScopedRequest, code: str, row_id: int) -> HttpResponse:
    """One held row: fix it and resubmit, or reject it with a reason."""
    row = _held(request, row_id)
    batch_id, cause = _place(request)
    query = desk.place_query(batch_id, **({"cause": cause} if cause else {}))
    page: dict[str, Any] = {
        **desk.row_view(row, query), **_done(request), "ask_row": row.pk,
        "ask_center": asking.center_of(row),
        **asked_about(asking.questions_about(row), request.production),
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "ingestion/quarantined_row.html", page)
    given = {
        name: request.POST[f"field-{name}"]
        for name in ALL_FIELDS
        if f"field-{name}" in request.POST
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
    if request.POST.get("action") == "undo":
        return redirect(reverse("quarantined_row", args=[code, row.pk]) + query)
    return redirect(_next(row, cause or row.cause, batch_id))


def _next(row: HeldRow, cause: str, batch_id: int | None) -> str:
    """Where the desk goes on after a row: the next of its cause, else back to the list."""
    code = row.production.code
    following = desk_selectors.next_of_cause(row, cause, batch_id)
    if following is None:
        return reverse("quarantine", args=[code]) + desk.place_query(batch_id, done=row.pk)
    return reverse("quarantined_row", args=[code, following]) + desk.place_query(
        batch_id, cause=cause, done=row.pk
    )

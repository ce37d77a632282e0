"""The import screen, an import's progress, and files as received."""

from collections.abc import Iterable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from access.errors import Invalid, NotFoundHere, Refused
from access.requests import ScopedRequest
from ingestion import selectors, tasks
from ingestion.models import ImportBatch
from ingestion.screens import imports as screens
from ingestion.services import Receipt, receive_file, unit_for
from ingestion.uploads import ReadAs
from ledger.selectors import bank_accounts, document_by_sha256, document_bytes
from taxonomy.selectors import units

SHOWN = 50
# What a petty-cash sheet or a bank's table may not say itself, and how a file that is not as usual
# is written.
SAID_OF_THE_FILE = (
    "custodian", "number", "bank_account", "encoding", "delimiter", "decimal", "date_format",
)  # fmt: skip


def asked_import(request: ScopedRequest, import_id: int) -> ImportBatch:
    found = selectors.import_by_id(request.production, import_id)
    if found is None:
        raise NotFoundHere
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: ScopedRequest, code: str) -> HttpResponse:
    """Drop a file; see what was received. A POST receives and goes on to the import."""
    refusal = ""
    if request.method == "POST":
        try:
            return _received(request)
        except Refused as error:
            refusal = error.message
    source = request.POST.get("source", "")
    unit = request.POST.get("unit", "")
    page = {
        "sources": screens.source_choices(source),
        "units": [
            {"code": u.code, "name": u.name, "selected": u.code == unit}
            for u in units(request.production)
        ],
        "batches": [screens.import_view(b) for b in selectors.imports(request.production)[:SHOWN]],
        "unfinished": [
            screens.upload_view(u)
            for u in selectors.unfinished_uploads(request.production, request.user)
        ],
        "bank_accounts": [
            {"id": a.pk, "name": a.name, "selected": str(a.pk) == request.POST.get("bank_account")}
            for a in bank_accounts(request.production).filter(is_active=True)
        ],
        "form_error": refusal,
        "said": {name: _text(request, name) for name in SAID_OF_THE_FILE},
        "written": screens.writing_choices(request.POST.dict()),
    }
    return render(request, "ingestion/imports.html", page, status=422 if refusal else 200)


def _received(request: ScopedRequest) -> HttpResponse:
    files = request.FILES.getlist("file")
    if not files:
        raise Invalid("file: choose the file the vendor sent")
    receipts = [_receive(request, file) for file in files]
    tasks.wake()
    if len(receipts) > 1:
        return redirect("imports", request.production.code)
    receipt = receipts[0]
    response = redirect("import_detail", request.production.code, receipt.batch.pk)
    if receipt.is_repeat:
        response["Location"] += "?repeat=1"
    return response


def asked_reading(request: ScopedRequest) -> ReadAs:
    """What a form says a file is to be read as."""
    unit_code = request.POST.get("unit", "")
    unit = next((u for u in units(request.production) if u.code == unit_code), None)
    return ReadAs(
        request.POST.get("source", ""),
        unit_for(request.production, unit, unit_code),
        {name: text for name in SAID_OF_THE_FILE if (text := _text(request, name))},
    )


def _receive(request: ScopedRequest, file: "UploadedFile[Any]") -> Receipt:
    asked = asked_reading(request)

    def read() -> Iterable[bytes]:
        file.seek(0)
        return file.chunks(1 << 20)

    return receive_file(
        actor=request.user,
        production=request.production,
        name=file.name or "",
        read=read,
        source=asked.source,
        unit=asked.unit,
        choices=asked.choices,
    )


def _text(request: ScopedRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()


@require_safe
def import_detail(request: ScopedRequest, code: str, import_id: int) -> HttpResponse:
    """One import: progress while it runs, counts and reasons when it has ended."""
    view = screens.import_view(asked_import(request, import_id))
    page = {
        "batch": view,
        "repeat_of": view if "repeat" in request.GET else None,
        "may_cancel": not view["is_finished"],
    }
    return render(request, "ingestion/import_detail.html", page)


@require_safe
def import_status(request: ScopedRequest, code: str, import_id: int) -> HttpResponse:
    """The part of an import's page that is asked for again each second."""
    view = screens.import_view(asked_import(request, import_id))
    return render(request, "ingestion/_status.html", {"batch": view})


@require_safe
def source_file(request: ScopedRequest, code: str, sha256: str) -> HttpResponse:
    """A file exactly as received. Always a download of inert bytes, never a page of ours."""
    try:
        digest = bytes.fromhex(sha256)
    except ValueError:
        raise NotFoundHere from None
    document = document_by_sha256(request.production, digest)
    if document is None:
        raise NotFoundHere
    response = HttpResponse(
        b"".join(document_bytes(document)), content_type="application/octet-stream"
    )
    response["Content-Disposition"] = f'attachment; filename="{sha256[:16]}.received"'
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response

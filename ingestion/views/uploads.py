"""Files that come in pieces: asked about, sent on, finished or given up. Answers are JSON."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from access.errors import Invalid, NotFoundHere, Refused, TooLong
from access.requests import ScopedRequest
from ingestion import selectors, tasks, uploads
from ingestion.screens.imports import moment
from ingestion.services import Receipt
from ingestion.tables.uploads import Upload
from ingestion.views.imports import asked_reading


def _asked_upload(request: ScopedRequest, upload_id: int) -> Upload:
    found = selectors.upload_by_id(request.production, request.user, upload_id)
    if found is None:
        raise NotFoundHere
    return found


def _number(text: str) -> int:
    """A number of bytes; Invalid for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid(f"expected a number of bytes, found {text[:20]!r}")
    return int(text)


def _refusal(error: Refused) -> HttpResponse:
    """A refusal as the page's script reads it. The status undoes what the request had done."""
    said: dict[str, object] = {"state": "refused", "words": error.message}
    if isinstance(error, uploads.GoesOnElsewhere):
        said["offset"] = error.offset
    return JsonResponse(said, status=error.status)


def _received(request: ScopedRequest, receipt: Receipt) -> HttpResponse:
    tasks.wake()
    batch = receipt.batch
    url = reverse("import_detail", args=[request.production.code, batch.pk])
    if not receipt.is_repeat:
        return JsonResponse({"state": "received", "url": url})
    words = (
        f"Received on {moment(batch.created_at)} by {batch.created_by} as batch {batch.pk}; "
        "nothing was sent again."
    )
    return JsonResponse({"state": "here", "url": f"{url}?repeat=1", "words": words})


@require_POST
def upload_begin(request: ScopedRequest, code: str) -> HttpResponse:
    """Whether a file is here already, by its SHA-256; else where its bytes go on."""
    try:
        stated = _stated(request)
        found = uploads.begin_upload(
            actor=request.user, production=request.production, stated=stated,
            read_as=asked_reading(request),
        )  # fmt: skip
    except Refused as error:
        return _refusal(error)
    if isinstance(found, Receipt):
        return _received(request, found)
    place = [request.production.code, found.pk]
    return JsonResponse(
        {
            "state": "open", "offset": found.received, "url": reverse("upload_piece", args=place),
            "end": reverse("upload_end", args=place),
        }
    )  # fmt: skip


def _stated(request: ScopedRequest) -> uploads.Stated:
    try:
        sha256 = bytes.fromhex(request.POST.get("sha256", ""))
    except ValueError:
        sha256 = b""
    name = request.POST.get("name", "")
    return uploads.Stated(name, sha256, _number(request.POST.get("size", "")))


@require_POST
def upload_piece(request: ScopedRequest, code: str, upload_id: int) -> HttpResponse:
    """The next bytes, as the request's body; where the upload goes on then."""
    upload = _asked_upload(request, upload_id)
    try:
        offset = _number(request.headers.get("Upload-Offset", ""))
        length = _number(request.headers.get("Content-Length", ""))
        if length > uploads.MOST_PIECE_BYTES:
            raise TooLong(uploads.MOST_PIECE_BYTES)
        data = request.read(length)
        if len(data) != length:
            raise Invalid("piece: it broke off; send it again")
        after = uploads.add_piece(actor=request.user, upload=upload, offset=offset, data=data)
    except Refused as error:
        return _refusal(error)
    return JsonResponse({"state": "open", "offset": after})


@require_POST
def upload_end(request: ScopedRequest, code: str, upload_id: int) -> HttpResponse:
    """Finish an upload, or give it up: by the script of the page, or by a form of its own."""
    upload = _asked_upload(request, upload_id)
    try:
        if request.POST.get("step") == "cancel":
            uploads.cancel_upload(actor=request.user, upload=upload)
            return redirect("imports", request.production.code)
        if request.POST.get("step") != "finish":
            raise Invalid("step: expected finish or cancel")
        receipt = uploads.finish_upload(
            actor=request.user, upload=upload, read_as=asked_reading(request)
        )
    except Refused as error:
        return _refusal(error)
    if receipt is not None:
        return _received(request, receipt)
    # Not an error's status: that would undo the ending of the upload.
    words = (
        f"{upload.file_name} arrived as another file than was stated: its SHA-256 is not "
        f"{bytes(upload.sha256).hex()}. Nothing of it was kept. Send it again; if it happens "
        "twice, something between you and this house alters what you send."
    )
    return JsonResponse({"state": "wrong", "words": words})

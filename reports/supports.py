"""What supports a cost, as the screens show it: attachments, their forms and their files."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header

from access.models import Production, User
from ledger import selectors as ledger
from ledger.attachments import may_withdraw
from ledger.media import BYTES, PDF, SHOWN, NoSuchRange, byte_range
from ledger.models import Attachment, AttachmentKind

SANDBOX = "default-src 'none'; sandbox"


def attachment_rows(
    production: Production, attachments: list[Attachment], user: User, actions: frozenset[str]
) -> list[dict[str, Any]]:
    """Attachments for a list; a withdrawn one with its reason and without its file."""
    taken = ledger.withdrawals(attachments)
    return [
        {
            "id": each.pk,
            "name": each.name,
            "kind": each.get_kind_display(),
            "target": each.target,
            "size": f"{each.byte_size:,}",
            "sha256": bytes(each.sha256).hex(),
            "is_image": each.media_type in SHOWN and each.media_type != PDF,
            "is_pdf": each.media_type == PDF,
            "by": each.actor.name,
            "at": f"{each.recorded_at:%d %b %Y %H:%M UTC}",
            "url": reverse("attachment", args=[production.code, each.pk]),
            "file_url": reverse("attachment_file", args=[production.code, each.pk]),
            "withdrawn": taken.get(each.pk),
            "may_withdraw": each.pk not in taken and may_withdraw(user, each, actions),
        }
        for each in attachments
    ]


def kind_choices(chosen: str) -> list[dict[str, Any]]:
    """The kinds of attachment for a form."""
    return [
        {"value": value, "label": label, "selected": value == chosen}
        for value, label in AttachmentKind.choices
    ]


def file_response(attachment: Attachment, *, as_download: bool, asked_range: str) -> HttpResponse:
    """The file's bytes, or the one range asked for. Shown in its place only if it can run nothing.

    Whatever it is, it is sandboxed and its kind is what its first bytes are.
    """
    is_shown = attachment.media_type in SHOWN and not as_download
    size = attachment.byte_size
    try:
        part = byte_range(asked_range, size)
    except NoSuchRange:
        response = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{size}"
        return _inert(response)
    first, end = part or (0, size)
    response = HttpResponse(
        ledger.attachment_bytes(attachment, first, end),
        content_type=attachment.media_type if is_shown else BYTES,
        status=200 if part is None else 206,
    )
    if part is not None:
        response["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    disposition = content_disposition_header(not is_shown, attachment.name)
    assert disposition is not None
    response["Content-Disposition"] = disposition
    response["Accept-Ranges"] = "bytes"
    if is_shown and attachment.media_type == PDF:
        response["X-Frame-Options"] = "SAMEORIGIN"  # our own page frames it, and nobody else's
    return _inert(response)


def _inert(response: HttpResponse) -> HttpResponse:
    response["Content-Security-Policy"] = SANDBOX
    response["X-Content-Type-Options"] = "nosniff"
    return response

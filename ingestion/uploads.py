"""Files that come in pieces, so that a connection that was lost costs what was on it, and no more.

The sender states the file's SHA-256 before any of it is sent. What is here already is not sent
again; what has arrived is kept, and the same file chosen again goes on from there. The bytes are
hashed here before anything is queued: the file that is queued is the file that was stated.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from access import context
from access.errors import Invalid, Refused, TooLong
from access.models import Production, User
from access.selectors import every_production
from ingestion import banking, selectors
from ingestion.formats.container import display_name, form_of
from ingestion.reading import mapping_for
from ingestion.services import Receipt, check_asked, receive_file
from ingestion.tables.uploads import Upload, UploadPiece
from ledger.selectors import document_by_sha256, document_bytes
from taxonomy.models import Unit

MOST_PIECE_BYTES = 8 * 1024 * 1024  # the database holds a piece to the same (sql/uploads.sql)
KEPT = timedelta(hours=24)
QUOTA_CLASS = 0x75706C  # "upl": the class of the locks under which a person's uploads are counted


class GoesOnElsewhere(Refused):
    """The piece does not begin where the upload stands: `offset` is where it goes on."""

    code = "offset"

    def __init__(self, offset: int) -> None:
        super().__init__(f"the upload goes on at byte {offset:,}")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Stated:
    """A file as its sender states it before it is sent."""

    name: str
    sha256: bytes
    byte_size: int


@dataclass(frozen=True, slots=True)
class ReadAs:
    """What a file is to be read as."""

    source: str
    unit: Unit
    choices: dict[str, str] = field(default_factory=dict)


@transaction.atomic
def begin_upload(
    *, actor: User, production: Production, stated: Stated, read_as: ReadAs
) -> Receipt | Upload:
    """Where a file goes on: nowhere, since it is here already, or at the upload's offset.

    Bytes that are kept already are imported without being sent. Whoever imports may read every
    file that was received, so naming one by its hash shows them nothing new.
    """
    _check_stated(stated)
    mapping = mapping_for(production, read_as.source, read_as.choices)
    check_asked(actor, production, mapping, read_as.choices)
    banking.check_choice(production, mapping, read_as.choices)
    name = display_name(stated.name)
    document = document_by_sha256(production, stated.sha256)
    if document is not None:
        earlier = selectors.earlier_import(document, read_as.source, form_of(name), read_as.choices)
        if earlier is not None:
            return Receipt(earlier, is_repeat=True)
        return receive_file(
            actor=actor, production=production, name=name, read=lambda: document_bytes(document),
            source=read_as.source, unit=read_as.unit, choices=read_as.choices,
        )  # fmt: skip
    _take_count(actor, production)
    known = selectors.unfinished_uploads(production, actor)
    same = known.filter(sha256=stated.sha256).first()
    if same is not None:
        if same.byte_size != stated.byte_size:
            raise Invalid(f"size: {same.byte_size:,} bytes were stated of this file before")
        return same
    _check_quota(known.aggregate(sum=Sum("byte_size"))["sum"] or 0, stated.byte_size)
    return Upload.objects.create(
        production=production, made_by=actor, file_name=name, sha256=stated.sha256,
        byte_size=stated.byte_size,
    )  # fmt: skip


def _check_stated(stated: Stated) -> None:
    if len(stated.sha256) != hashlib.sha256().digest_size:
        raise Invalid("sha256: expected the 64 hexadecimal digits of the file's SHA-256")
    if stated.byte_size < 1:
        raise Invalid("size: expected the number of the file's bytes, 1 or more")
    if stated.byte_size > settings.MAX_FILE_BYTES:
        raise TooLong(settings.MAX_FILE_BYTES)


def _take_count(actor: User, production: Production) -> None:
    """One at a time of a person's uploads on a production is begun, so that the sum holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))",
            [QUOTA_CLASS, f"{production.pk}/{actor.pk}"],
        )


def _check_quota(unfinished: int, more: int) -> None:
    most = settings.MAX_UNFINISHED_BYTES
    if unfinished + more > most:
        raise Refused(
            f"You have unfinished uploads of {unfinished:,} bytes here, and with this one they "
            f"would pass {most:,}. Finish one, or cancel it."
        )


@transaction.atomic
def add_piece(*, actor: User, upload: Upload, offset: int, data: bytes) -> int:
    """Keep the next bytes of an upload; where it goes on then. Raises GoesOnElsewhere."""
    if not 1 <= len(data) <= MOST_PIECE_BYTES:
        raise Invalid(f"piece: expected 1 to {MOST_PIECE_BYTES:,} bytes, found {len(data):,}")
    now = _locked(upload)
    if offset != now.received:
        raise GoesOnElsewhere(now.received)
    if offset + len(data) > now.byte_size:
        raise Invalid(f"piece: it goes past the {now.byte_size:,} bytes that were stated")
    UploadPiece.objects.create(
        production_id=now.production_id, upload=now, made_by=actor, start=offset, data=data
    )
    _move(now, received=offset + len(data))
    return offset + len(data)


def _locked(upload: Upload) -> Upload:
    """The upload as it stands, nobody else's until this transaction ends."""
    now = Upload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
    if now.state != Upload.State.OPEN:
        raise Refused(f"This upload is over: {now.get_state_display()}. Choose the file again.")
    return now


def _move(upload: Upload, **changes: object) -> None:
    moved = Upload.objects.filter(pk=upload.pk, state=Upload.State.OPEN).update(
        moved_at=timezone.now(), **changes
    )
    assert moved == 1, "the row is locked, so nobody has moved it"


def _pieces(upload: Upload) -> Iterator[bytes]:
    """The bytes in order, one piece in memory at a time."""
    at = 0
    while at < upload.received:
        piece = UploadPiece.objects.values_list("data", flat=True).get(upload=upload, start=at)
        yield bytes(piece)
        at += len(piece)


@transaction.atomic
def finish_upload(*, actor: User, upload: Upload, read_as: ReadAs) -> Receipt | None:
    """Hash what arrived and queue its import; None when it is not the file that was stated.

    Of a file that is not, nothing is kept: the sweep removes what arrived.
    """
    finished = _received_before(upload, read_as)
    if finished is not None:
        return finished
    now = _locked(upload)
    if now.received != now.byte_size:
        raise GoesOnElsewhere(now.received)
    digest = hashlib.sha256()
    for piece in _pieces(now):
        digest.update(piece)
    if digest.digest() != bytes(now.sha256):
        _move(now, state=Upload.State.WRONG)
        return None
    receipt = receive_file(
        actor=actor, production=now.production, name=now.file_name, read=lambda: _pieces(now),
        source=read_as.source, unit=read_as.unit, choices=read_as.choices,
    )  # fmt: skip
    _move(now, state=Upload.State.DONE)
    return receipt


def _received_before(upload: Upload, read_as: ReadAs) -> Receipt | None:
    """The import a finished upload became: it is asked for again when its answer was lost."""
    document = document_by_sha256(upload.production, bytes(upload.sha256))
    if document is None or upload.state != Upload.State.DONE:
        return None
    form = form_of(upload.file_name)
    earlier = selectors.earlier_import(document, read_as.source, form, read_as.choices)
    return None if earlier is None else Receipt(earlier, is_repeat=True)


@transaction.atomic
def cancel_upload(*, actor: User, upload: Upload) -> None:
    """Give an upload up; what has arrived of it is removed by the sweep."""
    assert actor.pk == upload.made_by_id
    _move(_locked(upload), state=Upload.State.CANCELLED)


def sweep_uploads() -> int:
    """Give up what nobody went on with for a day, on every production; how many. The bytes of
    what is over are removed. Twice is harmless: an upload ends once."""
    swept = 0
    for production in every_production():
        with context.acting(user_id=context.NOBODY, production_id=production.pk):
            for upload in selectors.abandoned_uploads(production, timezone.now() - KEPT):
                _move(upload, state=Upload.State.EXPIRED)
                swept += 1
            selectors.pieces_left_over(production).delete()
    return swept

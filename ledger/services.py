"""Posting. Everything here runs inside a transaction that carries the signed context."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, InternalError, OperationalError, connection, transaction

from access.errors import Refused
from access.models import Production, User
from ledger import journal, pay
from ledger.journal import TransactionDraft
from ledger.models import (
    PIECE_BYTES,
    Batch,
    Period,
    Posting,
    SourceDocument,
    SourcePiece,
    Transaction,
)
from taxonomy.models import Unit

COPY_BYTES = 1_000_000


class TooBig(Refused):
    """The file is larger than this installation takes."""

    code = "E_TOO_BIG"
    status = 413


def refresh_statistics() -> None:
    """Let the planner know of tables that have doubled: after a bulk posting was committed.

    Must not run inside the transaction that posted, whose rows nobody else sees yet. The worker's
    right. It waits for nobody, and costs next to nothing while no table has doubled.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT journal.refresh_statistics()")


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """What is said once of a batch. `key` makes posting it twice impossible."""

    production: Production
    unit_id: int
    kind: str
    key: bytes
    document: SourceDocument | None
    origin: str


def _regular_pieces(data: Iterable[bytes]) -> Iterable[bytes]:
    rest = bytearray()
    for piece in data:
        rest += piece
        while len(rest) >= PIECE_BYTES:
            yield bytes(rest[:PIECE_BYTES])
            del rest[:PIECE_BYTES]
    if rest:
        yield bytes(rest)


def keep_document(
    *,
    actor: User,
    production: Production,
    name: str,
    sha256: bytes,
    byte_size: int,
    data: Iterable[bytes],
) -> SourceDocument:
    """Keep a file's bytes once per production, by content; the document that holds them.

    `data` is read only when the bytes are new. Raises AssertionError when it does not hash to
    `sha256`: the caller hashed something else.
    """
    found = SourceDocument.objects.filter(production=production, sha256=sha256).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            document = SourceDocument.objects.create(
                production=production,
                sha256=sha256,
                byte_size=byte_size,
                name=name,
                received_by=actor,
            )
            digest = hashlib.sha256()
            for number, piece in enumerate(_regular_pieces(data)):
                digest.update(piece)
                SourcePiece.objects.bulk_create(
                    [
                        SourcePiece(
                            production=production, document=document, number=number, data=piece
                        )
                    ]
                )
            assert digest.digest() == sha256, "the bytes changed between hashing and keeping"
            return document
    except IntegrityError:
        # Somebody kept the same bytes at the same moment; theirs are as good.
        return SourceDocument.objects.get(production=production, sha256=sha256)


def _copy(table: str, columns: str, lines: Iterable[str]) -> None:
    # COPY goes past Django's cursor, and would raise the driver's errors where ours are expected.
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
    ):
        held: list[str] = []
        size = 0
        for line in lines:
            held.append(line)
            size += len(line)
            if size > COPY_BYTES:
                copy.write("".join(held))
                held.clear()
                size = 0
        copy.write("".join(held))


def copy_rows(table: str, columns: str, lines: Iterable[str]) -> None:
    """COPY lines of text format into a table, as the role that may insert and nothing else.

    COPY is refused under row-level security; triggers hold every row to the signed context.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE prodacct_poster")
    _copy(table, columns, lines)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")


def _open_batch(actor: User, header: BatchHeader, drafts: Sequence[TransactionDraft]) -> Batch:
    assert drafts, "a batch without documents posts nothing"
    return Batch.objects.create(
        production=header.production,
        unit_id=header.unit_id,
        kind=header.kind,
        key=header.key,
        document=header.document,
        document_sha256=bytes(header.document.sha256) if header.document else b"",
        origin=header.origin,
        transaction_count=len(drafts),
        line_count=sum(len(d.postings) for d in drafts),
        control_total=journal.control_total(drafts),
        actor=actor,
    )


def post_batch(*, actor: User, header: BatchHeader, drafts: Sequence[TransactionDraft]) -> Batch:
    """Post documents to one unit as one batch, sealed when the transaction commits.

    Raises IntegrityError when a document or a source row is posted already: the unique keys are
    the wall behind the look-up the caller makes. The seal refuses at commit what is out of
    balance, outside an open period or of another production.
    """
    batch = _open_batch(actor, header, drafts)
    document = str(header.document.pk) if header.document else journal.NULL
    payees = [
        journal.payee_copy_line(d.payee, header.production.pk, d.cost_center_id)
        for d in drafts
        if d.payee is not None
    ]
    if payees:
        copy_rows("ledger_payee", pay.PAYEE_COLUMNS, payees)
    copy_rows(
        "ledger_transaction",
        journal.TRANSACTION_COLUMNS,
        transaction_lines(drafts, header.production.pk, batch.pk, document),
    )
    copy_rows(
        "ledger_posting",
        journal.POSTING_COLUMNS,
        posting_lines(drafts, header.production.pk, batch.pk, header.unit_id),
    )
    return batch


def post_by_hand(*, actor: User, header: BatchHeader, drafts: Sequence[TransactionDraft]) -> Batch:
    """Post a few documents a person entered, as whoever asks: the web role's own INSERTs.

    `header.document` is what the person entered, as it was sent: a figure entered by hand opens
    its source like any other, and the same entry sent twice meets the same unique keys. Raises
    what `post_batch` raises.
    """
    assert header.document is not None, "what is entered by hand is kept as it was sent"
    batch = _open_batch(actor, header, drafts)
    document_id = header.document.pk
    transactions: list[Transaction] = []
    postings: list[Posting] = []
    for number, draft in enumerate(drafts, 1):
        said = draft._asdict()
        lines, reverses = said.pop("postings"), said.pop("reverses") or (None, None)
        assert said.pop("payee") is None, "payroll comes in files"
        transactions.append(
            Transaction(
                production=header.production,
                batch=batch,
                number=number,
                document_id=document_id,
                reverses_batch_id=reverses[0],
                reverses_number=reverses[1],
                **said,
            )
        )
        postings += [
            Posting(
                production=header.production,
                batch=batch,
                line_no=len(postings) + at,
                transaction_number=number,
                unit_id=header.unit_id,
                **line._asdict(),
            )
            for at, line in enumerate(lines, 1)
        ]
    Transaction.objects.bulk_create(transactions)
    Posting.objects.bulk_create(postings)
    return batch


def seal_now() -> None:
    """Seal the batches of this database transaction now, so that a refusal can still be shown.

    Raises Refused with the database's sentence when it will not seal them. The caller's savepoint
    must roll back.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except (IntegrityError, InternalError, OperationalError) as error:
        raise Refused(str(error).split("\n")[0]) from error


def transaction_lines(
    drafts: Sequence[TransactionDraft], production_id: int, batch_id: int, document: str
) -> Iterable[str]:
    """The documents as lines for COPY, numbered from 1.

    In key order, whatever order the file has: two workers that post the same documents then
    wait for each other at the first one, and never in a circle.
    """
    by_key = sorted(enumerate(drafts, 1), key=lambda pair: pair[1].document_key)
    for number, draft in by_key:
        yield journal.transaction_copy_line(draft, production_id, batch_id, number, document)


def posting_lines(
    drafts: Sequence[TransactionDraft], production_id: int, batch_id: int, unit_id: int
) -> Iterable[str]:
    """The postings of numbered documents as lines for COPY."""
    head = f"{production_id}\t{batch_id}\t"
    line_no = 0
    for number, draft in enumerate(drafts, 1):
        tail = f"{number}\t{unit_id}\t"
        for posting in draft.postings:
            line_no += 1
            yield journal.posting_copy_line(posting, head, line_no, tail)


def close_period(*, actor: User, production: Production, number: int) -> Period:
    """Close a cost-report period for good; those before it are closed first.

    Race-safe: the row's lock is waited for by batches that are being sealed into the period, and
    a batch that comes later finds it closed. The database writes the closing into the office's
    log. Raises Refused when the period is closed already or an earlier one is open.
    """
    assert actor.is_active
    changed = Period.objects.filter(production=production, number=number, state="open")
    earlier = Period.objects.filter(production=production, number__lt=number, state="open")
    first = earlier.order_by("number").first()
    if first is not None:
        raise Refused(
            f"Wk {number} is closed after those before it: close wk {first.number} first."
        )
    if changed.update(state="closed") != 1:
        raise Refused(
            f"Wk {number} is not open: it was closed before, or there is none, or closing periods "
            "is not yours to do."
        )
    return Period.objects.get(production=production, number=number)


def append_entry(*, production: Production, unit: Unit, entry_type: str, data: str) -> int:
    """Write a line to the unit's log; the number it got. `data` is JSON with sorted keys."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT journal.append(%s, %s, %s, %s, NULL)",
            [production.pk, unit.pk, entry_type, data],
        )
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])

"""What can be read from the ledger: documents, accounts, periods, postings, totals.

Scope is the database's: every table here answers only for the cost centres of whoever asks.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, F, QuerySet, Sum

from access.models import Production
from ledger.bank_lines import identifier_key
from ledger.models import (
    PIECE_BYTES,
    Account,
    Attachment,
    AttachmentWithdrawal,
    Batch,
    Checkpoint,
    LogHead,
    Period,
    Posting,
    SourceDocument,
    SourcePiece,
    Transaction,
)
from ledger.segment_tables import Segment
from ledger.segments import KINDS
from ledger.statement_tables import (
    BankAccount,
    BankIdentifier,
    BankStatement,
    StatementLine,
)
from ledger.verification_tables import Alteration, Verification
from taxonomy.models import Unit


def accounts(production: Production) -> QuerySet[Account]:
    """The chart, categories and details, by code."""
    return Account.objects.filter(production=production).order_by("code")


def account_by_code(production: Production, code: str) -> Account | None:
    """The account with exactly this code."""
    return Account.objects.filter(production=production, code=code).first()


def segments(production: Production) -> QuerySet[Segment]:
    """The codes lines may carry, kind by kind."""
    return Segment.objects.filter(production=production).order_by("kind", "code")


def known_segments(production: Production) -> dict[str, dict[str, bool]]:
    """kind -> code -> whether it is still in use; only the kinds the production has codes of."""
    known: dict[str, dict[str, bool]] = {}
    for kind, code, is_active in segments(production).values_list("kind", "code", "is_active"):
        known.setdefault(kind, {})[code] = is_active
    return {kind: known[kind] for kind in KINDS if kind in known}


def periods(production: Production) -> QuerySet[Period]:
    """All periods in order."""
    return Period.objects.filter(production=production).order_by("number")


def open_periods(production: Production) -> list[tuple[date, date, int]]:
    """(first day, last day, id) of the open periods, in order."""
    rows = periods(production).filter(state="open")
    return list(rows.values_list("starts_on", "ends_on", "pk"))


def document_by_sha256(production: Production, sha256: bytes) -> SourceDocument | None:
    """The document with these bytes, if it was ever received."""
    return SourceDocument.objects.filter(production=production, sha256=sha256).first()


def bank_accounts(production: Production) -> QuerySet[BankAccount]:
    """The production's bank accounts by name."""
    return (
        BankAccount.objects.filter(production=production).select_related("account").order_by("name")
    )


def bank_account_called(production: Production, written: str) -> BankAccount | None:
    """The account a bank's file means by this identifier."""
    found = (
        BankIdentifier.objects.filter(production=production, key=identifier_key(written))
        .select_related("bank_account")
        .first()
    )
    return None if found is None else found.bank_account


def bank_identifiers(production: Production) -> QuerySet[BankIdentifier]:
    """What banks call the accounts, in the order in which that was entered."""
    return BankIdentifier.objects.filter(production=production).order_by("pk")


def bank_statements(production: Production) -> QuerySet[BankStatement]:
    """Statements with their account and file, the newest days first."""
    return (
        BankStatement.objects.filter(production=production)
        .select_related("bank_account", "document")
        .order_by(F("to_day").desc(nulls_last=True), "-pk")
    )


def bank_statement_by_key(production: Production, key: bytes) -> BankStatement | None:
    """The statement that was opened under this key."""
    return bank_statements(production).filter(key=key).first()


def statement_lines(statement: BankStatement) -> QuerySet[StatementLine]:
    """The lines a statement brought, as they stand in it."""
    return StatementLine.objects.filter(
        production_id=statement.production_id, statement=statement
    ).order_by("number")


def statement_line(production: Production, line_id: int) -> StatementLine | None:
    """One line with its statement, account and file."""
    return (
        StatementLine.objects.filter(production=production, pk=line_id)
        .select_related("bank_account", "statement__bank_account", "statement__document")
        .first()
    )


def statement_totals(
    production: Production, statement_ids: Sequence[int]
) -> dict[int, tuple[int, Decimal]]:
    """statement -> (lines it brought, what they come to)."""
    rows = (
        StatementLine.objects.filter(production=production, statement__in=statement_ids)
        .order_by()
        .values_list("statement_id")
        .annotate(count=Count("pk"), total=Sum("amount"))
    )
    return {statement: (count, total) for statement, count, total in rows}


def document_range(document: SourceDocument, start: int, end: int) -> bytes:
    """Some bytes of a document."""
    first, last = start // PIECE_BYTES, max(start, end - 1) // PIECE_BYTES
    pieces = (piece(document, number) or b"" for number in range(first, last + 1))
    return b"".join(pieces)[start - first * PIECE_BYTES : end - first * PIECE_BYTES]


def piece(document: SourceDocument, number: int) -> bytes | None:
    """One piece of a document's bytes; None past the end."""
    found = SourcePiece.objects.filter(
        production_id=document.production_id, document=document, number=number
    ).values_list("data", flat=True)
    row = found.first()
    return None if row is None else bytes(row)


def document_bytes(document: SourceDocument) -> Iterator[bytes]:
    """The document's bytes, piece by piece, inside one transaction."""
    number = 0
    while (data := piece(document, number)) is not None:
        yield data
        number += 1


# Key by key through the unique index, whatever the statistics say. They know nothing yet of a new
# production, and the planner then takes all its documents for one row that any index would find:
# measured, a chunk took minutes. Behind a subselect it cannot see which production is asked for,
# and goes by the average.
_POSTED_DOCUMENTS = """
SELECT found.* FROM unnest(%(keys)s::bytea[]) AS asked(key), LATERAL (
    SELECT t.document_key, t.facts, t.batch_id, t.number, t.document_id
    FROM ledger_transaction t
    WHERE t.production_id = (SELECT %(production)s::bigint) AND t.document_key = asked.key
    LIMIT 1) found
"""


def posted_documents(
    production: Production, keys: Sequence[bytes]
) -> dict[bytes, tuple[bytes, int, int, int | None]]:
    """document key -> (facts, batch, number, document) of those of `keys` that are posted."""
    # One text that PostgreSQL takes apart: the driver quotes a list of bytes one by one, which
    # takes a hundred times as long.
    array = "{" + ",".join([f'"\\\\x{key.hex()}"' for key in sorted(keys)]) + "}"
    with connection.cursor() as cursor:
        cursor.execute(_POSTED_DOCUMENTS, {"production": production.pk, "keys": array})
        return {bytes(r[0]): (bytes(r[1]), r[2], r[3], r[4]) for r in cursor.fetchall()}


def posted_rows(
    production: Production, document: SourceDocument, first: int, last: int
) -> dict[int, tuple[int, int]]:
    """source row -> (batch, number) for the rows of a document that are posted already."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT source_row, batch_id, number FROM ledger_transaction"
            " WHERE production_id = (SELECT %s::bigint) AND document_id = (SELECT %s::bigint)"
            " AND source_row BETWEEN %s AND %s ORDER BY source_row",
            [production.pk, document.pk, first, last],
        )
        return {r[0]: (r[1], r[2]) for r in cursor.fetchall()}


def posted_among(production: Production, document_id: int, rows: Sequence[int]) -> set[int]:
    """Those source rows of a document that are posted already. For rows far apart, which a range
    would find with all that lies between them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT asked.row FROM unnest(%s::int[]) AS asked(row), LATERAL ("
            " SELECT 1 FROM ledger_transaction t WHERE t.production_id = (SELECT %s::bigint)"
            " AND t.document_id = (SELECT %s::bigint) AND t.source_row = asked.row LIMIT 1) found",
            [sorted(rows), production.pk, document_id],
        )
        return {int(r[0]) for r in cursor.fetchall()}


def document(
    production: Production, batch_id: int, number: int
) -> tuple[Transaction, list[Posting]] | None:
    """A posted document with its postings in order, if it is there for whoever asks."""
    found = Transaction.objects.filter(
        production=production, batch_id=batch_id, number=number
    ).first()
    if found is None:
        return None
    lines = Posting.objects.filter(
        production=production, batch_id=batch_id, transaction_number=number
    )
    return found, list(lines.order_by("line_no"))


def reversal_of(production: Production, batch_id: int, number: int) -> Transaction | None:
    """The document that takes this one back, if one does."""
    return Transaction.objects.filter(
        production=production, reverses_batch_id=batch_id, reverses_number=number
    ).first()


def document_of_row(
    production: Production, batch_id: int, document_id: int, row: int
) -> Transaction | None:
    """What this row of a document became in this batch: its own document, or the one that several
    rows make up."""
    found = Transaction.objects.filter(
        production=production, batch_id=batch_id, document_id=document_id
    ).order_by("number")
    return found.filter(source_row=row).first() or (found.first() if len(found[:2]) == 1 else None)


def unit_of_batch(production: Production, batch_id: int) -> Unit:
    """The unit a batch was posted to."""
    return Unit.objects.get(
        pk=Batch.objects.values_list("unit_id", flat=True).get(production=production, pk=batch_id)
    )


def batch_by_id(production: Production, batch_id: int) -> Batch:
    """A batch that is known to be there."""
    return Batch.objects.get(production=production, pk=batch_id)


def kind_of_batch(production: Production, batch_id: int) -> str:
    """What kind of entry a batch is: an import, an invoice, a correction."""
    return Batch.objects.values_list("kind", flat=True).get(production=production, pk=batch_id)


def log_heads(production: Production) -> list[LogHead]:
    """Where each unit's log stands, the units in the order they were made."""
    return list(
        LogHead.objects.filter(production=production).select_related("unit").order_by("unit_id")
    )


@dataclass(frozen=True, slots=True)
class TotalLine:
    """Totals of one account, currency and period in a book as the asker may see them."""

    book: int
    account_id: int
    period_id: int
    currency: str
    amount: Decimal
    base_amount: Decimal | None
    lines: int


def totals(
    production: Production,
    *,
    unit_id: int | None = None,
    cost_center_id: int | None = None,
    account_id: int | None = None,
    books: Sequence[int] = (1,),
) -> list[TotalLine]:
    """Sums of the batches' totals by book, account, period and currency. Never scans postings."""
    sql = (
        "SELECT book, account_id, period_id, currency, sum(amount), sum(base_amount),"
        " sum(lines)::int FROM ledger_batchtotal WHERE production_id = %s AND book = ANY(%s)"
    )
    asked: list[Any] = [production.pk, list(books)]
    narrowed = (("unit_id", unit_id), ("cost_center_id", cost_center_id),
                ("account_id", account_id))  # fmt: skip
    for column, value in narrowed:
        if value is not None:
            sql += f" AND {column} = %s"
            asked.append(value)
    with connection.cursor() as cursor:
        # What has a value and what has none are summed apart.
        cursor.execute(sql + " GROUP BY 1, 2, 3, 4, base_amount IS NULL", asked)
        return [TotalLine(*row) for row in cursor.fetchall()]


def attachments_of(production: Production, batch_id: int, number: int) -> list[Attachment]:
    """What supports a document, withdrawn files among it, in the order it was attached."""
    found = Attachment.objects.filter(production=production, batch_id=batch_id, number=number)
    return list(found.select_related("actor").order_by("pk"))


def free_attachments(production: Production) -> list[Attachment]:
    """What is attached to no document, the newest first."""
    found = Attachment.objects.filter(production=production, batch=None)
    return list(found.select_related("actor").order_by("-pk"))


def withdrawals(attachments: Iterable[Attachment]) -> dict[int, AttachmentWithdrawal]:
    """attachment -> who took it back and why, of those that were."""
    found = AttachmentWithdrawal.objects.filter(attachment__in=list(attachments))
    return {row.attachment_id: row for row in found.select_related("actor")}


def attachment_by_id(production: Production, attachment_id: int) -> Attachment | None:
    """The attachment with this number, withdrawn or not."""
    found = Attachment.objects.filter(production=production, pk=attachment_id)
    return found.select_related("actor", "unit").first()


def attachment_bytes(attachment: Attachment, first: int, end: int) -> bytes:
    """The bytes from `first` to before `end`, from the pieces that hold them."""
    pieces = SourcePiece.objects.filter(
        production_id=attachment.production_id,
        document_id=attachment.document_id,
        number__range=(first // PIECE_BYTES, (end - 1) // PIECE_BYTES),
    )
    joined = b"".join(map(bytes, pieces.order_by("number").values_list("data", flat=True)))
    start = first % PIECE_BYTES
    return joined[start : start + end - first]


def productions_with_logs(production_id: int | None = None) -> list[Production]:
    """The productions whose logs are signed: all of them, or the one asked for."""
    found = Production.objects.order_by("pk")
    return list(found if production_id is None else found.filter(pk=production_id))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a unit's log stands, where its last checkpoint was signed, how far it was verified."""

    unit: Unit
    size: int
    root: bytes
    checkpoint: Checkpoint | None
    verification: Verification | None
    alteration: Alteration | None

    @property
    def head(self) -> str:
        """The head in one line, as it is printed at the foot of a report."""
        return f"{self.unit.code} {self.size} entries, root {self.root.hex()[:16]}"

    @property
    def verified(self) -> str:
        """How it was found last: since when it is known to be whole, or that it was altered."""
        whole = "not verified yet"
        if self.verification is not None:
            size, at = self.verification.size, self.verification.verified_at
            whole = f"verified to entry {size - 1}, {at:%d %b %Y %H:%M UTC}"
        if self.alteration is None:
            return whole
        count = self.alteration.count
        return (
            f"found altered {self.alteration.found_at:%d %b %Y %H:%M UTC}, in {count} "
            f"record{'' if count == 1 else 's'} of the production; before that {whole}"
        )

    @property
    def signed(self) -> str:
        """The last checkpoint in one line."""
        if self.checkpoint is None:
            return "no checkpoint yet"
        root = bytes(self.checkpoint.root).hex()[:16]
        return (
            f"checkpoint at {self.checkpoint.size} entries, root {root}, "
            f"{self.checkpoint.signed_at:%d %b %Y %H:%M UTC}"
        )


def standings(production: Production) -> list[Standing]:
    """Head, last checkpoint and last verification of every unit's log."""
    latest, last = ("unit_id", "-size"), ("unit_id", "-verified_at")
    signed = Checkpoint.objects.filter(production=production).order_by(*latest).distinct("unit_id")
    checkpoints = {checkpoint.unit_id: checkpoint for checkpoint in signed}
    whole = Verification.objects.filter(production=production).order_by(*last).distinct("unit_id")
    verified = {verification.unit_id: verification for verification in whole}
    altered = standing_alteration(production, [v.verified_at for v in verified.values()])
    return [
        Standing(
            h.unit, h.size, bytes(h.root), checkpoints.get(h.unit_id), verified.get(h.unit_id),
            altered,
        )
        for h in log_heads(production)
    ]  # fmt: skip


def standing_alteration(production: Production, whole: Iterable[datetime]) -> Alteration | None:
    """The last time records were found altered, unless all was found whole after it."""
    found = Alteration.objects.filter(production=production).only("production", "found_at", "count")
    last = found.order_by("-found_at").first()
    return None if last is None or any(at > last.found_at for at in whole) else last

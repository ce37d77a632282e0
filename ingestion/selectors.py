"""What can be asked about imports, held rows and the words a file is read with."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection
from django.db.models import Q, QuerySet

from access.models import Production, User
from ingestion.layouts.vocabulary import AccountWord, Vocabulary
from ingestion.models import (
    DuplicateRow,
    HeldRow,
    ImportBatch,
    ImportState,
    RevisionOutcome,
    RowRevision,
    WorkItem,
)
from ingestion.tables.mappings import DriftEntry, DryRun, MappingVersion
from ingestion.tables.uploads import Upload, UploadPiece
from ledger import selectors as ledger
from ledger.models import SourceDocument
from taxonomy import selectors as taxonomy

CONTINGENCY = "CONT"
FINISHED = (
    ImportState.POSTED,
    ImportState.POSTED_WITH_QUARANTINE,
    ImportState.REJECTED,
    ImportState.CANCELLED,
)
# Where a worker has nothing to do: it has ended, or waits for a person.
HALTED = (*FINISHED, ImportState.OVER_LIMIT, ImportState.MAPPING_NEEDED)
# Ended without posting all of it: the same bytes may be handed in again.
ENDED_EARLY = (ImportState.REJECTED, ImportState.CANCELLED)


def vocabulary(batch: ImportBatch) -> Vocabulary:
    """The production's words as they stand now, for reading one file."""
    production = batch.production
    rows = list(ledger.accounts(production))
    fringes = {a.category_id: a.pk for a in rows if a.kind == "fringe" and a.is_postable}
    centers = list(taxonomy.cost_centers(production))
    received: date = batch.created_at.date()
    return Vocabulary(
        accounts={
            a.code: AccountWord(
                a.pk, a.code, a.line, a.cost_center_id, fringes.get(a.category_id or 0)
            )
            for a in rows
            if a.is_postable and a.line != CONTINGENCY
        },
        account_format=production.account_format,
        cost_centers={c.code: c.pk for c in centers},
        units={
            spelled: u.pk
            for u in taxonomy.units(production)
            for spelled in (u.code, u.code.lower(), u.code.upper(), u.code.capitalize())
        },
        currency=production.currency,
        time_zone=production.time_zone,
        periods=ledger.open_periods(production),
        default_unit=batch.unit.code,
        default_day=received,
        categories=frozenset(a.code for a in rows if not a.is_postable),
        contingency=frozenset(a.code for a in rows if a.is_postable and a.line == CONTINGENCY),
        segments=ledger.known_segments(production),
    )


def imports(production: Production) -> QuerySet[ImportBatch]:
    """The production's imports, newest first."""
    return (
        ImportBatch.objects.filter(production=production)
        .select_related("document", "unit", "created_by")
        .order_by("-pk")
    )


def import_by_id(production: Production, import_id: int) -> ImportBatch | None:
    """One import of this production."""
    return imports(production).filter(pk=import_id).first()


def unfinished_uploads(production: Production, user: User) -> QuerySet[Upload]:
    """What a person has begun to send here and not finished, the newest first."""
    return Upload.objects.filter(
        production=production, made_by=user, state=Upload.State.OPEN
    ).order_by("-pk")


def upload_by_id(production: Production, user: User, upload_id: int) -> Upload | None:
    """One upload of this person's on this production, however it stands."""
    return (
        Upload.objects.filter(production=production, made_by=user, pk=upload_id)
        .select_related("production")
        .first()
    )


def abandoned_uploads(production: Production, before: datetime) -> QuerySet[Upload]:
    """The unfinished uploads nobody went on with since a moment, each until the transaction ends
    for who asks alone."""
    return Upload.objects.filter(
        production=production, state=Upload.State.OPEN, moved_at__lt=before
    ).select_for_update(of=("self",), skip_locked=True)


def pieces_left_over(production: Production) -> QuerySet[UploadPiece]:
    """The bytes of uploads that are over, whatever became of them."""
    over = Upload.objects.filter(production=production).exclude(state=Upload.State.OPEN)
    return UploadPiece.objects.filter(production=production, upload__in=over)


def earlier_import(
    document: SourceDocument, source: str, form: str, declared: dict[str, str]
) -> ImportBatch | None:
    """The import that reads these bytes in this way, unless it was rejected or cancelled.

    As another source or form of file, or with another encoding declared, what they say must be
    looked at again; rows that are posted already stay posted once.
    """
    return (
        ImportBatch.objects.filter(
            production_id=document.production_id,
            document=document,
            source=source,
            form=form,
            declared=declared,
        )
        .exclude(state__in=ENDED_EARLY)
        .select_related("document", "unit", "created_by", "production")
        .first()
    )


def lock_document(document: SourceDocument) -> None:
    """Wait for whoever decides what this file is read as, to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"read:{document.pk}"]
        )


def other_readings(document: SourceDocument, source: str) -> list[ImportBatch]:
    """The imports of these bytes as other sources that have posted something, or still may."""
    read = ImportBatch.objects.filter(production_id=document.production_id, document=document)
    return list(read.exclude(source=source).filter(Q(posted__gt=0) | ~Q(state__in=FINISHED)))


def held_rows(production: Production) -> QuerySet[HeldRow]:
    """Rows that wait for a person or for the gate, in file order."""
    return (
        HeldRow.objects.filter(production=production, state__in=["held", "resubmitted"])
        .select_related("batch__document")
        .order_by("batch_id", "row")
    )


def held_row(production: Production, row_id: int) -> HeldRow | None:
    """One held row, whatever became of it."""
    return (
        HeldRow.objects.filter(production=production, pk=row_id)
        .select_related("batch__document", "batch__unit", "batch__production")
        .first()
    )


def row_of_import(production: Production, import_id: int, number: int) -> HeldRow | None:
    """A held row by its import and its number in the file, whatever became of it."""
    found = HeldRow.objects.filter(production=production, batch_id=import_id, row=number)
    return found.select_related("batch__document", "batch__production", "production").first()


def locked_row(production: Production, row_id: int) -> HeldRow | None:
    """One held row, whatever became of it, locked until the transaction ends."""
    rows = HeldRow.objects.select_for_update(of=("self",))
    found = rows.select_related("batch__document", "batch__unit", "batch__production", "production")
    return found.filter(production=production, pk=row_id).first()


def center_codes(production: Production) -> dict[int, str]:
    """cost centre -> its code."""
    return {c.pk: c.code for c in taxonomy.cost_centers(production)}


def held_count(production: Production) -> int:
    """How many rows wait."""
    return held_rows(production).count()


def revisions(row: HeldRow) -> list[tuple[RowRevision, RevisionOutcome | None]]:
    """What people did with the row and what the gate said, oldest first."""
    made = list(
        RowRevision.objects.filter(production_id=row.production_id, held_row=row)
        .select_related("made_by")
        .order_by("pk")
    )
    said = {
        o.revision_id: o
        for o in RevisionOutcome.objects.filter(
            production_id=row.production_id, revision__in=[r.pk for r in made]
        )
    }
    return [(r, said.get(r.pk)) for r in made]


def conflicting_rows(batch: ImportBatch) -> frozenset[int]:
    """The rows of an import that contradicted a posted document when they were read."""
    rows = HeldRow.objects.filter(
        production_id=batch.production_id, batch=batch, codes__contains=["E_CONFLICT"]
    )
    return frozenset(rows.values_list("row", flat=True))


def duplicate_rows(batch: ImportBatch) -> QuerySet[DuplicateRow]:
    """The rows of an import that were posted before."""
    return DuplicateRow.objects.filter(production_id=batch.production_id, batch=batch).order_by(
        "row"
    )


def answered_lines(batch: ImportBatch) -> frozenset[tuple[int, int]]:
    """The bank's lines that rows of this import were found to be, as (statement, number)."""
    return frozenset(duplicate_rows(batch).values_list("original_batch", "original_number"))


def work_of(kind: str, subject_ids: Sequence[int]) -> QuerySet[WorkItem]:
    """The work items for these subjects."""
    return WorkItem.objects.filter(kind=kind, subject_id__in=subject_ids)


def mapping_versions(production: Production, source: str = "") -> QuerySet[MappingVersion]:
    """What was decided of the production's sources, the newest first within each."""
    found = MappingVersion.objects.filter(production=production).select_related("accepted_by")
    return (found.filter(source=source) if source else found).order_by("source", "-number")


def newest_version(production: Production, source: str) -> MappingVersion | None:
    """All that has been decided of a source's files so far."""
    return mapping_versions(production, source).first()


def mapping_version(production: Production, source: str, number: int) -> MappingVersion | None:
    """One version of a source's mapping here."""
    return mapping_versions(production, source).filter(number=number).first()


def last_header(batch: ImportBatch) -> list[str]:
    """The columns of the file this source sent before this one; none for its first."""
    before = (
        ImportBatch.objects.filter(
            production_id=batch.production_id, source=batch.source, pk__lt=batch.pk
        )
        .filter(state__in=[ImportState.POSTED, ImportState.POSTED_WITH_QUARANTINE])
        .exclude(shape={})
        .order_by("-pk")
        .first()
    )
    return [] if before is None else list(before.shape["header"])


def drift_entries(production: Production) -> QuerySet[DriftEntry]:
    """Columns that were not as before, the newest first."""
    return (
        DriftEntry.objects.filter(production=production)
        .select_related("batch", "decided_by")
        .order_by("-pk")
    )


def drift_of(batch: ImportBatch) -> QuerySet[DriftEntry]:
    """What is in the drift log of one import."""
    return DriftEntry.objects.filter(production_id=batch.production_id, batch=batch)


def read_past(production: Production, source: str, columns: Sequence[str]) -> list[str]:
    """Which of these columns were in a file that has posted, and nobody had decided about."""
    found = DriftEntry.objects.filter(
        production=production, source=source, header__in=columns, change="new",
        verdict="unread",
        batch__posted__gt=0,
    )  # fmt: skip
    return sorted(set(found.values_list("header", flat=True)))


def dry_runs(batch: ImportBatch) -> QuerySet[DryRun]:
    """The dry runs of an import, the newest first."""
    return (
        DryRun.objects.filter(production_id=batch.production_id, batch=batch)
        .select_related("made_by")
        .order_by("-pk")
    )

"""Receiving a file, and carrying an import to its end. Any step may be killed and done again."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from access import context
from access.errors import Invalid, Refused
from access.models import Production, User
from access.selectors import actions_on
from ingestion import banking, invoices, letters, mappings, paper_import, selectors, waiting
from ingestion.ahead import copied, read_ahead
from ingestion.formats.container import display_name, form_of
from ingestion.formats.records import RejectedFile
from ingestion.gate import pipeline
from ingestion.gate.bank_reading import BankChunk, BankReader
from ingestion.gate.paper_rows import Document
from ingestion.gate.pipeline import Chunk, FileReader, MappingNeeded, Outcome
from ingestion.layouts.mapping import Mapping
from ingestion.layouts.sources import REGISTRY
from ingestion.letters import OverThreshold
from ingestion.mappings import TakenOver
from ingestion.models import ImportBatch, ImportState, WorkItem
from ingestion.reading import (
    mapping_for,
    mapping_of_import,
    may_fail_late,
    older_version,
    open_reader,
    opened,
    stored_pieces,
)
from ledger import selectors as ledger
from ledger import services as posting
from ledger.models import SourceDocument
from ledger.rates import log_conversions
from ledger.services import BatchHeader, TooBig
from taxonomy.models import Unit

CLASH_RETRIES = 5
TURN_CLASS = 0x696D70  # "imp": the class of the advisory locks by which imports take turns


class NoLongerAllowed(Refused):
    """The person whose file this is may no longer import on this production."""

    code = "no_longer_allowed"
    status = 403


class MayNotEnter(Refused):
    """The file would be entered as documents, which this person may not do."""

    code = "may_not_enter"
    status = 403


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a file handed in: its import, and whether that import was there before."""

    batch: ImportBatch
    is_repeat: bool


def hash_of(data: Iterable[bytes]) -> tuple[bytes, int]:
    """(SHA-256, size) of a file. Raises TooBig above the installation's limit."""
    digest, size = hashlib.sha256(), 0
    for piece in data:
        digest.update(piece)
        size += len(piece)
        if size > settings.MAX_FILE_BYTES:
            raise TooBig(
                f"the file is larger than {settings.MAX_FILE_BYTES:,} bytes, the most this "
                "installation takes; split it, or raise PRODACCT_MAX_FILE_BYTES"
            )
    return digest.digest(), size


@transaction.atomic
def receive_file(
    *,
    actor: User,
    production: Production,
    name: str,
    read: Callable[[], Iterable[bytes]],
    source: str,
    unit: Unit,
    choices: dict[str, str] | None = None,
) -> Receipt:
    """Keep the file's bytes, and queue its import. Returns at once; a worker does the rest.

    `read` gives the bytes from the start each time it is called. The same bytes under the same
    source give the import that was made first, and nothing is posted twice.
    """
    mapping = mapping_for(production, source, choices or {})
    check_asked(actor, production, mapping, choices or {})
    banking.check_choice(production, mapping, choices or {})
    file_name = display_name(name)
    form = form_of(file_name)
    sha256, size = hash_of(read())
    document = posting.keep_document(
        actor=actor, production=production, name=file_name, sha256=sha256, byte_size=size,
        data=read(),
    )  # fmt: skip
    earlier = selectors.earlier_import(document, source, form, choices or {})
    if earlier is not None:
        return Receipt(earlier, is_repeat=True)
    _refuse_otherwise_read(document, mapping)
    try:
        with transaction.atomic():
            batch = ImportBatch.objects.create(
                production=production,
                document=document,
                file_name=file_name,
                form=form,
                source=source,
                unit=unit,
                mapping=mapping.name,
                declared=choices or {},
                created_by=actor,
            )
            WorkItem.objects.create(production=production, kind="import", subject_id=batch.pk)
    except IntegrityError:
        made = selectors.earlier_import(document, source, form, choices or {})
        if made is None:
            raise
        return Receipt(made, is_repeat=True)
    return Receipt(batch, is_repeat=False)


def check_asked(
    actor: User, production: Production, mapping: Mapping, choices: dict[str, str]
) -> None:
    """Whether this person may send such a file, with what they say of it."""
    if mapping.paper and paper_import.NEEDED not in actions_on(actor, production):
        raise MayNotEnter(
            f"{mapping.label}: such a file is entered as documents, and you may import files but "
            "not enter documents here. Ask a production accountant to send it."
        )
    misplaced = sorted({"custodian", "number"} & choices.keys())
    if misplaced and mapping.paper != "envelope":
        raise Invalid(f"{misplaced[0]}: only petty cash is sent with it; leave it out")


def _refuse_otherwise_read(document: SourceDocument, mapping: Mapping) -> None:
    """The rows of one file are documents of several lines or each for itself, and not both."""
    selectors.lock_document(document)
    for other in selectors.other_readings(document, mapping.source):
        if mapping.paper or REGISTRY[other.source].paper:
            raise Refused(
                f"This file was received as {REGISTRY[other.source].label} on "
                f"{other.created_at:%d %b %Y}: read as {mapping.label} its rows would be entered a "
                "second time. Void what it became first, or send the file it should be."
            )


def _acting(batch: ImportBatch) -> Any:
    return context.acting(user_id=batch.created_by_id, production_id=batch.production_id)


def run_import(*, import_id: int, production_id: int, user_id: int) -> None:
    """Carry an import to its end, from wherever it stands.

    Safe to run twice and from two workers: every chunk moves the import's counters from the
    value it read, and fails when somebody else has moved them.
    """
    with context.acting(user_id=user_id, production_id=production_id):
        batch = ImportBatch.objects.select_related(
            "document", "unit", "created_by", "production"
        ).get(pk=import_id)
    if batch.state in selectors.HALTED:
        return
    with _acting(batch):
        if "import_files" not in actions_on(batch.created_by, batch.production):
            raise NoLongerAllowed(f"{batch.created_by} may no longer import files here")
        is_entered = bool(REGISTRY[batch.source].paper)
        if is_entered and paper_import.NEEDED not in actions_on(batch.created_by, batch.production):
            raise NoLongerAllowed(f"{batch.created_by} may no longer enter documents here")
    _enter(batch, ImportState.CHECKING)
    try:
        _check_size(batch)
        reader = _carry(batch, is_entered=is_entered)
    except OverThreshold as over:
        _hold_back(batch, str(over))
        return
    except MappingNeeded as needed:
        if mappings.read_by_newest(batch):
            run_import(import_id=import_id, production_id=production_id, user_id=user_id)
        else:
            _wait_for_mapping(batch, needed)
        return
    except RejectedFile as rejection:
        assert batch.rows == 0, "a file is checked whole before its first row posts"
        _finish(batch, rejection.code, rejection.reason, [])
        return
    _finish(batch, "", "", [*older_version(reader.mapping), *reader.notes], reader)


def _wait_for_mapping(batch: ImportBatch, needed: MappingNeeded) -> None:
    """Wait for a person, unless the file's first rows show that it cannot be read at all."""
    try:
        mappings.wait_for_mapping(batch, needed)
    except RejectedFile as rejection:
        _finish(batch, rejection.code, rejection.reason, [])


def _carry(batch: ImportBatch, *, is_entered: bool) -> FileReader | BankReader:
    """Check the file whole, then post it chunk by chunk, from wherever the import stands."""
    if banking.is_banks(batch):
        return _keep_lines(batch)
    beat = partial(_beat, batch)
    with copied(stored_pieces(batch, beat)) as copy:
        _check_whole(batch, copy.pieces)
        _enter(batch, ImportState.POSTING)
        reader = open_reader(batch, copy.pieces)
        if is_entered:
            _enter_documents(batch, reader)
            return reader
        with pipeline.uncollected(), read_ahead(reader.chunks(batch.rows), beat) as chunks:
            for chunk in chunks:
                _post_chunk(batch, reader, chunk, partial(_decide, batch, reader, chunk))
                posting.refresh_statistics()
    return reader


def _keep_lines(batch: ImportBatch) -> BankReader:
    """Keep a bank's lines. Its file is read to its end as it is opened: totals are proven then."""
    reader = banking.open_bank_reader(batch, lambda: _beat(batch))
    _enter(batch, ImportState.POSTING)
    with _acting(batch):
        banking.open_all(batch, reader)
    for chunk in reader.chunks(start_after=batch.rows):
        _post_chunk(batch, reader, chunk, partial(banking.decide, batch, reader, chunk))
        posting.refresh_statistics()
    return reader


def _enter(batch: ImportBatch, state: ImportState) -> None:
    """The import enters a state, unless somebody has ended it or moved it on meanwhile."""
    with _acting(batch):
        moved = (
            ImportBatch.objects.filter(pk=batch.pk, rows=batch.rows, mapping=batch.mapping)
            .exclude(state__in=selectors.HALTED)
            .update(state=state, heartbeat_at=timezone.now())
        )
    if moved != 1:
        raise TakenOver(f"import {batch.pk} is not at row {batch.rows} any more")


def _check_size(batch: ImportBatch) -> None:
    """Raises OverThreshold for a file with more bytes than go through without a person."""
    if batch.rows or batch.past_limit:
        return
    with _acting(batch):
        most = waiting.limit_for(batch).most_bytes
    if batch.document.byte_size > most:
        raise OverThreshold(
            f"the file has {batch.document.byte_size:,} bytes; files of this source go through by "
            f"themselves up to {most:,}"
        )


def _hold_back(batch: ImportBatch, why: str) -> None:
    """A file over its limit is kept and waits for a person; nothing of it is posted."""
    reason = f"{why[:1].upper()}{why[1:]}. It waits among the dead letters until somebody decides."
    with _acting(batch):
        moved = ImportBatch.objects.filter(pk=batch.pk, rows=0, state=ImportState.CHECKING).update(
            state=ImportState.OVER_LIMIT, code="E_OVER_LIMIT", reason=reason
        )
        if moved != 1:
            raise TakenOver(f"import {batch.pk} is not being checked any more")
        letters.open_letter(
            production=batch.production,
            subject=letters.Subject("file", batch.pk, batch.source, batch.file_name, batch),
            code="E_OVER_LIMIT",
            cause=reason,
        )


def _beat(batch: ImportBatch) -> None:
    with _acting(batch):
        ImportBatch.objects.filter(pk=batch.pk).update(heartbeat_at=timezone.now())


def _check_whole(batch: ImportBatch, pieces: Callable[[], Iterable[bytes]]) -> None:
    """Read the file to its end before any of it posts: a fault in its last record rejects it. One
    shorter than a chunk is read to its end before its only chunk posts in any case."""
    if batch.rows:
        return
    with _acting(batch):
        mapping = mapping_of_import(batch)
        most = waiting.limit_for(batch).most_rows
    reading, _ = opened(batch, mapping, pieces)
    for count, _ in enumerate(reading, 1):
        if count > most and not batch.past_limit:
            raise OverThreshold(
                f"the file has more than {most:,} rows, the most of this source that go through by "
                "themselves"
            )
        is_long = count == pipeline.CHUNK_ROWS + 1
        if is_long and not may_fail_late(batch, reading, mapping, most, pieces()):
            return


def _enter_documents(batch: ImportBatch, reader: FileReader) -> None:
    """Enter the file's documents one by one, each in a transaction of its own."""
    with _acting(batch):
        desk = paper_import.desk_for(
            batch.created_by, batch, reader.gate, origin=batch.mapping, has_spans=reader.has_spans
        )
    for document in paper_import.documents(reader, batch.declared, after=batch.rows):
        decide = partial(paper_import.enter, desk, document)
        _post_chunk(batch, reader, document, decide, alone=True)
        posting.refresh_statistics()


def _post_chunk(
    batch: ImportBatch,
    reader: FileReader | BankReader,
    chunk: Chunk | BankChunk | Document,
    decide: Callable[[], Outcome | banking.BankOutcome | paper_import.Outcome],
    *,
    alone: bool = False,
) -> None:
    """Post one chunk, or enter one document; again when another worker posts the same documents at
    the same moment."""
    for attempt in range(CLASH_RETRIES):
        try:
            with _acting(batch):
                take_turn(batch.production_id, alone=alone or attempt > 0)
                outcome = decide()
                _write(batch, reader, chunk, outcome)
        except (IntegrityError, OperationalError) as clash:
            # A unique key met or a deadlock broken: look again, what clashed is now posted.
            lost_connection = getattr(clash.__cause__, "sqlstate", None) is None
            if lost_connection or attempt + 1 == CLASH_RETRIES:
                raise
            continue
        batch.rows += chunk.rows
        return


def take_turn(production_id: int, *, alone: bool) -> None:
    """Post beside the production's other imports, or, after a clash, while none of them posts.

    Otherwise eight exports of one week, in eight orders, would clash again at every attempt.
    """
    lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(%s, %s::int)", [TURN_CLASS, production_id])


def _decide(batch: ImportBatch, reader: FileReader, chunk: Chunk) -> Outcome:
    keys = [candidate.key for candidate in chunk.candidates]
    posted = ledger.posted_documents(batch.production, keys) if keys else {}
    rows = ledger.posted_rows(batch.production, batch.document, chunk.first_row, chunk.last_row)
    if reader.mapping.is_invoices:
        invoices.take_turn(batch.production)
    alike = invoices.compared(batch.production, reader.mapping, chunk.candidates, posted)
    return reader.decide(chunk, posted, rows, alike)


def _write(
    batch: ImportBatch,
    reader: FileReader | BankReader,
    chunk: Chunk | BankChunk | Document,
    outcome: Outcome | banking.BankOutcome | paper_import.Outcome,
) -> None:
    moved = ImportBatch.objects.filter(
        pk=batch.pk, rows=batch.rows, state=ImportState.POSTING, mapping=batch.mapping
    ).update(
        rows=batch.rows + chunk.rows,
        rows_per_second=round(chunk.rows / max(chunk.age_seconds, 0.001)),
        # The quarantine desk moves these too while the import goes on.
        posted=F("posted") + outcome.posted,
        duplicate=F("duplicate") + len(outcome.duplicates),
        quarantined=F("quarantined") + len(outcome.held),
        byte_position=chunk.end,
        heartbeat_at=timezone.now(),
    )
    if moved != 1:
        raise TakenOver(f"import {batch.pk} is not at row {batch.rows} any more")
    production_id = batch.production_id
    if outcome.held:
        posting.copy_rows(
            "ingestion_heldrow",
            pipeline.HELD_COLUMNS,
            (
                pipeline.held_copy_line(h, production_id, batch.pk, reader.mapping)
                for h in outcome.held
            ),
        )
    if outcome.duplicates:
        lines = (
            f"{production_id}\t{batch.pk}\t{record.row}\t{record.line}\t{first}\t{number}\n"
            for record, first, number in outcome.duplicates
        )
        posting.copy_rows("ingestion_duplicaterow", pipeline.DUPLICATE_COLUMNS, lines)
    if isinstance(outcome, banking.BankOutcome):
        banking.keep(outcome)
    else:
        assert isinstance(reader, FileReader)
        _post(batch, reader, chunk.first_row, outcome)


def _post(
    batch: ImportBatch, reader: FileReader, first_row: int, outcome: Outcome | paper_import.Outcome
) -> None:
    # In unit order: two files that post to the same units then never wait in a circle.
    for unit_id in sorted(outcome.drafts):
        posted = posting.post_batch(
            actor=batch.created_by,
            header=BatchHeader(
                production=batch.production,
                unit_id=unit_id,
                kind="import",
                key=_batch_key(batch, first_row, unit_id),
                document=batch.document,
                origin=batch.mapping,
            ),
            drafts=outcome.drafts[unit_id],
        )
        log_conversions(posted, outcome.drafts[unit_id], reader.drafter.rates)
        if reader.mapping.is_invoices:
            invoices.mark(posted, outcome.drafts[unit_id])


def _batch_key(batch: ImportBatch, first_row: int, unit_id: int) -> bytes:
    return hashlib.sha256(f"import|{batch.pk}|{first_row}|{unit_id}".encode()).digest()


def _finish(
    batch: ImportBatch,
    code: str,
    reason: str,
    notes: list[str],
    reader: FileReader | BankReader | None = None,
) -> None:
    """Say how the import ended, in its row and in the unit's log, once."""
    with _acting(batch):  # locked, since the desk may have settled the last held row meanwhile
        now = (
            ImportBatch.objects.select_for_update(of=("self",))
            .select_related("document", "unit", "production")
            .get(pk=batch.pk)
        )
        read_otherwise = (now.rows, now.mapping) != (batch.rows, batch.mapping)
        if now.state in selectors.HALTED or read_otherwise:
            raise TakenOver(f"import {batch.pk} has been finished by another worker")
        held = ImportState.POSTED_WITH_QUARANTINE if now.quarantined else ImportState.POSTED
        now.state = ImportState.REJECTED if code else held
        now.code, now.reason, now.notes = code, reason, notes
        now.finished_at = now.heartbeat_at = timezone.now()
        now.shape = {k: v for k, v in now.shape.items() if k != "samples"}
        if isinstance(reader, FileReader):
            now.shape = mappings.shape_of(reader.reading)
            mappings.log_drift(batch, reader.mapping, now.shape["header"])
        now.save(
            update_fields=[
                "state", "code", "reason", "notes", "shape", "finished_at", "heartbeat_at",
            ]
        )  # fmt: skip
        log_end(now)


def log_end(batch: ImportBatch) -> None:
    """Write into the unit's log how an import ended. Inside its production's context."""
    said = {
        "code": batch.code,
        "document": bytes(batch.document.sha256).hex(),
        "duplicate": str(batch.duplicate),
        "import": str(batch.pk),
        "mapping": batch.mapping,
        "posted": str(batch.posted),
        "quarantined": str(batch.quarantined),
        "rows": str(batch.rows),
        "state": str(batch.state),
    }
    posting.append_entry(
        production=batch.production,
        unit=batch.unit,
        entry_type="upload",
        data=json.dumps(said, sort_keys=True, separators=(",", ":")),
    )


def unit_for(production: Production, unit: Unit | None, name: str) -> Unit:
    """The unit asked for. Raises Invalid when the production has no such unit."""
    if unit is None:
        raise Invalid(f"unit: {name!r} is not a unit of {production.code}")
    return unit

"""What an import would do: read, checked and looked up as it would be posted, and not posted."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from collections.abc import Mapping as Words
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils import timezone

from access import context
from access.errors import Invalid
from access.models import User
from ingestion import pipeline, rules, selectors
from ingestion.formats.records import RejectedFile
from ingestion.mapping import Mapping
from ingestion.mapping_tables import DryRun
from ingestion.mappings import Proposal, must_decide, proposed, refusal_of
from ingestion.models import ImportBatch, WorkItem
from ingestion.pipeline import Chunk, FileReader, Outcome
from ingestion.reading import (
    HEARTBEAT_SECONDS,
    declared_of,
    mapping_for,
    mapping_named,
    opened,
    reader_of,
    stored_pieces,
)
from ingestion.sources import REGISTRY
from ledger import selectors as ledger

# Beyond so many rows a dry run stops, and says so.
MOST_ROWS = 200_000
# A file up to this size is run through while the person waits; a larger one by a worker.
AT_ONCE_BYTES = 300_000
CAUSES_SHOWN = 8
NOT_A_COST = "withholding"
NO_DOCUMENTS = (
    "rows of this source make up documents that are entered whole; there is no dry run of them, "
    "and those that are wrong are held"
)


@dataclass(slots=True)
class Outlook:
    """What was counted so far."""

    rows: int = 0
    posted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    causes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    is_whole: bool = True
    # The documents the rows before would have posted: key -> facts.
    _made: dict[bytes, bytes] = field(default_factory=dict)

    def add(self, chunk: Chunk, outcome: Outcome) -> None:
        """Count a chunk as it would have been posted."""
        self.rows += chunk.rows
        self.posted += outcome.posted
        self.duplicate += len(outcome.duplicates)
        self.quarantined += len(outcome.held)
        for drafts in outcome.drafts.values():
            for draft in drafts:
                self._made[draft.document_key] = draft.facts
                for posting in draft.postings:
                    if posting.component != NOT_A_COST:
                        self.totals[posting.currency] += posting.amount  # type: ignore[assignment]
        for held in outcome.held:
            first = held.violations[0]
            self.causes[first.code, first.field, first.found[:80]] += 1

    def posted_before(
        self, known: Words[bytes, tuple[bytes, int, int, int | None]], keys: Iterable[bytes]
    ) -> dict[bytes, tuple[bytes, int, int, int | None]]:
        """What is posted, and what this file would have posted in an earlier chunk."""
        earlier = {key: (self._made[key], 0, 0, None) for key in keys if key in self._made}
        return {**earlier, **known}

    def columns(self) -> dict[str, Any]:
        """As the table of dry runs keeps it."""
        return {
            "rows": self.rows,
            "posted": self.posted,
            "duplicate": self.duplicate,
            "quarantined": self.quarantined,
            "totals": [[c, f"{Decimal(total):.4f}"] for c, total in sorted(self.totals.items())],
            "causes": [[*cause, n] for cause, n in self.causes.most_common(CAUSES_SHOWN)],
            "is_whole": self.is_whole,
        }


def look_ahead(
    batch: ImportBatch, reader: FileReader, *, beat: Callable[[Outlook], None], user_id: int
) -> Outlook:
    """Take an opened file through all that an import does but posting. Each chunk is looked up in
    a transaction of its own."""
    if reader.mapping.paper:
        raise Invalid(NO_DOCUMENTS)
    outlook = Outlook()
    last_beat = time.monotonic()
    for chunk in reader.chunks():
        with context.acting(user_id=user_id, production_id=batch.production_id):
            outlook.add(chunk, _decided(batch, reader, chunk, outlook))
        if outlook.rows >= MOST_ROWS:
            outlook.is_whole = next(iter(reader.reading), None) is None
            break
        if time.monotonic() - last_beat > HEARTBEAT_SECONDS:
            beat(outlook)
            last_beat = time.monotonic()
    return outlook


def _decided(batch: ImportBatch, reader: FileReader, chunk: Chunk, outlook: Outlook) -> Outcome:
    keys = [candidate.key for candidate in chunk.candidates]
    known = ledger.posted_documents(batch.production, keys) if keys else {}
    rows: dict[int, tuple[int, int]] = {}
    if batch.document_id:
        rows = ledger.posted_rows(batch.production, batch.document, chunk.first_row, chunk.last_row)
    return reader.decide(chunk, outlook.posted_before(known, keys), rows)


def look_at_file(
    *, batch: ImportBatch, read: Callable[[], Iterable[bytes]], beat: Callable[[Outlook], None]
) -> Outlook:
    """What a file that has not been received would do. `batch` is not saved: it says who asks,
    where, and as what. Raises MappingNeeded and RejectedFile as its import would."""
    who = {"user_id": batch.created_by_id, "production_id": batch.production_id}
    with context.acting(**who):
        mapping = mapping_for(batch.production, batch.source, batch.declared)
    batch.mapping = mapping.name
    reading, resolution = opened(batch, mapping, read)
    with context.acting(**who):
        reader = reader_of(batch, mapping, reading, resolution)
    return look_ahead(batch, reader, beat=beat, user_id=batch.created_by_id)


def ask_dry_run(
    *, actor: User, batch: ImportBatch, proposal: Proposal, header: list[str]
) -> DryRun:
    """Have a waiting import run through by what is proposed, without posting: at once when the
    file is small, else by a worker. Raises Invalid where the proposal does not read the file."""
    must_decide(actor, batch.production)
    if REGISTRY[batch.source].paper:
        raise Invalid(NO_DOCUMENTS)
    mapping, decided = proposed(batch.production, batch, proposal, header)
    refusal = refusal_of(mapping, header)
    if refusal:
        raise Invalid(refusal)
    made = DryRun(
        production_id=batch.production_id,
        batch=batch,
        base=mapping.name.partition("+")[0],
        rules=rules.written(decided),
        made_by=actor,
    )
    if batch.document.byte_size <= AT_ONCE_BYTES:
        outlook, reason = _run(batch, declared_of(batch, mapping), actor.pk, lambda _: None)
        for name, value in outlook.columns().items():
            setattr(made, name, value)
        made.reason, made.finished_at = reason, timezone.now()
        made.save()
        return made
    made.save()
    WorkItem.objects.create(
        production_id=batch.production_id, kind="dry_run", subject_id=made.pk, priority=80
    )
    return made


def _run(
    batch: ImportBatch, mapping: Mapping, user_id: int, beat: Callable[[Outlook], None]
) -> tuple[Outlook, str]:
    def pieces() -> Iterable[bytes]:
        return stored_pieces(batch, lambda: None, user_id=user_id)

    try:
        reading, resolution = opened(batch, mapping, pieces)
        with context.acting(user_id=user_id, production_id=batch.production_id):
            reader = reader_of(batch, mapping, reading, resolution)
        with pipeline.uncollected():
            return look_ahead(batch, reader, beat=beat, user_id=user_id), ""
    except RejectedFile as rejection:
        return Outlook(), rejection.reason


def run_dry_run(*, dry_run_id: int, production_id: int, user_id: int) -> None:
    """Count what the import would do. Done again from the start after a kill: nothing is posted,
    and the counts are written over."""
    with context.acting(user_id=user_id, production_id=production_id):
        asked = DryRun.objects.get(pk=dry_run_id)
        batch = (
            selectors.imports(asked.production).select_related("production").get(pk=asked.batch_id)
        )
        base = mapping_named(asked.production, asked.base)
    if asked.finished_at is not None:
        return

    def write(outlook: Outlook, **said: Any) -> None:
        with context.acting(user_id=user_id, production_id=production_id):
            DryRun.objects.filter(pk=dry_run_id, finished_at=None).update(
                **outlook.columns(), heartbeat_at=timezone.now(), **said
            )

    mapping = declared_of(batch, rules.applied(base, rules.read(asked.rules), 0))
    outlook, reason = _run(batch, mapping, user_id, write)
    write(outlook, reason=reason, finished_at=timezone.now())

"""What an import would do: read, checked and looked up as it would be posted, and not posted."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as Words
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils import timezone

from access import context
from access.errors import Invalid
from access.models import User
from ingestion import banking, invoices, selectors, trials
from ingestion.ahead import HEARTBEAT_SECONDS
from ingestion.formats.records import RejectedFile
from ingestion.gate import pipeline
from ingestion.gate.likeness import Lookalikes
from ingestion.gate.pipeline import Chunk, FileReader, Outcome
from ingestion.layouts import rules
from ingestion.layouts.mapping import Mapping
from ingestion.mappings import Proposal, must_decide, proposed, refusal_of
from ingestion.models import ImportBatch, WorkItem
from ingestion.reading import (
    declared_of,
    mapping_for,
    mapping_named,
    opened,
    reader_of,
    stored_pieces,
)
from ingestion.tables.mappings import DryRun
from ingestion.trials import Tried
from ledger import selectors as ledger

# Beyond so many rows a dry run stops, and says so.
MOST_ROWS = 200_000
# A file up to this size is run through while the person waits; a larger one by a worker.
AT_ONCE_BYTES = 300_000
CAUSES_SHOWN = 8
NOT_A_COST = "withholding"


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
    # The invoices that stand, and those the rows before would have posted.
    alike: Lookalikes = field(default_factory=Lookalikes)

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

    def add_tried(self, tried: Tried) -> None:
        """Count what was done and taken back."""
        self.rows += tried.rows
        self.posted += tried.posted
        self.duplicate += tried.duplicate
        self.quarantined += len(tried.held)
        for currency, amount in tried.totals.items():
            self.totals[currency] += amount  # type: ignore[assignment]
        for held in tried.held:
            # Its other rows wait for the one that is wrong.
            first = next((v for v in held.violations if v.code != "E_DOCUMENT"), held.violations[0])
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
    batch: ImportBatch, reader: FileReader, *, beat: Callable[[Outlook], None], actor: User
) -> Outlook:
    """Take an opened file through all that an import does but posting. Each chunk, or document, is
    looked at in a transaction of its own."""
    outlook = Outlook()
    last_beat = time.monotonic()
    for _ in _steps(batch, reader, actor, outlook):
        if outlook.rows >= MOST_ROWS:
            outlook.is_whole = next(iter(reader.reading), None) is None
            break
        if time.monotonic() - last_beat > HEARTBEAT_SECONDS:
            beat(outlook)
            last_beat = time.monotonic()
    return outlook


def _steps(batch: ImportBatch, reader: FileReader, actor: User, outlook: Outlook) -> Iterator[None]:
    """Add one part of the file after the other to what was counted."""
    if reader.mapping.paper:
        for tried in trials.tried_documents(batch, reader, actor):
            outlook.add_tried(tried)
            yield
        return
    for chunk in reader.chunks():
        with context.acting(user_id=actor.pk, production_id=batch.production_id):
            outlook.add(chunk, _decided(batch, reader, chunk, outlook))
        yield


def _decided(batch: ImportBatch, reader: FileReader, chunk: Chunk, outlook: Outlook) -> Outcome:
    keys = [candidate.key for candidate in chunk.candidates]
    known = ledger.posted_documents(batch.production, keys) if keys else {}
    rows: dict[int, tuple[int, int]] = {}
    if batch.document_id:
        rows = ledger.posted_rows(batch.production, batch.document, chunk.first_row, chunk.last_row)
    known = outlook.posted_before(known, keys)
    found = invoices.compared(batch.production, reader.mapping, chunk.candidates, known)
    if found is not None:
        outlook.alike.update(found)
    return reader.decide(chunk, known, rows, None if found is None else outlook.alike)


def look_at_file(
    *, batch: ImportBatch, read: Callable[[], Iterable[bytes]], beat: Callable[[Outlook], None]
) -> Outlook:
    """What a file that has not been received would do. `batch` is not saved: it says who asks,
    where, and as what. Raises MappingNeeded and RejectedFile as its import would."""
    who = {"user_id": batch.created_by_id, "production_id": batch.production_id}
    with context.acting(**who):
        mapping = mapping_for(batch.production, batch.source, batch.declared)
    batch.mapping = mapping.name
    if mapping.feed:
        return _bank_outlook(batch, mapping, read, batch.created_by)
    reading, resolution = opened(batch, mapping, read)
    with context.acting(**who):
        reader = reader_of(batch, mapping, reading, resolution)
    return look_ahead(batch, reader, beat=beat, actor=batch.created_by)


def _bank_outlook(
    batch: ImportBatch, mapping: Mapping, read: Callable[[], Iterable[bytes]], actor: User
) -> Outlook:
    """What a bank's file would bring: its lines compared with their account's, and taken back."""
    outlook = Outlook()
    reader = banking.bank_reader(batch, mapping, read, user_id=actor.pk)
    for tried in trials.tried_lines(batch, reader, actor):
        outlook.add_tried(tried)
    return outlook


def ask_dry_run(
    *, actor: User, batch: ImportBatch, proposal: Proposal, header: list[str]
) -> DryRun:
    """Have a waiting import run through by what is proposed, without posting: at once when the
    file is small, else by a worker. Raises Invalid where the proposal does not read the file."""
    must_decide(actor, batch.production)
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
    if mapping.paper:
        trials.check_may_enter(actor, batch.production, mapping)
    # Documents and a bank's lines are tried by the worker alone: it has the right to write them.
    is_of_rows = not (mapping.paper or mapping.feed)
    if is_of_rows and batch.document.byte_size <= AT_ONCE_BYTES:
        outlook, reason = _run(batch, declared_of(batch, mapping), actor, lambda _: None)
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
    batch: ImportBatch, mapping: Mapping, actor: User, beat: Callable[[Outlook], None]
) -> tuple[Outlook, str]:
    def pieces() -> Iterable[bytes]:
        return stored_pieces(batch, lambda: None, user_id=actor.pk)

    try:
        if mapping.feed:
            return _bank_outlook(batch, mapping, pieces, actor), ""
        reading, resolution = opened(batch, mapping, pieces)
        with context.acting(user_id=actor.pk, production_id=batch.production_id):
            reader = reader_of(batch, mapping, reading, resolution)
        with pipeline.uncollected():
            return look_ahead(batch, reader, beat=beat, actor=actor), ""
    except RejectedFile as rejection:
        return Outlook(), rejection.reason
    except trials.MayNotTry as refusal:
        return Outlook(), refusal.message


def run_dry_run(*, dry_run_id: int, production_id: int, user_id: int) -> None:
    """Count what the import would do. Done again from the start after a kill: nothing is posted,
    and the counts are written over."""
    with context.acting(user_id=user_id, production_id=production_id):
        asked = DryRun.objects.select_related("made_by", "production").get(pk=dry_run_id)
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
    outlook, reason = _run(batch, mapping, asked.made_by, write)
    write(outlook, reason=reason, finished_at=timezone.now())

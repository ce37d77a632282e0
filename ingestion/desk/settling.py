"""Held rows through the same gate as any other, many at once, each with an end of its own."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from django.db import IntegrityError, connection

from access.models import Production, User
from ingestion import banking, invoices
from ingestion.desk.paper_settling import settle_documents
from ingestion.formats.records import Record, RejectedFile
from ingestion.gate.drafting import Drafter
from ingestion.gate.identity import Identities
from ingestion.gate.likeness import Lookalikes, near_duplicate
from ingestion.gate.pipeline import cause_of, held_amount, invoice_of
from ingestion.gate.schema import CleanLine, Gate, Violation, codes_of
from ingestion.layouts.mapping import FIELDS, Mapping
from ingestion.models import HeldRow, ImportBatch, ImportState, RevisionOutcome
from ingestion.reading import gate_and_drafter, identities_of, mapping_of_import
from ledger import selectors as ledger
from ledger import services as posting
from ledger.journal import TransactionDraft
from ledger.rates import log_conversions
from ledger.services import BatchHeader

READERS_KEPT = 8
_NOTHING_WRONG = Violation(
    "row", "E_UNDONE", "a decision: its fix was taken back, and nothing is wrong without it", "",
    "resubmit the row to post it as it was received, or reject it",
)  # fmt: skip


class Asked(NamedTuple):
    """A held row, locked, with the revision that is to be carried out on it."""

    row: HeldRow
    revision_id: int  # 0 where the row only moves with its document
    values: dict[str, str]
    # The version it is read again by; '' for the one its import was read by.
    mapping: str = ""
    # Whether a person has said that it is no duplicate of what it is like.
    is_released: bool = False

    @property
    def cells(self) -> dict[str, str]:
        """The row's fields as they are to be read."""
        return {**(self.row.cells or {}), **self.values}


class End(NamedTuple):
    """What became of it: posted, duplicate, held (again) or rejected."""

    asked: Asked
    outcome: str
    violations: list[Violation]
    batch_id: int | None


class Candidate(NamedTuple):
    """A row that has passed the gate, with its document's key and facts."""

    asked: Asked
    line: CleanLine
    key: bytes
    facts: bytes


@dataclass(slots=True)
class Reader:
    """What reads the held rows of one import."""

    mapping: Mapping
    gate: Gate
    drafter: Drafter
    # How its batches say where they come from, besides the mapping.
    said: str = "fixed"


@dataclass(slots=True)
class Readers:
    """The readers of the imports an act meets, made once each. Only for as long as it works:
    a chart grows, and a period closes."""

    _known: dict[tuple[int, str], Reader | RejectedFile] = field(default_factory=dict)

    def of(self, batch: ImportBatch, mapping: str = "") -> Reader | RejectedFile:
        """What reads this import's rows, or why nothing can."""
        asked = batch.pk, mapping
        if asked not in self._known:
            if len(self._known) == READERS_KEPT:
                del self._known[next(iter(self._known))]
            self._known[asked] = _reader(batch, mapping)
        return self._known[asked]


def _reader(batch: ImportBatch, name: str) -> Reader | RejectedFile:
    mapping = mapping_of_import(batch, name)
    try:
        return Reader(mapping, *gate_and_drafter(batch, mapping))
    except RejectedFile as refusal:
        return refusal


def settle(
    *, actor: User, production: Production, asked: Sequence[Asked], name: str, readers: Readers
) -> list[End]:
    """Resubmit the rows: post, or say why not. All within the caller's transaction.

    `name` is what makes posting them twice impossible: it goes into the batches' keys. The caller
    holds the rows' locks. Raises IntegrityError when another worker posts the same documents at
    the same moment: look again, then.
    """
    ends: list[End] = []
    by_import = sorted(asked, key=_import_of)
    work: list[tuple[Reader, ImportBatch, list[Candidate]]] = []
    papers: list[tuple[Reader, ImportBatch, list[Asked]]] = []
    banks: list[tuple[ImportBatch, list[Asked]]] = []
    for _, rows in groupby(by_import, key=_import_of):
        group = list(rows)
        batch = group[0].row.batch
        if banking.is_banks(batch):
            banks.append((batch, group))
            continue
        reader = readers.of(batch, group[0].mapping)
        if isinstance(reader, RejectedFile):
            fault = Violation("row", reader.code, "a chart with its clearing accounts", "",
                              reader.reason)  # fmt: skip
            ends += [End(a, "held", [fault], None) for a in group]
            continue
        if reader.mapping.paper:
            papers.append((reader, batch, group))
            continue
        work.append((reader, batch, _candidates(reader, batch, group, ends)))
    # The imports' rows before any posting, in one order: an import that goes on meanwhile takes
    # its own row first too, and so nobody waits in a circle.
    batches = [*(b for _, b, _ in (*work, *papers)), *(batch for batch, _ in banks)]
    if any(reader.mapping.is_invoices for reader, _, _ in work):
        invoices.take_turn(production)
    _lock(batches)
    for reader, batch, group in papers:
        ends += _settle_documents(actor, reader, batch, group)
    ends += [_bank_end(each) for _, group in banks for each in group]
    for reader, batch, candidates in work:
        ends += _post(actor, production, reader, batch, candidates, name)
    _write(production, ends)
    for batch in batches:
        mine = [e.outcome for e in ends if e.asked.row.batch_id == batch.pk]
        _count(batch, mine.count("posted"), mine.count("duplicate"))
    return [end for end in ends if end.asked.revision_id]


def _import_of(asked: Asked) -> tuple[int, str]:
    return asked.row.batch_id, asked.mapping


def _bank_end(asked: Asked) -> End:
    """What became of a row of a bank's file; it is taken at once."""
    said = banking.resubmitted(asked.row, asked.cells)
    return End(asked, said, [], None) if isinstance(said, str) else End(asked, "held", said, None)


def reject(*, production: Production, asked: Sequence[Asked]) -> list[End]:
    """Take the rows off the desk without posting them. They stay counted as quarantined."""
    ends = [End(a, "rejected", [], None) for a in asked]
    _write(production, ends)
    return ends


def put_back(production: Production, asked: Asked, readers: Readers) -> RevisionOutcome:
    """The row on the desk again, with the fields as asked and what is wrong with them. Nothing
    posts: where nothing is wrong any more, that is said, and a person hands it in."""
    row = asked.row
    if asked.values:
        reader = readers.of(row.batch)
        said = [_NOTHING_WRONG]
        if isinstance(reader, Reader):
            cells = asked.cells
            line = reader.gate.clean(tuple(cells.get(name, "") for name in FIELDS))
            said = [_NOTHING_WRONG] if isinstance(line, CleanLine) else line
        _write(production, [End(asked, "held", said, None)])
    else:
        HeldRow.objects.filter(pk=row.pk, state="resubmitted").update(state="held")
        RevisionOutcome.objects.create(
            revision_id=asked.revision_id, production=production, outcome="held",
            violations=row.violations,
        )  # fmt: skip
    return RevisionOutcome.objects.get(pk=asked.revision_id)


def _settle_documents(
    actor: User, reader: Reader, batch: ImportBatch, asked: Sequence[Asked]
) -> list[End]:
    """The ends of rows of documents. Others of the same documents end with them, and are given
    without a revision, for nobody has revised them."""
    mine = {each.row.pk: each for each in asked}
    settled = settle_documents(actor, batch, reader.gate, [(a.row, a.cells) for a in asked])
    return [
        End(mine.get(row.pk, Asked(row, 0, {})), outcome, violations, batch_id)
        for row, outcome, violations, batch_id in settled
    ]


def _candidates(
    reader: Reader, batch: ImportBatch, asked: Sequence[Asked], ends: list[End]
) -> list[Candidate]:
    """The rows that pass the gate; the others end held, with what is wrong now."""
    clean: list[tuple[Asked, CleanLine]] = []
    for each in asked:
        cells = each.cells
        line = reader.gate.clean(tuple(cells.get(name, "") for name in FIELDS))
        if isinstance(line, CleanLine):
            clean.append((each, line))
        else:
            ends.append(End(each, "held", line, None))
    keys = _free_identities(batch, reader.mapping, [line for _, line in clean])
    return [Candidate(*pair, *key) for pair, key in zip(clean, keys, strict=True)]


def stands_already(reader: Reader, row: HeldRow, line: CleanLine) -> bool:
    """Whether the document a row states is posted, or the row itself is, by another reading."""
    production = row.production
    [(key, _)] = _free_identities(row.batch, reader.mapping, [line])
    if ledger.posted_documents(production, [key]):
        return True
    return bool(ledger.posted_among(production, row.batch.document_id, [row.row]))


def _free_identities(
    batch: ImportBatch, mapping: Mapping, lines: Sequence[CleanLine]
) -> list[tuple[bytes, bytes]]:
    """Each row's identity: the first of equal documents' numbers its own file has not taken.

    Rows held and fixed later come after their equals of the same file; a document posted from
    another file keeps its number, and such a row is then its duplicate. A number the row itself
    states is never counted on: its key comes back the same.
    """
    taken: set[bytes] = set()
    looked: set[bytes] = set()
    ahead = 0
    while True:
        identities = identities_of(batch.production, mapping)
        found = [_first_free(identities, line, taken) for line in lines]
        unseen = {key for key, _ in found} - looked
        if not unseen:
            return found
        # The numbers that come next with them. A thousand equal receipts: each further look goes
        # twice as far ahead.
        ahead_of = [line for line, (key, _) in zip(lines, found, strict=True) if key in unseen]
        unseen.update(identities.of(line)[0] for line in ahead_of for _ in range(ahead))
        known = ledger.posted_documents(batch.production, list(unseen))
        looked |= unseen
        taken.update(key for key, said in known.items() if said[3] == batch.document_id)
        ahead = max(1, ahead * 2)


def _first_free(identities: Identities, line: CleanLine, taken: set[bytes]) -> tuple[bytes, bytes]:
    before = b""
    while True:
        key, facts = identities.of(line)
        if key not in taken or key == before:
            return key, facts
        before = key


def _post(
    actor: User, production: Production, reader: Reader, batch: ImportBatch,
    candidates: Sequence[Candidate], name: str,
) -> list[End]:  # fmt: skip
    """Post what is new, unit by unit; say of the others what they are."""
    identities = identities_of(production, reader.mapping)
    known = ledger.posted_documents(production, [c.key for c in candidates]) if candidates else {}
    rows = [c.asked.row.row for c in candidates]
    posted_rows = ledger.posted_among(production, batch.document_id, rows) if rows else set()
    ends: list[End] = []
    here: dict[bytes, Candidate] = {}
    repeats: list[Candidate] = []
    alike = invoices.compared(production, reader.mapping, candidates, known)
    for candidate in candidates:
        said = known.get(candidate.key)
        if said is not None:
            is_same = identities.is_same(candidate.line, candidate.facts, said[0])
            ends.append(_double(candidate, said[1]) if is_same else _conflict(candidate))
        elif candidate.asked.row.row in posted_rows:
            # The same bytes read as another source: that reading has posted this row.
            found = ledger.posted_rows(
                production, batch.document, candidate.asked.row.row, candidate.asked.row.row
            )
            ends.append(_double(candidate, found[candidate.asked.row.row][0]))
        elif candidate.key in here:
            repeats.append(candidate)
        elif (near := _near(candidate, alike)) is not None:
            ends.append(near)
        else:
            here[candidate.key] = candidate
    posted = _post_units(actor, reader, batch, list(here.values()), name)
    ends += posted.values()
    for candidate in repeats:
        first = here[candidate.key]
        is_same = identities.is_same(candidate.line, candidate.facts, first.facts)
        number = posted[first.asked.row.pk].batch_id
        ends.append(_double(candidate, number) if is_same else _conflict(candidate))
    return ends


def _near(candidate: Candidate, alike: Lookalikes | None) -> End | None:
    """The row held again, if it is probably an invoice that stands and nobody has released it."""
    mine = invoice_of(candidate.line, candidate.asked.row.row)
    if alike is None or mine is None:
        return None
    other = None if candidate.asked.is_released else alike.of(mine)
    if other is None:
        alike.add(mine)
        return None
    return End(candidate.asked, "held", [near_duplicate(mine, other)], None)


def _post_units(
    actor: User, reader: Reader, batch: ImportBatch, candidates: Sequence[Candidate], name: str
) -> dict[int, End]:
    """Held row -> its end, for rows of one import that post: one batch a unit."""
    ends: dict[int, End] = {}
    by_unit: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        by_unit.setdefault(candidate.line.unit_id, []).append(candidate)
    for unit_id in sorted(by_unit):
        drafts = [_draft(reader.drafter, c) for c in by_unit[unit_id]]
        said = "" if reader.mapping.name == batch.mapping else f"|{reader.mapping.name}"
        key = f"{name}|{batch.pk}|{unit_id}{said}".encode()
        posted = posting.post_batch(
            actor=actor,
            header=BatchHeader(
                production=batch.production,
                unit_id=unit_id,
                kind="import",
                key=hashlib.sha256(key).digest(),
                document=batch.document,
                origin=f"{reader.mapping.name}, {reader.said}",
            ),
            drafts=drafts,
        )
        log_conversions(posted, drafts, reader.drafter.rates)
        if reader.mapping.is_invoices:
            invoices.mark(posted, drafts)
        for candidate in by_unit[unit_id]:
            ends[candidate.asked.row.pk] = End(candidate.asked, "posted", [], posted.pk)
    return ends


def _draft(drafter: Drafter, candidate: Candidate) -> TransactionDraft:
    row = candidate.asked.row
    record = Record(row.row, row.line, row.byte_start, row.byte_end, None, None, b"")
    return drafter.draft(candidate.line, record, candidate.key, candidate.facts)


def _double(candidate: Candidate, batch_id: int | None) -> End:
    return End(candidate.asked, "duplicate", [], batch_id)


def _conflict(candidate: Candidate) -> End:
    said = candidate.line.transaction_id or candidate.line.reference
    violation = Violation(
        "reference", "E_CONFLICT", "the facts already posted under this document's number", said,
        "reverse and reissue the posted document, or reject this row",
    )  # fmt: skip
    return End(candidate.asked, "held", [violation], None)


def _lock(batches: Iterable[ImportBatch]) -> None:
    ids = sorted(batch.pk for batch in batches)
    list(ImportBatch.objects.filter(pk__in=ids).order_by("pk").select_for_update().values("pk"))


def _count(batch: ImportBatch, posted: int, duplicate: int) -> None:
    """So many rows fewer are held and as many more posted or duplicates; rejected ones stay."""
    if not posted + duplicate:
        return
    now = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    now.quarantined -= posted + duplicate
    now.posted += posted
    now.duplicate += duplicate
    if now.state == ImportState.POSTED_WITH_QUARANTINE and now.quarantined == 0:
        now.state = ImportState.POSTED
    now.save(update_fields=["quarantined", "posted", "duplicate", "state"])


_LEAVE = """
UPDATE ingestion_heldrow h SET state = e.outcome, resolved_at = clock_timestamp()
FROM jsonb_to_recordset(%s::jsonb) AS e (row bigint, outcome text)
WHERE h.production_id = (SELECT %s::bigint) AND h.id = e.row
  AND h.state IN ('held', 'resubmitted')
"""
_STAY = """
UPDATE ingestion_heldrow h SET state = 'held', cells = e.cells, violations = e.violations,
    codes = e.codes, cause = e.cause, currency = e.currency, amount = e.amount
FROM jsonb_to_recordset(%s::jsonb) AS e (row bigint, cells jsonb, violations jsonb,
    codes varchar[], cause text, currency text, amount numeric)
WHERE h.production_id = (SELECT %s::bigint) AND h.id = e.row
  AND h.state IN ('held', 'resubmitted')
"""
_SAY = """
INSERT INTO ingestion_revisionoutcome (revision_id, production_id, outcome, violations, batch_id)
SELECT e.revision, %s, e.outcome, e.violations, e.batch
FROM jsonb_to_recordset(%s::jsonb) AS e (revision bigint, outcome text, violations jsonb,
    batch bigint)
"""


def _write(production: Production, ends: Sequence[End]) -> None:
    """The rows' new states and the revisions' outcomes, a statement for each kind."""
    left = [e for e in ends if e.outcome != "held"]
    stay = [e for e in ends if e.outcome == "held"]
    outcomes = [
        {"revision": e.asked.revision_id, "outcome": e.outcome, "batch": e.batch_id,
         "violations": [v._asdict() for v in e.violations]}
        for e in ends if e.asked.revision_id
    ]  # fmt: skip
    _move(_LEAVE, production, [{"row": e.asked.row.pk, "outcome": e.outcome} for e in left])
    _move(_STAY, production, [_held_again(e) for e in stay])
    with connection.cursor() as cursor:
        cursor.execute(_SAY, [production.pk, json.dumps(outcomes)])


def _move(sql: str, production: Production, rows: Sequence[dict[str, object]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps(rows, default=str), production.pk])
        if cursor.rowcount != len(rows):
            raise IntegrityError(f"{len(rows) - cursor.rowcount} held rows have left the desk")


def _held_again(end: End) -> dict[str, object]:
    cells = end.asked.cells
    amount = held_amount(cells, mapping_of_import(end.asked.row.batch, end.asked.mapping))
    return {
        "row": end.asked.row.pk,
        "cells": cells,
        "violations": [v._asdict() for v in end.violations],
        "codes": codes_of(end.violations),
        "cause": cause_of(end.violations[0]),
        "currency": cells.get("currency", "")[:3] if amount is not None else "",
        "amount": amount,
    }

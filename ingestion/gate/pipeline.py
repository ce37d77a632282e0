"""One file, from bytes to postings: read > map > check > classify > post or hold, chunk by chunk.

A chunk is one database transaction: postings, held rows, duplicates, counters and heartbeat move
together or not at all. The import's own counters are its position, so that a killed worker's
successor takes up at the first row not accounted for.
"""

import gc
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from ingestion.formats.container import BANK_FORMATS
from ingestion.formats.opening import open_file
from ingestion.formats.records import Dialect, Reading, Record, RejectedFile
from ingestion.gate.drafting import Drafter
from ingestion.gate.identity import Identities
from ingestion.gate.likeness import Invoice, Lookalikes, near_duplicate
from ingestion.gate.schema import CleanLine, Gate, Violation, codes_of
from ingestion.layouts.mapping import (
    FIELDS,
    HeaderRefused,
    Mapping,
    Resolution,
    recognises,
    resembles,
    resolve_header,
    resolve_positions,
    signed,
)
from ingestion.layouts.sources import REGISTRY
from ledger.journal import NULL, TransactionDraft
from taxonomy import money

CHUNK_ROWS = 20_000
# A chunk stands in memory whole: of rows that are long there are fewer in it.
CHUNK_BYTES = 16 * 1024 * 1024
_LOOKED_AT = 100
PAYLOAD_BYTES_KEPT = 1_000_000
_AMOUNT = FIELDS.index("amount")

# What is wrong with a record before any field of it can be looked at.
RECORD_FAULTS = {
    "E_ENCODING_ROW": (
        "text in the file's encoding (UTF-8 unless declared)",
        "declare the file's encoding and import it again, or retype the row",
    ),
    "E_QUOTE": (
        "quotes that open and close, doubled inside a quoted field",
        'double the quote inside the field ("12"" slider") and resubmit',
    ),
    "E_FIELD_COUNT": ("as many fields as the header has", "complete or shorten the row"),
    "E_FIELD_TOO_LONG": ("at most 10,000 characters in a field", "shorten the field"),
    "E_HEADER_REPEAT": ("a cost, not the header again", "reject the row"),
    "E_SUSPECT_SWALLOW": (
        "at most 50 lines in one record",
        "look for a quote that was never closed",
    ),
    "E_TOO_WIDE": ("at most 512 fields", "remove the surplus fields"),
    "E_TOTAL_ROW": ("a cost, not a total", "reject the row: totals are computed, never posted"),
    "E_FORMULA_NO_CACHED_VALUE": (
        "the value of the formula",
        "open the sheet, let it calculate, save it and import it again",
    ),
    "E_IIF": (
        "a TRNS line, its SPL lines and ENDTRNS behind them",
        "export the transaction again: lines of it may be missing",
    ),
    "E_SOURCE": (
        "a cost line",
        "import the file with the source it belongs to, or reject the row",
    ),
}


class Held(NamedTuple):
    """A row that does not post, and why."""

    record: Record
    cells: dict[str, str] | None
    violations: list[Violation]


class Candidate(NamedTuple):
    """A row that posts, as drafted, unless its document is posted already."""

    record: Record
    line: CleanLine
    key: bytes
    facts: bytes
    draft: TransactionDraft


@dataclass(slots=True)
class Stretch:
    """Some rows of a file that follow each other and are taken together, and what is held of them.
    Those that may be kept are its reader's to say."""

    first_row: int
    last_row: int
    end: int
    held: list[Held] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def age_seconds(self) -> float:
        """How long ago its first row began to be read."""
        return time.monotonic() - self.began

    @property
    def rows(self) -> int:
        """How many rows of the file it has."""
        return self.last_row - self.first_row + 1


@dataclass(slots=True)
class Chunk(Stretch):
    """Rows of costs: those that post unless their document is posted already."""

    candidates: list[Candidate] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """A chunk after the ledger was asked: drafts by unit, duplicates, held rows."""

    drafts: dict[int, list[TransactionDraft]]
    duplicates: list[tuple[Record, int, int]]
    held: list[Held]

    @property
    def posted(self) -> int:
        """How many rows are to be posted."""
        return sum(map(len, self.drafts.values()))


@dataclass(slots=True)
class FileReader:
    """An opened file with its columns resolved, and the gate its rows go through."""

    mapping: Mapping
    gate: Gate
    identities: Identities
    drafter: Drafter
    reading: Reading
    resolution: Resolution
    has_spans: bool
    # Rows that contradicted what was posted, before this run took the file up again.
    earlier_conflicts: frozenset[int] = frozenset()
    _disputed: set[str] = field(default_factory=set)

    @property
    def notes(self) -> list[str]:
        """What people should know about the file and its columns."""
        return [*self.reading.notes, *self.resolution.notes]

    def chunks(self, start_after: int = 0) -> Iterator[Chunk]:
        """The file in chunks of CHUNK_ROWS or CHUNK_BYTES. Rows up to `start_after` are read for
        what later rows' identities depend on, and not given again."""
        pick = _picker(self.resolution)
        records = iter(self.reading)
        if start_after:
            for record in islice(records, start_after):
                if record.code is None and record.fields is not None:
                    line = self.gate.clean(pick(record.fields))
                    if isinstance(line, CleanLine):
                        self.identities.of(line)
                        if record.row in self.earlier_conflicts:
                            self._disputed.add(self.identities.counted_document(line))
        began = time.monotonic()
        while batch := _next_rows(records):
            chunk = self._look(batch, pick)
            chunk.began = began
            yield chunk
            began = time.monotonic()

    def _look(self, records: Sequence[Record], pick: "Picker") -> Chunk:
        chunk = Chunk(records[0].row, records[-1].row, records[-1].end)
        clean, identity = self.gate.clean, self.identities.of
        for record in records:
            fields = record.fields
            if record.code is not None or fields is None:
                chunk.held.append(Held(record, None, [_record_fault(record)]))
                continue
            values = pick(fields)
            line = clean(values)
            if isinstance(line, CleanLine):
                key, facts = identity(line)
                draft = self.drafter.draft(line, self._spanned(record), key, facts)
                chunk.candidates.append(Candidate(record, line, key, facts, draft))
            else:
                chunk.held.append(Held(record, self.cells(values), line))
        return chunk

    def cells(self, values: Sequence[str]) -> dict[str, str]:
        """The mapped fields this file has, by name."""
        return {
            name: value
            for name, value, place in zip(FIELDS, values, self.resolution.places, strict=True)
            if place is not None
        }

    def decide(
        self,
        chunk: Chunk,
        posted: dict[bytes, tuple[bytes, int, int, int | None]],
        posted_rows: dict[int, tuple[int, int]],
        alike: Lookalikes | None = None,
    ) -> Outcome:
        """Each candidate is posted, or is a duplicate, or contradicts what is posted, or is
        probably `alike` something that stands.

        Where lines of a document are known by their order alone, one that contradicts puts all
        that follow in dispute: the order has shifted, and a new number may be an old line.
        """
        outcome = Outcome({}, [], list(chunk.held))
        here: dict[bytes, bytes] = {}
        for candidate in chunk.candidates:
            record, line, key, facts, draft = candidate
            before = posted.get(key)
            if before is None and record.row in posted_rows:
                outcome.duplicates.append((record, *posted_rows[record.row]))
            elif before is not None or key in here:
                known = before[0] if before else here[key]
                if not self.identities.is_same(line, facts, known):
                    self._disputed.add(self.identities.counted_document(line))
                    outcome.held.append(self._conflict(candidate))
                else:
                    outcome.duplicates.append((record, *(before[1:3] if before else (0, 0))))
            elif self._is_disputed(line):
                outcome.held.append(self._conflict(candidate))
            elif alike is not None and (near := self._alike(candidate, alike)) is not None:
                outcome.held.append(near)
            else:
                here[key] = facts
                outcome.drafts.setdefault(line.unit_id, []).append(draft)
        return outcome

    def _is_disputed(self, line: CleanLine) -> bool:
        if not self._disputed:
            return False
        document = self.identities.counted_document(line)
        return bool(document) and document in self._disputed

    def _alike(self, candidate: Candidate, alike: Lookalikes) -> Held | None:
        """The row held, if it is probably an invoice that stands; else it stands from now on."""
        mine = invoice_of(candidate.line, candidate.record.row)
        if mine is None:
            return None
        other = alike.of(mine)
        if other is None:
            alike.add(mine)
            return None
        values = _picker(self.resolution)(candidate.record.fields or [])
        return Held(candidate.record, self.cells(values), [near_duplicate(mine, other)])

    def _spanned(self, record: Record) -> Record:
        return record if self.has_spans else record._replace(start=0, end=0)

    def _conflict(self, candidate: Candidate) -> Held:
        line = candidate.line
        stated = line.transaction_id or line.reference
        violation = Violation(
            "transaction_id" if line.transaction_id else "reference",
            "E_CONFLICT",
            "the facts already posted under this document's number",
            f"{stated}: {line.amount} {line.currency}, {line.vendor}"[:120],
            "reverse and reissue the posted document, or reject this row",
        )
        values = _picker(self.resolution)(candidate.record.fields or [])
        return Held(candidate.record, self.cells(values), [violation])


def invoice_of(line: CleanLine, row: int) -> Invoice | None:
    """The invoice a clean line states; None for one without a number."""
    number = line.transaction_id or line.reference
    return Invoice(line.vendor, number, line.amount, line.currency, row=row) if number else None


class Picker:
    """Takes a record's fields into the order of FIELDS, '' where the file has no such column."""

    def __init__(self, resolution: Resolution) -> None:
        # Index -1 is the blank that is appended to every record before picking.
        places = [-1 if place is None else place for place in resolution.places]
        self._width = max(*places, *resolution.others.values(), 0) + 1
        self._get = itemgetter(*places)
        self._credit = resolution.others.get("credit")

    def __call__(self, fields: list[str]) -> tuple[str, ...]:
        short = self._width - len(fields)
        padded = [*fields, *[""] * short, ""] if short > 0 else [*fields, ""]
        picked: tuple[str, ...] = self._get(padded)
        if self._credit is None:
            return picked
        amount = signed(picked[_AMOUNT], padded[self._credit])
        return (*picked[:_AMOUNT], amount, *picked[_AMOUNT + 1 :])


def _next_rows(records: Iterator[Record]) -> list[Record]:
    """The next records: as many as make a chunk, by number or by length."""
    rows: list[Record] = []
    while not _is_full(rows):
        more = list(islice(records, min(_LOOKED_AT, CHUNK_ROWS - len(rows))))
        if not more:
            break
        rows += more
    return rows


def _is_full(rows: Sequence[Record]) -> bool:
    return len(rows) >= CHUNK_ROWS or (bool(rows) and rows[-1].end - rows[0].start > CHUNK_BYTES)


def _picker(resolution: Resolution) -> Picker:
    return Picker(resolution)


def _record_fault(record: Record) -> Violation:
    code = record.code or "E_FIELD_COUNT"
    expected, fix = RECORD_FAULTS[code]
    return Violation("row", code, expected, _excerpt(record.raw), fix)


def _excerpt(raw: bytes) -> str:
    text = raw[:160].decode("utf-8", "replace").rstrip("\r\n")
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)[:120]


class MappingNeeded(RejectedFile):
    """A file that a person's decision about its columns would let in: `reading` has its header."""

    def __init__(self, reason: str, reading: Reading) -> None:
        super().__init__("E_HEADER", reason)
        self.reading = reading


def open_import(name: str, pieces: Iterable[bytes], mapping: Mapping) -> tuple[Reading, Resolution]:
    """Open a file as this source and resolve its columns.

    Raises RejectedFile with one code and a sentence; MappingNeeded where a decision about the
    columns is all that is missing.
    """
    reading = _open(name, pieces, mapping, recognises)
    if reading.format in BANK_FORMATS:
        raise RejectedFile(
            "E_SOURCE",
            f"This is a bank's file ({reading.format.upper()}), and a bank's lines are no costs. "
            "Import it with the source 'Bank statement'.",
        )
    if mapping.is_positional:
        return reading, resolve_positions(mapping)
    if reading.format == "xml":
        # No XML of today holds cost lines: its records come with a code of their own.
        return reading, Resolution((None,) * len(FIELDS), ())
    try:
        return reading, resolve_header(mapping, reading.header)
    except HeaderRefused as refusal:
        raise MappingNeeded(str(refusal), reading) from None


def renamed_header(name: str, pieces: Iterable[bytes], mapping: Mapping) -> MappingNeeded | None:
    """What to ask about a file without the header its source has: None when it has nothing like
    it, or is plainly a file of another source."""
    if mapping.is_positional:
        return None
    try:
        reading = _open(name, pieces, mapping, resembles)
    except RejectedFile:
        return None
    header = reading.header
    # A bank's columns (Date, Label) are in many a file of costs, and say nothing against one.
    others = (m for m in REGISTRY.values() if m.source != mapping.source)
    if any(recognises(o, header) for o in others if not (o.is_positional or o.feed)):
        return None
    try:
        resolve_header(mapping, header)
    except HeaderRefused as refusal:
        return MappingNeeded(str(refusal), reading)
    return None


def _open(
    name: str,
    pieces: Iterable[bytes],
    mapping: Mapping,
    is_header: Callable[[Mapping, list[str]], bool],
) -> Reading:
    recognise = None if mapping.is_positional else lambda header: is_header(mapping, header)
    return open_file(
        name, pieces, recognise, Dialect(mapping.encoding, mapping.delimiter, shape=mapping.shape)
    )


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection for as long as chunks are made and posted.

    A chunk is some 150,000 live objects without a cycle among them: the collector walks them over
    and over and finds nothing, which takes a quarter of the time of reading.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def held_amount(cells: dict[str, str] | None, mapping: Mapping) -> Decimal | None:
    """What a held row is worth, when its amount can be read: for the desk's total."""
    if not cells:
        return None
    try:
        amount = money.parse_amount(
            cells.get("amount", ""), mapping.amounts, cells.get("currency", "")
        )
    except money.AmountError:
        return None
    amount = -amount if mapping.is_negated else amount
    # One below the limit: the column rounds to four decimals, and must not round up to it.
    return amount if abs(amount) < money.AMOUNT_LIMIT - 1 else None


def cause_of(violation: Violation) -> str:
    """Rows with the same cause are shown, and can be fixed, together."""
    found = "" if violation.field == "row" else violation.found[:80]
    return "|".join((violation.code, violation.field, found))[:300]


def _json(value: object) -> str:
    # PostgreSQL's jsonb holds neither NUL nor a lone surrogate.
    text = json.dumps(value, ensure_ascii=True)
    return text.replace("\\u0000", "\\ufffd")


def held_copy_line(held: Held, production_id: int, batch_id: int, mapping: Mapping) -> str:
    """The held row as a line of COPY's text format (column order: HELD_COLUMNS)."""
    record = held.record
    amount = held_amount(held.cells, mapping)
    currency = (held.cells or {}).get("currency", "")[:3] if amount is not None else ""
    cells = NULL if held.cells is None else _escape(_json(held.cells))
    codes = "{" + ",".join(codes_of(held.violations)) + "}"
    return (
        f"{production_id}\t{batch_id}\t{record.row}\t{record.line}\t{record.start}\t{record.end}\t"
        f"\\\\x{record.raw[:PAYLOAD_BYTES_KEPT].hex()}\t"
        f"\\\\x{hashlib.sha256(record.raw).hexdigest()}\t{cells}\t"
        f"{_escape(_json([v._asdict() for v in held.violations]))}\t{codes}\t"
        f"{_escape(_plain(cause_of(held.violations[0])))}\t{_escape(_plain(currency))}\t"
        f"{NULL if amount is None else amount}\theld\n"
    )


def _plain(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


HELD_COLUMNS = (
    "production_id, batch_id, row, line, byte_start, byte_end, payload, payload_sha256, cells, "
    "violations, codes, cause, currency, amount, state"
)
DUPLICATE_COLUMNS = "production_id, batch_id, row, line, original_batch, original_number"

"""A bank's file, opened and proven, in chunks of lines that may be kept and rows that are held.

Pure. The whole file is read before its first line is given out: a total that does not come out
must reject it.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ingestion.bank_csv import read_table
from ingestion.bank_gate import FAULTS, clean_line, fault_of
from ingestion.formats.container import BANK_FORMATS
from ingestion.formats.feeds import FEED
from ingestion.formats.opening import open_file
from ingestion.formats.records import Dialect, Reading, Record, RejectedFile
from ingestion.mapping import Mapping as Source
from ingestion.mapping import recognises
from ingestion.pipeline import CHUNK_ROWS, RECORD_FAULTS, Held
from ingestion.schema import Violation
from ledger.bank_lines import KnownLine, LineDraft

# The words a line that is held is shown in: as much of what it says as can be read.
_SHOWN = 120


@dataclass(slots=True)
class BankChunk:
    """The rows of one chunk: lines that may be kept, and rows that are held."""

    first_row: int
    last_row: int
    end: int
    records: dict[int, Record] = field(default_factory=dict)
    lines: list[LineDraft] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def age_seconds(self) -> float:
        """How long it has been in work."""
        return time.monotonic() - self.began

    @property
    def rows(self) -> int:
        """How many rows of the file the chunk has."""
        return self.last_row - self.first_row + 1


@dataclass(slots=True)
class BankReader:
    """An opened file whose statements belong to accounts with these currencies, by ordinal."""

    mapping: Source
    reading: Reading
    currencies: Mapping[int, str]
    has_spans: bool

    @property
    def notes(self) -> list[str]:
        """What people should know about the file."""
        return self.reading.notes

    def chunks(self, start_after: int = 0) -> Iterator[BankChunk]:
        """The file in chunks, after the rows that are accounted for."""
        records = islice(iter(self.reading), start_after, None)
        while batch := list(islice(records, CHUNK_ROWS)):
            yield self._look(batch)

    def _look(self, records: Sequence[Record]) -> BankChunk:
        chunk = BankChunk(records[0].row, records[-1].row, records[-1].end)
        for record in records:
            spanned = record if self.has_spans else record._replace(start=0, end=0)
            chunk.records[record.row] = record
            if record.fields is None:
                chunk.held.append(Held(record, None, [_broken(record)]))
                continue
            line = clean_line(record.fields, spanned, self.currencies)
            wrong = [] if isinstance(line, LineDraft) else line
            if record.code in FAULTS:
                wrong.insert(0, fault_of(record.code, _excerpt(record)))
            if isinstance(line, LineDraft) and not wrong:
                chunk.lines.append(line)
            else:
                cells = dict(zip(FEED, record.fields, strict=True))
                chunk.held.append(Held(record, cells, wrong or [_broken(record)]))
        return chunk


def conflict(line: LineDraft, known: KnownLine) -> Violation:
    """The bank's own number of a line, under which the account has something else."""
    return Violation(
        "bank_id", "E_CONFLICT",
        f"the line that has this number: {known.amount:,f} booked on {known.booked_on}",
        f"{line.bank_id}: {line.amount:,f} booked on {line.booked_on}"[:_SHOWN],
        "ask the bank; clear the number to take the line as another, or reject the row",
    )  # fmt: skip


def _broken(record: Record) -> Violation:
    code = record.code or "E_FIELD_COUNT"
    expected, fix = RECORD_FAULTS.get(code, ("a line of a bank's statement", "reject the row"))
    return Violation("row", code, expected, _excerpt(record), fix)


def _excerpt(record: Record) -> str:
    text = record.raw[:160].decode("utf-8", "replace").rstrip("\r\n")
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)[:_SHOWN]


def open_bank_file(
    name: str, pieces: Iterable[bytes], mapping: Source, date_format: str | None
) -> Reading:
    """Open a bank's file and prove it; a table becomes statements too.

    Raises RejectedFile with one code and a sentence.
    """
    is_table = mapping.feed != "file"
    reading = open_file(
        name,
        pieces,
        (lambda header: recognises(mapping, header)) if is_table else (lambda _: True),
        Dialect(encoding=mapping.encoding, date_format=date_format),
    )
    if is_table == (reading.format in BANK_FORMATS):
        raise RejectedFile(
            "E_SOURCE",
            f"The file is {reading.format.upper()}. Import it with the source 'Bank statement'."
            if is_table
            else f"The file is {reading.format.upper()}, which does not say by itself what its "
            "columns are. Import it with the source 'Bank lines as a table (CSV)'.",
        )
    return read_table(reading, mapping) if is_table else reading

"""A bank's file, opened and proven, in chunks of lines that may be kept and rows that are held.

Pure. The whole file is read before its first line is given out: a total that does not come out
must reject it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ingestion.formats.container import BANK_FORMATS
from ingestion.formats.feeds import FEED
from ingestion.formats.opening import open_file
from ingestion.formats.records import Dialect, Reading, Record, RejectedFile
from ingestion.gate.bank_csv import looks_like_table, read_table, table_places
from ingestion.gate.bank_gate import FAULTS, clean_line, fault_of
from ingestion.gate.pipeline import CHUNK_ROWS, RECORD_FAULTS, Held, MappingNeeded, Stretch
from ingestion.gate.schema import Violation
from ingestion.layouts.mapping import HeaderRefused, recognises
from ingestion.layouts.mapping import Mapping as Source
from ledger.bank_lines import KnownLine, LineDraft

# The words a line that is held is shown in: as much of what it says as can be read.
_SHOWN = 120


@dataclass(slots=True)
class BankChunk(Stretch):
    """Rows of a bank's: lines that may be kept, and the records of all."""

    records: dict[int, Record] = field(default_factory=dict)
    lines: list[LineDraft] = field(default_factory=list)


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

    Raises RejectedFile with one code and a sentence; MappingNeeded where a decision about a
    table's columns is all that is missing.
    """
    is_table = mapping.feed != "file"
    reading = _open(name, pieces, mapping, date_format, recognises if is_table else _any)
    if is_table == (reading.format in BANK_FORMATS):
        raise RejectedFile(
            "E_SOURCE",
            f"The file is {reading.format.upper()}. Import it with the source 'Bank statement'."
            if is_table
            else f"The file is {reading.format.upper()}, which does not say by itself what its "
            "columns are. Import it with the source 'Bank lines as a table (CSV)'.",
        )
    if not is_table:
        return reading
    try:
        return read_table(reading, mapping)
    except HeaderRefused as refusal:
        raise MappingNeeded(str(refusal), reading) from None


def unknown_table(
    name: str, pieces: Iterable[bytes], mapping: Source, others: Iterable[Source]
) -> MappingNeeded | None:
    """What to ask about a table whose header nobody knows: None where it has none, or where it is
    plainly a file of another source."""

    def may_be(_: Source, header: list[str]) -> bool:
        return looks_like_table(header)

    try:
        reading = _open(name, pieces, mapping, None, may_be)
    except RejectedFile:
        return None
    if reading.format in BANK_FORMATS or any(
        recognises(other, reading.header)
        for other in others
        if not (other.is_positional or other.feed)
    ):
        return None
    try:
        table_places(reading.header, mapping)
    except HeaderRefused as refusal:
        return MappingNeeded(str(refusal), reading)
    return None


def _any(_: Source, __: list[str]) -> bool:
    return True


def _open(
    name: str, pieces: Iterable[bytes], mapping: Source, date_format: str | None,
    is_header: Callable[[Source, list[str]], bool],
) -> Reading:  # fmt: skip
    return open_file(
        name,
        pieces,
        lambda header: is_header(mapping, header),
        Dialect(mapping.encoding, mapping.delimiter, date_format=date_format),
    )

"""The words every format reader shares: record, span, dialect, rejected file.

A reader turns a file into records and never repairs one. A record that cannot be trusted keeps
its bytes and carries a code; a file that cannot be trusted is rejected whole, with one code and
a sentence for the person who sent it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Literal, NamedTuple

MAX_COLUMNS = 512
MAX_FIELD_CHARS = 10_000
HEADER_SEARCH_RECORDS = 20

MEBIBYTE = 1 << 20
# JSON, XML and XLSX are held in memory while they are read; CSV streams.
MAX_HELD_BYTES = 20 * MEBIBYTE
# Decimal megabytes: what an archive may become once unpacked.
MAX_UNPACKED_BYTES = 50_000_000

Recognise = Callable[[list[str]], bool] | None
SpanKind = Literal["header", "blank", "preamble", "record", "padding"]


class Record(NamedTuple):
    """One data record as received, before any mapping.

    `row` counts data records from 1; header, preamble and blank lines are not data.
    `line` is the physical line, from 1, where the record starts: CRLF, CR and LF each end a line.
    `start` and `end` are its byte span in the file as received, line end included.
    `fields` is None where the bytes cannot be split or decoded without guessing.
    `code` is None for a record a mapping may look at, else the reason it is quarantined.
    `raw` is the bytes of the span, so that nothing is lost whatever the code says.
    """

    row: int
    line: int
    start: int
    end: int
    fields: list[str] | None
    code: str | None
    raw: bytes


# What NamedTuple's own constructor does, without the Python frame: four times as fast per record.
make_record: Callable[[Iterable[Any]], Record] = partial(tuple.__new__, Record)


class Span(NamedTuple):
    """A stretch of the file and what the reader took it for; spans cover the file without gaps."""

    start: int
    end: int
    kind: SpanKind


class RejectedFile(Exception):
    """The file as a whole cannot be read: nothing of it may be posted."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a page of JSON has its rows, and each column in them: paths such as `data.items`."""

    rows: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the mapping declares about a text file; None means the file itself must show it."""

    encoding: str | None = None
    delimiter: str | None = None
    date_format: str | None = None
    shape: Shape | None = None

    def __post_init__(self) -> None:
        if self.delimiter is not None and (
            len(self.delimiter) != 1 or self.delimiter in '"\r\n\0' or self.delimiter.isalnum()
        ):
            raise ValueError(f"{self.delimiter!r} cannot separate columns")


@dataclass(slots=True)
class Statement:
    """What a bank's file says of one account over some days, as the bank writes it.

    `account` is the bank's own identifier, '' where the form has none. `lines` counts its records
    and `unread` those whose amount cannot be read: with one of them no sum can be proven.
    """

    ordinal: int
    form: str
    account: str = ""
    currency: str = ""
    number: str = ""
    from_day: date | None = None
    to_day: date | None = None
    opening: Decimal | None = None
    closing: Decimal | None = None
    lines: int = 0
    unread: int = 0
    total: Decimal = Decimal(0)


@dataclass(slots=True)
class Reading:
    """An opened file: its header, what a person should know about it, and its records, once.

    A bank's file also has `statements`; its records name theirs by ordinal. `notes` may grow while
    the records are read. A RejectedFile can still be raised on the last record (an open quote, a
    damaged archive), so a caller keeps nothing until the end is reached.
    """

    format: str
    header: list[str]
    records: Iterator[Record]
    notes: list[str] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    # Of text: what it was decoded by and split at.
    encoding: str = ""
    delimiter: str = ""

    def __iter__(self) -> Iterator[Record]:
        return self.records


_TOTAL = re.compile(r"\s*(?:grand[\s-]+|sub[\s-]?)?totals?\b", re.IGNORECASE)


def is_total_row(fields: list[str]) -> bool:
    """Whether a record sums up others: posting it would count every cost twice."""
    cells = [cell for cell in fields if cell.strip()]
    if not cells or not _TOTAL.match(cells[0]):
        return False
    others = len(fields) - 1
    return 2 * (len(fields) - len(cells)) >= others


def repeated_names(header: list[str]) -> list[str]:
    """The column names that stand in a header more than once, case and blanks aside."""
    names = [name.strip().casefold() for name in header if name.strip()]
    return sorted({name for name in names if names.count(name) > 1})


def looks_like_names(fields: list[str]) -> bool:
    """Whether every cell could be a column name: a data record has a number or a blank."""
    return len(fields) > 1 and all(cell.strip()[:1].isalpha() for cell in fields)


def settle_fields(fields: list[str], header: list[str] | None) -> tuple[list[str], str | None]:
    """A record's fields and its code by shape alone; header None means the columns are unnamed."""
    if header is not None and len(fields) == len(header) + 1 and not fields[-1]:
        # A comma after the last value on every data row, but not on the header, is what some
        # exports write; readers that take the surplus for an index shift every column.
        fields = fields[:-1]
    code = None
    if len(fields) > MAX_COLUMNS:
        code = "E_TOO_WIDE"
    elif fields == header:
        code = "E_HEADER_REPEAT"
    elif is_total_row(fields):
        code = "E_TOTAL_ROW"
    elif header is not None and len(fields) != len(header):
        code = "E_FIELD_COUNT"
    elif any(len(cell) > MAX_FIELD_CHARS for cell in fields):
        code = "E_FIELD_TOO_LONG"
    return fields, code


def find_header(rows: list[list[str]], recognise: Callable[[list[str]], bool]) -> int | None:
    """Which of the first rows is the header the mapping knows; a broken header rejects the file."""
    for index, fields in enumerate(rows):
        if not recognise(fields):
            continue
        if len(fields) > MAX_COLUMNS:
            raise too_wide(len(fields))
        if repeated := repeated_names(fields):
            raise repeated_header(repeated)
        return index
    return None


def header_missing(rows: list[list[str]]) -> RejectedFile:
    """Why none of the first rows is a header, in the words of the most telling row."""
    widest = max(map(len, rows), default=0)
    if widest > MAX_COLUMNS:
        return too_wide(widest)
    for fields in rows:
        if looks_like_names(fields) and (repeated := repeated_names(fields)):
            return repeated_header(repeated)
    shown = next((" | ".join(fields) for fields in rows if any(fields)), "")[:120]
    return RejectedFile(
        "E_HEADER",
        f"None of the first {HEADER_SEARCH_RECORDS} records names the columns this source is "
        f"mapped to; the first reads {shown!r}. Send the file with its header line, or map the "
        "columns it has.",
    )


def too_wide(columns: int) -> RejectedFile:
    return RejectedFile(
        "E_TOO_WIDE",
        f"The header has {columns} columns; at most {MAX_COLUMNS} are read. "
        "Send only the columns the mapping uses.",
    )


def repeated_header(names: list[str]) -> RejectedFile:
    return RejectedFile(
        "E_HEADER_DUP",
        f"The header names {', '.join(repr(name[:60]) for name in names[:5])} more than once, so "
        "it is not clear which column is meant. Give every column its own name.",
    )


def no_records(found: str) -> RejectedFile:
    return RejectedFile(
        "E_EMPTY",
        f"The file holds {found}; at least one record was expected. "
        "Check that the export finished, and send it again.",
    )


def gather(pieces: Iterable[bytes], limit: int = MAX_HELD_BYTES) -> bytes:
    """A whole file in memory, refused as soon as it grows past the limit."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise RejectedFile(
                "E_TOO_BIG",
                f"The file is larger than {limit // MEBIBYTE} MiB, the most this format may have. "
                "Send it as CSV, or in parts.",
            )
        held.append(piece)
    return b"".join(held)

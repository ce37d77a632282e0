"""Comma-separated text read without losing a byte: every byte belongs to exactly one span.

Cells stay text; nothing is inferred. A record that breaks the quoting rules is quarantined by
itself and reading goes on with the next line, which no off-the-shelf reader does.
"""

import csv
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, chain, compress, count, pairwise
from typing import Any, NamedTuple

from ingestion.formats.physical_lines import BLOCK_BYTES, MAX_RECORD_BYTES, PhysicalLines
from ingestion.formats.records import (
    HEADER_SEARCH_RECORDS,
    MAX_COLUMNS,
    MAX_FIELD_CHARS,
    MEBIBYTE,
    Dialect,
    Recognise,
    Record,
    RejectedFile,
    Span,
    SpanKind,
    find_header,
    header_missing,
    make_record,
    no_records,
    settle_fields,
)

MAX_FILE_BYTES = 512 * MEBIBYTE
# A record of more lines has most likely swallowed its neighbours through a stray quote.
MAX_RECORD_LINES = 50
DELIMITERS = (",", ";", "\t", "|")

_HEAD_LINES = HEADER_SEARCH_RECORDS * (MAX_RECORD_LINES + 1)
_BLANKS = " \t\v\f\r\n"
# What editors and disks of old leave behind the last line.
_PADDING = _BLANKS + "\x1a\0"

# Any ASCII sign but the quote.
_SEPARATOR_LINE = re.compile(rb'"?sep=([\t!#-/:-@\[-`{-~])"?[\r\n]*', re.IGNORECASE)

# The module's own limit (131,072) is an error for the whole file; ours is a code for one record.
csv.field_size_limit(1 << 30)


class _Tokens(NamedTuple):
    """Records of some physical lines; `ends` are the line numbers after each record's last."""

    rows: list[list[str]]
    ends: list[int]
    refused: list[int]
    quote_open: bool


def read_csv(
    pieces: Iterable[bytes],
    recognise: Recognise,
    dialect: Dialect,
    *,
    max_bytes: int = MAX_FILE_BYTES,
    block_bytes: int = BLOCK_BYTES,
    record_spans: bool = False,
) -> "CsvReading":
    """Read comma-separated text; `recognise` None means a file without header, all data."""
    lines = PhysicalLines(pieces, dialect.encoding, max_bytes=max_bytes, block_bytes=block_bytes)
    return CsvReading(lines, recognise, dialect.delimiter, record_spans=record_spans)


class CsvReading:
    """One pass over a file: its header once opened, then its records.

    RejectedFile may come as late as the last line (an open quote), so keep nothing before the end.
    """

    def __init__(
        self,
        lines: PhysicalLines,
        recognise: Recognise,
        delimiter: str | None,
        *,
        record_spans: bool,
    ) -> None:
        self.encoding = lines.encoding
        self.delimiter = delimiter or ""
        self.header: list[str] = []
        self.header_line = 0
        self.spans: list[Span] | None = [] if record_spans else None
        self._lines = lines
        self._blocks = lines.blocks()
        self._recognise = recognise
        self._columns: list[str] | None = None
        self._row = 1
        self._line = 1
        self._position = 0
        self._pending: list[bytes] | None = None

    def open(self) -> "CsvReading":
        """Find the header; until then no record is given out."""
        if self._pending is not None:
            return self
        head: list[bytes] = []
        size = 0
        at_end = True
        for block in self._blocks:
            head += block
            size += sum(map(len, block))
            if len(head) >= _HEAD_LINES or size > MAX_RECORD_BYTES:
                at_end = False
                break
        self._pass_over(self._lines.bom_bytes, 0, "padding")
        head = self._obey_separator_line(head)
        if at_end and not any(_blank_kind(line.decode("latin-1")) is None for line in head):
            raise no_records("nothing but blank lines" if head else "no bytes")
        if self._recognise is not None:
            head = self._find_header(head, self._recognise, at_end=at_end)
        self.delimiter = self.delimiter or ","
        self._pending = head
        return self

    def __iter__(self) -> Iterator[Record]:
        self.open()
        assert self._pending is not None
        lines: list[bytes] = []
        wanted = 0
        # The empty block at the end has whatever is still waiting read.
        for block in chain([self._pending], self._blocks, [[]]):
            lines = lines + block
            if block and len(lines) < wanted:
                continue
            texts, broken = self._lines.texts(lines)
            tokens = tokenise(texts, self.delimiter)
            done = tokens.ends[-1] if tokens.ends else 0
            if sum(map(len, lines[done:])) > MAX_RECORD_BYTES:
                raise _quote_left_open(self._line + done)
            if done:
                broken = [line for line in broken if line < done]
                yield from self._records(tokens, lines[:done], texts[:done], broken)
            lines = lines[done:]
            # An open quote is looked at again only when as much has come again: else a record of
            # many blocks would cost the square of its length.
            wanted = 2 * len(lines)
        if lines:
            raise _quote_left_open(self._line)
        if self._row == 1:
            raise no_records("no record under its header")

    def _obey_separator_line(self, head: list[bytes]) -> list[bytes]:
        """Take the delimiter from a first line such as `sep=;`, which spreadsheets write."""
        if not head:
            return head
        found = _SEPARATOR_LINE.fullmatch(head[0])
        if found is None:
            return head
        self.delimiter = found[1].decode()
        self._pass_lines(head[:1], "preamble")
        return head[1:]

    def _find_header(
        self, head: list[bytes], recognise: Callable[[list[str]], bool], *, at_end: bool
    ) -> list[bytes]:
        """Pass over preamble and header; the lines after them are the first data."""
        texts, broken = self._lines.texts(head[:_HEAD_LINES])
        first_rows: list[list[str]] = []
        candidates = (self.delimiter,) if self.delimiter else DELIMITERS
        for delimiter in candidates:
            tokens = tokenise(texts, delimiter)
            filled = [i for i, row in enumerate(tokens.rows) if "".join(row).strip(_PADDING)]
            rows = [tokens.rows[i] for i in filled[:HEADER_SEARCH_RECORDS]]
            found = find_header(rows, recognise)
            if found is not None:
                self.delimiter = delimiter
                return self._pass_header(head, tokens, filled[found], broken)
            first_rows += rows
        tokens = tokenise(texts, candidates[0])
        if at_end and tokens.quote_open:
            # The header may be among what the open quote swallowed.
            raise _quote_left_open(self._line + (tokens.ends[-1] if tokens.ends else 0))
        raise header_missing(first_rows)

    def _pass_header(
        self, head: list[bytes], tokens: _Tokens, header: int, broken: list[int]
    ) -> list[bytes]:
        bounds = [0, *tokens.ends]
        if any(bounds[header] <= line < bounds[header + 1] for line in broken):
            raise RejectedFile(
                "E_ENCODING",
                f"The header line is not text in {self.encoding.upper()}. Declare the encoding "
                "the file has in the mapping, or save the file as UTF-8.",
            )
        for index in range(header):
            lines = head[bounds[index] : bounds[index + 1]]
            self._pass_lines(lines, _blank_kind(b"".join(lines).decode("latin-1")) or "preamble")
        self.header_line = self._line
        self._pass_lines(head[bounds[header] : bounds[header + 1]], "header")
        self.header = self._columns = tokens.rows[header]
        return head[bounds[header + 1] :]

    def _pass_lines(self, lines: list[bytes], kind: SpanKind) -> None:
        self._pass_over(sum(map(len, self._lines.received(lines))), len(lines), kind)

    def _pass_over(self, size: int, lines: int, kind: SpanKind) -> None:
        if size and self.spans is not None:
            self.spans.append(Span(self._position, self._position + size, kind))
        self._position += size
        self._line += lines

    def _records(
        self, tokens: _Tokens, lines: list[bytes], texts: list[str], broken: list[int]
    ) -> Iterator[Record]:
        """The records of one block. Columns, not rows: only suspects are looked at one by one."""
        rows, ends, _, _ = tokens
        bounds = [0, *ends]
        raws = self._lines.received(lines)
        if len(rows) != len(lines):
            raws = [b"".join(raws[a:b]) for a, b in pairwise(bounds)]
            texts = ["".join(texts[a:b]) for a, b in pairwise(bounds)]
        undecodable = {bisect_right(ends, line) for line in broken}
        codes: list[str | None] = [None] * len(rows)
        fields: list[list[str] | None] = [*rows]
        kinds: dict[int, SpanKind] = {}
        for i in self._suspects(tokens, raws, texts) | undecodable:
            kind = _blank_kind(texts[i]) if len(rows[i]) <= 1 else None
            if kind is not None:
                kinds[i] = kind
                continue
            splits = i not in tokens.refused and i not in undecodable
            fields[i], codes[i] = settle_fields(rows[i], self._columns) if splits else (None, None)
            if bounds[i + 1] - bounds[i] > MAX_RECORD_LINES:
                codes[i] = "E_SUSPECT_SWALLOW"
            elif i in tokens.refused:
                codes[i] = "E_QUOTE"
            elif i in undecodable:
                codes[i] = "E_ENCODING_ROW"
        offsets = list(accumulate(map(len, raws), initial=self._position))
        starts = [self._line + bound for bound in bounds[:-1]]
        columns: list[Iterable[Any]] = [starts, offsets, offsets[1:], fields, codes, raws]
        if kinds:
            is_record = [i not in kinds for i in range(len(rows))]
            columns = [compress(column, is_record) for column in columns]
        if self.spans is not None:
            named = (kinds.get(i, "record") for i in range(len(rows)))
            self.spans += map(Span, offsets, offsets[1:], named)
        first_row = self._row
        self._row += len(rows) - len(kinds)
        self._line += len(lines)
        self._position = offsets[-1]
        return map(make_record, zip(count(first_row), *columns))

    def _suspects(self, tokens: _Tokens, raws: list[bytes], texts: list[str]) -> set[int]:
        """Which records may be anything but plain data; the rest need no second look."""
        rows, ends, refused, _ = tokens
        suspects = set(refused)
        width = 0 if self._columns is None else len(self._columns)
        if width > 1:
            suspects.update(i for i, size in enumerate(map(len, rows)) if size != width)
        else:
            suspects.update(i for i, size in enumerate(map(len, rows)) if size < 2 or width)
            suspects.update(i for i, size in enumerate(map(len, rows)) if size > MAX_COLUMNS)
        if self._columns in rows:
            suspects.update(i for i, row in enumerate(rows) if row == self._columns)
        if max(map(len, raws)) > MAX_FIELD_CHARS:
            suspects.update(i for i, raw in enumerate(raws) if len(raw) > MAX_FIELD_CHARS)
        if len(rows) != ends[-1]:
            pairs = enumerate(pairwise([0, *ends]))
            suspects.update(i for i, (a, b) in pairs if b - a > MAX_RECORD_LINES)
        if "total" in "".join(texts).lower():
            suspects.update(i for i, text in enumerate(texts) if "total" in text.lower())
        return suspects


def tokenise(texts: list[str], delimiter: str) -> _Tokens:
    """Split lines into records by the strict quoting rules, going on after a record that fails."""
    rows: list[list[str]] = []
    ends: list[int] = []
    refused: list[int] = []
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    while True:
        try:
            for fields in reader:
                rows.append(fields)
                ends.append(reader.line_num)
        except csv.Error as error:
            # The module tells an open quote from a misplaced one by its message only.
            if str(error) == "unexpected end of data":
                return _Tokens(rows, ends, refused, quote_open=True)
            refused.append(len(rows))
            rows.append([])
            ends.append(reader.line_num)
        else:
            return _Tokens(rows, ends, refused, quote_open=False)


def _blank_kind(text: str) -> SpanKind | None:
    """What a line without data is: blank, or the padding old tools leave at the end."""
    if text.strip(_PADDING):
        return None
    return "padding" if text.strip(_BLANKS) else "blank"


def _quote_left_open(line: int) -> RejectedFile:
    return RejectedFile(
        "E_QUOTE",
        f"A quoted field in the record that starts on line {line} is never closed, so what follows "
        "cannot be told apart. Close the quote, or double it inside the field, and send it again.",
    )

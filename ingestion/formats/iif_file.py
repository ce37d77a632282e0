"""QuickBooks' IIF: transactions of one TRNS line, its SPL lines and an ENDTRNS, separated by tabs.

Each kind of line names its own columns behind an exclamation mark, in any width and order; rows
may be shorter than that, as editors trim tabs. A record is a TRNS or SPL line in one set of
columns, with the number of its transaction in front. A transaction without its end may lack lines,
so all of it carries a code. Lists (accounts, vendors) hold no costs and are passed over.
"""

from collections.abc import Iterable, Iterator
from itertools import count

from ingestion.formats.csv_file import read_csv
from ingestion.formats.records import (
    Dialect,
    Reading,
    Recognise,
    Record,
    RejectedFile,
    no_records,
)

# Our own name for the first: which transaction of the file a line is of.
COLUMNS = (
    "TRANSACTION", "TRNSTYPE", "DATE", "ACCNT", "NAME", "CLASS", "AMOUNT", "DOCNUM", "MEMO",
)  # fmt: skip
_LINES = ("TRNS", "SPL")


def read_iif(pieces: Iterable[bytes], recognise: Recognise, encoding: str | None) -> Reading:
    """Read an IIF file; a source with other columns refuses it."""
    if recognise is not None and not recognise(list(COLUMNS)):
        raise RejectedFile(
            "E_HEADER",
            "An IIF file holds general journals, and this source does not read them. Choose the "
            "source for QuickBooks journals, or export the list as CSV.",
        )
    opened = read_csv(pieces, None, Dialect(encoding, "\t")).open()
    notes = [f"Read as {opened.encoding.upper()}, QuickBooks IIF."]
    reader = _IifRecords(notes)
    return Reading("iif", list(COLUMNS), reader.read(opened), notes)


class _IifRecords:
    """One pass over the lines: what each kind's columns are, and the transaction that is open."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes
        self._columns: dict[str, list[str]] = {}
        self._open: list[Record] | None = None
        self._transactions = count(1)
        self._number = ""
        self._rows = count(1)
        self._passed_over: dict[str, int] = {}

    def read(self, lines: Iterable[Record]) -> Iterator[Record]:
        """The TRNS and SPL lines in order."""
        found = False
        for line in lines:
            keyword, cells = self._split(line)
            for record in self._take(keyword, cells, line):
                found = True
                yield record
        for record in self._close(is_whole=False):
            found = True
            yield record
        self._notes += [f"{n} lines of the list {name} are not read" for name, n in
                        self._passed_over.items()]  # fmt: skip
        if not found:
            raise no_records("no transaction (a TRNS line, SPL lines, ENDTRNS)")

    @staticmethod
    def _split(line: Record) -> tuple[str, list[str] | None]:
        if line.code is not None or line.fields is None:
            start = line.raw.lstrip(b"\xef\xbb\xbf").split(b"\t", 1)[0]
            return start.decode("latin-1").strip().upper(), None
        return line.fields[0].strip().upper(), line.fields[1:]

    def _take(self, keyword: str, cells: list[str] | None, line: Record) -> Iterator[Record]:
        if keyword.startswith("!"):
            yield from self._close(is_whole=False)
            self._columns[keyword[1:]] = [name.strip().upper() for name in cells or []]
        elif keyword == "ENDTRNS":
            yield from self._close(is_whole=True)
        elif keyword in _LINES or (cells is None and self._open is not None):
            if keyword == "TRNS":
                yield from self._close(is_whole=False)
                self._open, self._number = [], str(next(self._transactions))
            if self._open is None:
                yield self._record("", keyword, cells, line, "E_IIF")
            else:
                self._open.append(self._record(self._number, keyword, cells, line, None))
        else:
            self._passed_over[keyword[:20]] = self._passed_over.get(keyword[:20], 0) + 1

    def _record(
        self, number: str, keyword: str, cells: list[str] | None, line: Record, code: str | None
    ) -> Record:
        row = next(self._rows)
        if cells is None:
            return line._replace(row=row, fields=None, code=line.code or "E_QUOTE")
        columns = self._columns.get(keyword)
        if columns is None:
            raise RejectedFile(
                "E_HEADER",
                f"Line {line.line} is a {keyword} line, and no line before it names the columns of "
                f"{keyword} (!{keyword}). Export the file again with its header lines.",
            )
        if any(cell.strip() for cell in cells[len(columns) :]):
            code = code or "E_FIELD_COUNT"
        said = dict(zip(columns, cells, strict=False))
        fields = [number, *(said.get(name, "").strip(" ") for name in COLUMNS[1:])]
        return line._replace(row=row, fields=fields, code=code)

    def _close(self, *, is_whole: bool) -> Iterator[Record]:
        """The open transaction's lines; with a code each where its end is missing."""
        lines, self._open = self._open or [], None
        for record in lines:
            yield record if is_whole else record._replace(code=record.code or "E_IIF")

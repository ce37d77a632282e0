"""Files of reference rates as the European Central Bank publishes them. Pure.

Two forms, each plain or alone in a ZIP archive: the daily file, whose date is written out and whose
cells follow a comma and a space, and the history, with ISO dates and N/A where nothing was quoted.
Both end each line with a comma. Anything else is a fault with its place, and no part is taken.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ledger.fx import PIVOT, Sheet

MOST_BYTES = 20_000_000  # the published history is below 2 MB
MOST_FAULTS = 20
FIRST_DAY = date(1999, 1, 4)  # the euro's first
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
# What zipfile raises for archives that are damaged, locked or packed in a way it does not know.
_BROKEN_ARCHIVE = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError,
    ValueError, OverflowError,
)  # fmt: skip
_WRITTEN_DAY = re.compile(r"([1-9]|[12][0-9]|3[01]) ([A-Z][a-z]{2,8}) ([0-9]{4})", re.ASCII)
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)
_RATE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,8})?", re.ASCII)


class Fault(NamedTuple):
    """One thing wrong with a rates file: where, what was expected, and what was found."""

    line: int
    column: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"Line {self.line}, {self.column}: expected {self.expected}, found {self.found!r}."


class Reading(NamedTuple):
    """The sheets of a file, oldest first; no sheet may be kept when there are faults."""

    sheets: tuple[Sheet, ...]
    faults: tuple[Fault, ...]


def read_rates(data: bytes) -> Reading:
    """Read a rates file, plain or zipped."""
    unpacked = _unpacked(data)
    if isinstance(unpacked, Fault):
        return Reading((), (unpacked,))
    try:
        text = unpacked.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = unpacked[: error.start].count(b"\n") + 1
        return Reading((), (Fault(line, "text", "UTF-8", unpacked[error.start :][:8].hex()),))
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) < 2:
        return Reading((), (Fault(1, "file", "a header and a line of rates", text[:40]),))
    currencies = _header(lines[0])
    if isinstance(currencies, Fault):
        return Reading((), (currencies,))
    sheets: dict[date, Sheet] = {}
    faults: list[Fault] = []
    for row, stated in enumerate(lines[1:], 2):
        sheet = _sheet(row, stated, currencies, faults)
        if sheet is not None and sheet.day in sheets:
            faults.append(Fault(row, "Date", "a day stated once", str(sheet.day)))
        elif sheet is not None:
            sheets[sheet.day] = sheet
        if len(faults) >= MOST_FAULTS:
            break
    return Reading(tuple(sheets[day] for day in sorted(sheets)), tuple(faults))


def _unpacked(data: bytes) -> bytes | Fault:
    if len(data) > MOST_BYTES:
        return Fault(0, "file", f"at most {MOST_BYTES:,} bytes", f"{len(data):,}")
    if not data.startswith(b"PK"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(names) != 1 or not names[0].lower().endswith(".csv"):
                return Fault(0, "archive", "one .csv file and nothing else", ", ".join(names)[:80])
            with archive.open(names[0]) as member:
                # Read no further than the limit, whatever the archive says of its size.
                content = member.read(MOST_BYTES + 1)
    except _BROKEN_ARCHIVE as error:
        return Fault(0, "archive", "a whole ZIP archive without a password", str(error)[:80])
    if len(content) > MOST_BYTES:
        return Fault(0, "archive", f"at most {MOST_BYTES:,} bytes unpacked", "more")
    return content


def _cells(line: str) -> list[str]:
    """The cells of a line without the empty one behind its last comma."""
    cells = [cell.removeprefix(" ") for cell in line.split(",")]
    return cells[:-1] if cells and cells[-1] == "" else cells


def _header(line: str) -> list[str] | Fault:
    first, *currencies = _cells(line) or [""]
    if first != "Date" or not currencies:
        return Fault(1, "header", "Date and then currencies", line[:40])
    seen: set[str] = set()
    for code in currencies:
        if not _CODE.fullmatch(code) or code == PIVOT:
            return Fault(1, "header", f"a currency other than {PIVOT}, such as USD", code[:40])
        if code in seen:
            return Fault(1, "header", "each currency once", code)
        seen.add(code)
    return currencies


def _sheet(number: int, line: str, currencies: Sequence[str], faults: list[Fault]) -> Sheet | None:
    """The sheet of one line; None, and a further fault, where it is not one."""
    cells = _cells(line)
    if len(cells) != len(currencies) + 1:
        expected = f"a date and {len(currencies)} rates"
        faults.append(Fault(number, "line", expected, f"{len(cells)} cells"))
        return None
    day = _day(cells[0])
    if day is None:
        expected = "a day since 4 January 1999, as 2026-04-13 or 13 April 2026"
        faults.append(Fault(number, "Date", expected, cells[0][:40]))
        return None
    before = len(faults)
    faults.extend(_rate_faults(number, currencies, cells[1:]))
    if len(faults) > before:
        return None
    quoted = zip(currencies, cells[1:], strict=True)
    return Sheet(0, day, {code: Decimal(cell) for code, cell in quoted if cell != "N/A"})


def _rate_faults(number: int, currencies: Sequence[str], cells: Sequence[str]) -> Iterator[Fault]:
    for code, cell in zip(currencies, cells, strict=True):
        if cell != "N/A" and (not _RATE.fullmatch(cell) or not Decimal(cell)):
            yield Fault(number, code, "a rate above zero, or N/A", cell[:40])


def _day(text: str) -> date | None:
    written = _WRITTEN_DAY.fullmatch(text)
    try:
        if _ISO_DAY.fullmatch(text):
            day = date.fromisoformat(text)
        elif written and written[2] in _MONTHS:
            day = date(int(written[3]), _MONTHS.index(written[2]) + 1, int(written[1]))
        else:
            return None
    except ValueError:
        return None
    return day if day >= FIRST_DAY else None


def daily_file(sheet: Sheet) -> bytes:
    """A sheet in the form of the daily file: what `read_rates` reads back the same."""
    codes = list(sheet.rates)
    day = f"{sheet.day.day} {_MONTHS[sheet.day.month - 1]} {sheet.day.year}"
    rates = [f"{Decimal(sheet.rates[code]):f}" for code in codes]
    return f"{', '.join(['Date', *codes])}, \n{', '.join([day, *rates])}, \n".encode()


def history_file(sheets: Sequence[Sheet]) -> bytes:
    """Sheets in the form of the history, the newest first."""
    codes = sorted({code for sheet in sheets for code in sheet.rates})
    lines = [",".join(["Date", *codes]) + ","]
    for sheet in sorted(sheets, key=lambda s: s.day, reverse=True):
        cells = [f"{Decimal(sheet.rates[c]):f}" if c in sheet.rates else "N/A" for c in codes]
        lines.append(",".join([sheet.day.isoformat(), *cells]) + ",")
    return ("\n".join(lines) + "\n").encode()

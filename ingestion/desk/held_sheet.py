"""Held rows as a workbook: written for people to fix, and read back line by line. Pure.

Every cell is text, whatever it begins with: no spreadsheet computes it. A row is known by its
number and by the hash of what was received; both stand in the sheet and come back with it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final

import xlsxwriter

from ingestion.formats.opening import open_file
from ingestion.formats.records import Dialect, Record, RejectedFile
from ingestion.layouts.mapping import ALL_FIELDS

MOST_ROWS: Final = 20_000  # of one workbook: our own reader takes 50 MB unpacked
ROW_ID, CHECK = "Row id", "Check"
PLACE: Final = (ROW_ID, CHECK, "File", "Line")
REASONS: Final = ("Codes", "What is wrong", "Expected", "What to do")
# What XML cannot hold, and what it would give back as something else.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A held row as it is written: `place` and `reasons` in the order of their headings."""

    place: tuple[str, str, str, str]
    cells: dict[str, str]
    reasons: tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class FixedLine:
    """A line of the file that came back. `code` and `said` tell what is wrong with it."""

    line: int
    row_id: int = 0
    check: str = ""
    cells: dict[str, str] = field(default_factory=dict)
    code: str = ""
    said: str = ""


def shown(text: str) -> str:
    """A field as the sheet can show it: what comes back the same has not been changed."""
    return _UNWRITABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def write_sheet(
    target: IO[bytes], fields: Sequence[str], lines: Iterable[SheetLine],
    about: Sequence[tuple[str, str]],
) -> int:  # fmt: skip
    """Write the workbook; how many rows it has. In constant memory, in one pass."""
    book = xlsxwriter.Workbook(
        target,
        {
            "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )  # fmt: skip
    text = book.add_format({"num_format": "@", "valign": "top"})
    head = book.add_format({"num_format": "@", "bold": True, "bottom": 1})
    sheet = book.add_worksheet("Held rows")
    headings = (*PLACE, *fields, *REASONS)
    sheet.freeze_panes(1, 2)
    sheet.set_column(1, 1, 10, text)
    sheet.set_column(2, len(headings) - 1, 18, text)
    _write(sheet, 0, headings, head)
    count = 0
    for count, line in enumerate(lines, 1):
        cells = [line.cells.get(name, "") for name in fields]
        _write(sheet, count, (*line.place, *cells, *line.reasons), text)
    notes = book.add_worksheet("About this list")
    notes.set_column(0, 0, 18, text)
    notes.set_column(1, 1, 100, text)
    for number, pair in enumerate((*about, ("Rows", str(count)))):
        _write(notes, number, pair, text)
    book.close()
    return count


def _write(sheet: Any, number: int, values: Sequence[str], form: Any) -> None:
    for column, value in enumerate(values):
        sheet.write_string(number, column, shown(value), form)


def read_fixed(name: str, pieces: Iterable[bytes]) -> Iterator[FixedLine]:
    """The lines of a file that came back, as a workbook or saved as CSV.

    Raises RejectedFile when it is not such a list at all.
    """
    reading = open_file(name, pieces, _is_our_header, Dialect())
    if ROW_ID not in reading.header or CHECK not in reading.header:
        raise RejectedFile(
            "E_HEADER",
            f"The file has no columns {ROW_ID!r} and {CHECK!r}. Export the rows from the desk, fix "
            "that list and send it back.",
        )
    at = {name: place for place, name in enumerate(reading.header)}
    for record in reading:
        yield _fixed(record, at)


def _is_our_header(header: list[str]) -> bool:
    return ROW_ID in header and CHECK in header


def _fixed(record: Record, at: dict[str, int]) -> FixedLine:
    fields = record.fields
    if record.code is not None or fields is None:
        return FixedLine(
            record.line, code=record.code or "E_FIELD_COUNT",
            said="the line cannot be read as the header says; export the row again",
        )  # fmt: skip
    number = fields[at[ROW_ID]].strip()
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return FixedLine(
            record.line, code="E_ROW_ID",
            said=f"expected the row's number in {ROW_ID!r}, found {number[:40]!r}; "
            "leave that column as it was exported",
        )  # fmt: skip
    cells = {name: fields[place] for name, place in at.items() if name in ALL_FIELDS}
    return FixedLine(record.line, int(number), fields[at[CHECK]].strip().lower(), cells)

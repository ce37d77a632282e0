"""The parts of a workbook that matter here, each read by a listener over screened XML."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, TypeVar

from ingestion.formats.records import MAX_COLUMNS, RejectedFile
from ingestion.formats.xml_file import Listener, ScreenedParser

# Number formats every spreadsheet knows by number that show a day: 14-17, 22, and East Asian ones.
_DATE_FORMATS = frozenset({14, 15, 16, 17, 22, *range(27, 32), 36, *range(50, 55), 57, 58})
_FORMAT_NOISE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_SERIAL = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,20})?(?:E[+-]?[0-9]{1,2})?")
_LAST_SERIAL = 2_958_465  # 9999-12-31
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_ESCAPED_SIGN = re.compile(r"_x([0-9A-Fa-f]{4})_")

_NAMESPACES = frozenset(
    {
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",
        "http://schemas.openxmlformats.org/package/2006/relationships",
    }
)

AnyListener = TypeVar("AnyListener", bound=Listener)


class Sheet(NamedTuple):
    name: str
    is_visible: bool
    relation: str


class SheetRow(NamedTuple):
    """One row as the sheet has it: `cells` up to the last one that is not blank."""

    number: int
    cells: list[str]
    lacks_value: bool


def listen(chunks: Iterable[bytes], listener: AnyListener) -> AnyListener:
    """Let a listener hear a whole part."""
    parser = ScreenedParser(listener)
    for chunk in chunks:
        parser.feed(chunk)
    parser.finish()
    return listener


@lru_cache(maxsize=256)
def local_name(tag: str) -> str:
    """An element's name if it belongs to the sheet language itself, else nothing.

    Extensions use the same names: a second `workbookPr` can stand in one and would move every day
    of the workbook by four years.
    """
    namespace, _, name = tag.rpartition("}")
    return name if namespace in _NAMESPACES else ""


class Workbook:
    """The list of sheets, and where the calendar starts."""

    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self.starts_1904 = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local_name(tag)
        if name == "workbookPr":
            self.starts_1904 = attributes.get("date1904", "0") in {"1", "true"}
        elif name == "sheet":
            relation = next((v for k, v in attributes.items() if k.endswith("}id")), "")
            visible = attributes.get("state", "visible") == "visible"
            self.sheets.append(Sheet(attributes.get("name", ""), visible, relation))

    def end(self, tag: str) -> None: ...
    def data(self, text: str) -> None: ...


class Relations:
    """Which part stands behind each relation: its kind and its target, by id."""

    def __init__(self) -> None:
        self.by_id: dict[str, tuple[str, str]] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if local_name(tag) == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.by_id[attributes.get("Id", "")] = (kind, attributes.get("Target", ""))

    def end(self, tag: str) -> None: ...
    def data(self, text: str) -> None: ...


class Styles:
    """Which cell styles show a day."""

    def __init__(self) -> None:
        self.dates: set[str] = set()
        self._custom: dict[str, str] = {}
        self._in_cell_styles = False
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local_name(tag)
        if name == "numFmt":
            self._custom[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cell_styles = True
        elif name == "xf" and self._in_cell_styles:
            if self._shows_day(attributes.get("numFmtId", "0")):
                self.dates.add(str(self._count))
            self._count += 1

    def end(self, tag: str) -> None:
        if local_name(tag) == "cellXfs":
            self._in_cell_styles = False

    def data(self, text: str) -> None: ...

    def _shows_day(self, format_id: str) -> bool:
        if format_id in self._custom:
            return shows_day(self._custom[format_id])
        return format_id.isdecimal() and len(format_id) < 4 and int(format_id) in _DATE_FORMATS


class SharedStrings:
    """The texts that cells refer to by number; readings above East Asian signs are left out."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._in_text = False
        self._in_reading = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local_name(tag)
        if name == "si":
            self._parts = []
        elif name == "rPh":
            self._in_reading = True
        elif name == "t":
            self._in_text = not self._in_reading

    def end(self, tag: str) -> None:
        name = local_name(tag)
        if name == "si":
            self.texts.append(unescape("".join(self._parts)))
        elif name == "rPh":
            self._in_reading = False
        elif name == "t":
            self._in_text = False

    def data(self, text: str) -> None:
        if self._in_text:
            self._parts.append(text)


class SheetRows:
    """The rows of one sheet, in `rows` as soon as each is complete."""

    def __init__(self, texts: list[str], date_styles: set[str], starts_1904: bool) -> None:
        self.rows: list[SheetRow] = []
        self._texts = texts
        self._date_styles = date_styles
        self._starts_1904 = starts_1904
        self._number = 0
        self._cells: dict[int, str] = {}
        self._lacks_value = False
        self._column = 0
        self._attributes: dict[str, str] = {}
        self._value: list[str] = []
        self._inline: list[str] = []
        self._has_formula = False
        self._has_value = False
        self._into: list[str] | None = None
        self._in_reading = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local_name(tag)
        if name == "c":
            self._attributes = attributes
            self._column = self._column_of(attributes.get("r"))
            self._value, self._inline = [], []
            self._has_formula = self._has_value = False
        elif name == "v":
            self._has_value = True
            self._into = self._value
        elif name == "f":
            self._has_formula = True
        elif name == "t" and not self._in_reading:
            self._into = self._inline
        elif name == "rPh":
            self._in_reading = True
        elif name == "row":
            stated = attributes.get("r", "")
            known = stated.isascii() and stated.isdecimal() and len(stated) < 8
            self._number = int(stated) if known else self._number + 1
            self._cells = {}
            self._column = 0
            self._lacks_value = False

    def data(self, text: str) -> None:
        if self._into is not None:
            self._into.append(text)

    def end(self, tag: str) -> None:
        name = local_name(tag)
        if name in {"v", "t"}:
            self._into = None
        elif name == "c":
            self._end_cell()
        elif name == "rPh":
            self._in_reading = False
        elif name == "row":
            self._end_row()

    def _column_of(self, reference: str | None) -> int:
        """The cell's column from 1; a cell without a reference stands right of the last one."""
        found = _REFERENCE.fullmatch(reference or "")
        if found is None:
            return self._column + 1
        column = 0
        for letter in found[1]:
            column = column * 26 + ord(letter) - 64
        return column

    def _end_cell(self) -> None:
        kind = self._attributes.get("t", "n")
        value = "".join(self._value)
        if kind == "inlineStr":
            text = unescape("".join(self._inline))
        elif kind == "s":
            text = self._shared(value)
        elif kind == "b":
            text = {"1": "TRUE", "0": "FALSE"}.get(value.strip(), value)
        elif kind == "n":
            text = value.strip()
            if self._attributes.get("s") in self._date_styles:
                text = iso_day(text, self._starts_1904)
        else:
            text = unescape(value)
        # A formula that gives an empty text has been calculated; one without any value has not.
        if self._has_formula and not text and not (kind == "str" and self._has_value):
            self._lacks_value = True
        if text.strip():
            self._cells[self._column] = text

    def _shared(self, value: str) -> str:
        value = value.strip()
        if value.isascii() and value.isdecimal() and len(value) < 10:
            index = int(value)
            if index < len(self._texts):
                return self._texts[index]
        raise RejectedFile(
            "E_FILETYPE",
            f"A cell in row {self._number} refers to a text the workbook does not have. "
            "Open and save it again in a spreadsheet, and send that.",
        )

    def _end_row(self) -> None:
        if not self._cells and not self._lacks_value:
            return
        last = max(self._cells, default=0)
        # Past the limit only the fact counts: a row may have 16,384 columns and a file many rows.
        width = min(last, MAX_COLUMNS + 1)
        cells = [self._cells.get(column, "") for column in range(1, width + 1)]
        self.rows.append(SheetRow(self._number, cells, self._lacks_value))


def sheet_rows(chunks: Iterable[bytes], listener: SheetRows) -> Iterator[SheetRow]:
    """The rows of a sheet as they come, a chunk of it in memory at a time."""
    parser = ScreenedParser(listener)
    for chunk in chunks:
        parser.feed(chunk)
        yield from listener.rows
        listener.rows = []
    parser.finish()
    yield from listener.rows


def shows_day(format_code: str) -> bool:
    """Whether a number format shows a day or a year, quoted words and colours left aside."""
    signs = _FORMAT_NOISE.sub("", format_code.partition(";")[0]).lower()
    return "general" not in signs and ("y" in signs or "d" in signs)


def iso_day(serial: str, starts_1904: bool = False) -> str:
    """A serial number as the day it shows, or as it was spelled if it is no day.

    Serial 60 is 29 February 1900, a day that never was; the days before it count one less.
    """
    if not _SERIAL.fullmatch(serial):
        return serial
    number = Decimal(serial)
    days = int(number)
    if number > _LAST_SERIAL or (not starts_1904 and (days < 1 or days == 60)):
        return serial
    epoch = date(1904, 1, 1) if starts_1904 else date(1899, 12, 31 if days < 60 else 30)
    seconds = round((number - days) * 86_400)
    try:
        moment = datetime.combine(epoch, time.min) + timedelta(days, seconds)
    except OverflowError:
        return serial
    return moment.isoformat() if seconds % 86_400 else moment.date().isoformat()


def unescape(text: str) -> str:
    """A cell's text with `_x000D_` and its like turned into the signs they stand for."""
    if "_x" not in text:
        return text
    return _ESCAPED_SIGN.sub(_sign, text)


def _sign(escaped: re.Match[str]) -> str:
    code = int(escaped[1], 16)
    return escaped[0] if 0xD800 <= code <= 0xDFFF else chr(code)

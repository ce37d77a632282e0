"""The first visible sheet of a workbook, read as text: no formula is run, no number made a float.

A spreadsheet has no byte position a person could look up: `line` is the row number the sheet
shows, `start` and `end` are 0, and `raw` is the row's cells joined as CSV. Rows that are hidden in
the sheet count like any other; sheets that are not read are named in the notes.
"""

import csv
import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from ingestion.formats.records import (
    HEADER_SEARCH_RECORDS,
    MAX_UNPACKED_BYTES,
    Reading,
    Recognise,
    Record,
    RejectedFile,
    find_header,
    gather,
    header_missing,
    no_records,
    settle_fields,
)
from ingestion.formats.xlsx_parts import (
    Relations,
    SharedStrings,
    Sheet,
    SheetRow,
    SheetRows,
    Styles,
    Workbook,
    listen,
    sheet_rows,
)

MAX_MEMBERS = 1_000

_CHUNK_BYTES = 64 * 1024
_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_SYMLINK = 0o120000
_FILE_KIND = 0o170000
_ENCRYPTED = 0x1
# What zipfile lets through when an archive's own tables lie.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def read_xlsx(
    pieces: Iterable[bytes], recognise: Recognise, *, max_unpacked: int = MAX_UNPACKED_BYTES
) -> Reading:
    """Read a workbook; without `recognise` rows are as wide as their last filled cell."""
    archive = _Archive(gather(pieces), max_unpacked)
    workbook = listen(archive.chunks(_WORKBOOK), Workbook())
    relations = listen(archive.chunks(_RELATIONS), Relations()).by_id
    sheet = _first_visible(workbook.sheets, relations)
    by_kind = dict(relations.values())
    strings, styles = SharedStrings(), Styles()
    if "sharedStrings" in by_kind:
        listen(archive.chunks(_part_path(by_kind["sharedStrings"])), strings)
    if "styles" in by_kind:
        listen(archive.chunks(_part_path(by_kind["styles"])), styles)
    chunks = archive.chunks(_part_path(relations[sheet.relation][1]))
    listener = SheetRows(strings.texts, styles.dates, workbook.starts_1904)
    rows = sheet_rows(chunks, listener)
    notes = _notes(workbook.sheets, sheet)
    header = None if recognise is None else _pass_header(rows, recognise, notes)
    return Reading("xlsx", header or [], _records(rows, header), notes)


class _Archive:
    """The members of a workbook, unpacked within one budget of real bytes."""

    def __init__(self, data: bytes, max_unpacked: int) -> None:
        self._left = max_unpacked
        self._limit = max_unpacked
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGED as error:
            raise _not_a_workbook("the archive is damaged") from error
        members = self._zip.infolist()
        _refuse_members(members)
        # The stated sizes first, because they cost nothing; the real bytes while unpacking.
        if sum(member.file_size for member in members) > max_unpacked:
            raise self._too_big()
        self._names = {member.filename for member in members}

    def chunks(self, name: str) -> Iterator[bytes]:
        if name not in self._names:
            raise _not_a_workbook(f"it has no part {name[:80]!r}")
        try:
            with self._zip.open(name) as part:
                while chunk := part.read(_CHUNK_BYTES):
                    self._left -= len(chunk)
                    if self._left < 0:
                        raise self._too_big()
                    yield chunk
        except _DAMAGED as error:
            raise _not_a_workbook(f"its part {name[:80]!r} is damaged") from error

    def _too_big(self) -> RejectedFile:
        return RejectedFile(
            "E_TOO_BIG_UNPACKED",
            f"Unpacked, the workbook is larger than {self._limit // 1_000_000} MB. "
            "Send the sheet as CSV, or in parts.",
        )


def _refuse_members(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise _not_a_workbook(f"it has more than {MAX_MEMBERS} parts")
    if len({member.filename for member in members}) != len(members):
        raise _not_a_workbook("two of its parts have the same name")
    for member in members:
        path = member.filename.replace("\\", "/")
        if path.startswith("/") or ".." in path.split("/") or ":" in path:
            raise _not_a_workbook("a part of it points outside the archive")
        if (member.external_attr >> 16) & _FILE_KIND == _SYMLINK:
            raise _not_a_workbook("a part of it is a link")
        if member.flag_bits & _ENCRYPTED:
            raise _not_a_workbook("it is protected by a password")
        if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise _not_a_workbook("it is packed in an unusual way")
        if path.lower().endswith("vbaproject.bin"):
            raise _not_a_workbook("it carries macros")


def _not_a_workbook(found: str) -> RejectedFile:
    return RejectedFile(
        "E_FILETYPE",
        f"The file is not a plain .xlsx workbook: {found}. "
        "Save it as .xlsx without password and macros, or as CSV, and send that.",
    )


def _part_path(target: str) -> str:
    """A relation's target as a member name: relative to xl/, or from the root."""
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _first_visible(sheets: list[Sheet], relations: dict[str, tuple[str, str]]) -> Sheet:
    for sheet in sheets:
        if sheet.is_visible and relations.get(sheet.relation, ("", ""))[0] == "worksheet":
            return sheet
    raise no_records("no visible sheet")


def _notes(sheets: list[Sheet], read: Sheet) -> list[str]:
    notes = [f"Read from the sheet {read.name!r}."]
    for sheet in sheets:
        if sheet is not read:
            state = "not read" if sheet.is_visible else "hidden and not read"
            notes.append(f"The sheet {sheet.name!r} is {state}.")
    return notes


def _pass_header(
    rows: Iterator[SheetRow], recognise: Callable[[list[str]], bool], notes: list[str]
) -> list[str]:
    """Take the rows down to the header, and return it; what stood above it is noted."""
    above: list[list[str]] = []
    for row in rows:
        if not row.cells:
            continue
        if find_header([row.cells], recognise) is not None:
            if above:
                notes.append(f"The header is row {row.number}; what stands above it is not read.")
            return row.cells
        above.append(row.cells)
        if len(above) == HEADER_SEARCH_RECORDS:
            break
    if not above:
        raise no_records("a sheet without cells")
    raise header_missing(above)


def _records(rows: Iterator[SheetRow], header: list[str] | None) -> Iterator[Record]:
    first = next(rows, None)
    if first is None:
        raise no_records("no record under its header")
    width = len(header or [])
    for number, row in enumerate(chain([first], rows), start=1):
        cells = row.cells + [""] * (width - len(row.cells))
        fields, code = settle_fields(cells, header)
        if code is None and row.lacks_value:
            code = "E_FORMULA_NO_CACHED_VALUE"
        yield Record(number, row.number, 0, 0, fields, code, _as_csv(cells))


def _as_csv(cells: list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue().encode()

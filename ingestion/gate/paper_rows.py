"""The rows of a file as the documents they make up: which rows belong together, and why. Pure.

Rows belong together by what the file says before any of it is checked (the document's number, or
the transaction of an IIF file), so that a file falls apart in the same documents however often it
is read. A row that cannot be read belongs to the document it stands in: a journal must not be
posted without the line that was broken.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ingestion.formats.records import Reading, Record, RejectedFile
from ingestion.gate.pipeline import FileReader, Picker
from ingestion.layouts.mapping import FIELDS, Mapping, Resolution

MOST_ROWS = 100_000
# What is no line of any document, wherever it stands.
_APART = frozenset({"E_HEADER_REPEAT", "E_TOTAL_ROW"})
# Invoices alone fall due, whether the file says when or not; their numbers are their vendor's own.
_FALLS_DUE = "due_on"
# A record whose fields can be read although something is wrong with where it stands.
_READABLE = frozenset({"E_IIF"})


class Part(NamedTuple):
    """One row of a document: as received, and its fields by name where it can be split."""

    record: Record
    cells: dict[str, str] | None


@dataclass(slots=True)
class Document:
    """Rows that are entered together or not at all. `key` is '' where they say no number."""

    key: str
    parts: list[Part]
    # The runs of rows it stands in, as first and last row, where there are several.
    places: list[tuple[int, int]] = field(default_factory=list)
    began: float = 0.0

    @property
    def age_seconds(self) -> float:
        """How long ago work on it began."""
        return time.monotonic() - self.began

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.parts)

    @property
    def first_row(self) -> int:
        """The first of its rows."""
        return self.parts[0].record.row

    @property
    def last_row(self) -> int:
        """The last of its rows."""
        return max(part.record.row for part in self.parts)

    @property
    def end(self) -> int:
        """Where its last row ends in the file."""
        return max(part.record.end for part in self.parts)


def read_documents(reader: FileReader, declared: dict[str, str]) -> list[Document]:
    """All documents of an opened file, in the order of their first rows.

    `declared` is what was said of the whole file when it was sent: a number or a custodian.
    """
    # The fields as they stand in the file are in the cells, and in the bytes.
    parts = (
        Part(r._replace(fields=None), cells_of(r, reader.mapping, reader.resolution, declared))
        for r in _at_most(reader.reading)
    )
    return grouped(parts)


def _at_most(reading: Reading) -> Iterator[Record]:
    for count, record in enumerate(reading):
        if count == MOST_ROWS:
            raise RejectedFile(
                "E_TOO_BIG",
                f"The file has more than {MOST_ROWS:,} rows, the most a file of documents may "
                "have. Send it in parts, each document in one of them.",
            )
        yield record


def cells_of(
    record: Record, mapping: Mapping, resolution: Resolution, declared: dict[str, str]
) -> dict[str, str] | None:
    """The mapped fields of a row by name; None where it cannot be split."""
    if record.fields is None or (record.code and record.code not in _READABLE):
        return None
    at = {name: place for name, place in zip(FIELDS, resolution.places, strict=True)
          if place is not None}  # fmt: skip
    values = dict(zip(FIELDS, Picker(resolution)(record.fields), strict=True))
    cells = {name: values[name] for name in at}
    fields = record.fields
    for name, place in resolution.others.items():
        if name not in {"debit", "credit"}:
            cells[name] = fields[place].strip(" ") if place < len(fields) else ""
    if "credit" in resolution.others:
        cells["amount"] = values["amount"]
    for name, said in (("reference", "number"), ("custodian", "custodian")):
        if name in mapping.fields:
            cells[name] = cells.get(name, "").strip(" ") or declared.get(said, "").strip(" ")
    if mapping.paper == "invoice":
        cells.setdefault(_FALLS_DUE, "")
    return cells


def folded(number: str) -> str:
    """A number as it is compared: the case of plain letters does not matter. Others have more than
    one way of being folded, and the database's is not ours."""
    return number.lower() if number.isascii() else number


def key_of(cells: dict[str, str] | None) -> str:
    """What the rows of one document share; '' where a row does not say."""
    if not cells:
        return ""
    if "block" in cells:
        return f"block {cells['block']}" if cells["block"] else ""
    number = folded(cells.get("reference", ""))
    if _FALLS_DUE in cells and number:
        return f"{number} of {folded(cells.get('vendor', '').strip(' '))}"
    return number


def grouped(parts: Iterable[Part]) -> list[Document]:
    """The documents of these rows. One that stands in several places of the file says so."""
    runs: list[Document] = []
    current: Document | None = None
    waiting: list[Part] = []
    for received in parts:
        part = _with_vendor(received, current)
        if part.record.code in _APART:
            runs.append(Document("", [part]))
            continue
        if part.cells is None:
            (current.parts if current else waiting).append(part)
            continue
        key = key_of(part.cells)
        if current is None or not key or current.key != key:
            current = Document(key, [*waiting])
            waiting = []
            runs.append(current)
        current.parts.append(part)
    if waiting:
        runs.append(Document("", waiting))
    return _merged(runs)


def _with_vendor(part: Part, current: Document | None) -> Part:
    """An invoice's row with the vendor that only its first row names: it is half of its number."""
    cells, before = part.cells or {}, current.parts[-1].cells if current else None
    if _FALLS_DUE not in cells or cells.get("vendor", "").strip(" ") or not before:
        return part
    if folded(cells.get("reference", "")) != folded(before.get("reference", "")):
        return part
    return part._replace(cells={**cells, "vendor": before.get("vendor", "")})


def _merged(runs: Sequence[Document]) -> list[Document]:
    documents: list[Document] = []
    by_key: dict[str, Document] = {}
    for run in runs:
        known = by_key.get(run.key) if run.key else None
        if known is None:
            documents.append(run)
            by_key[run.key] = run
            continue
        known.places = known.places or [(known.first_row, known.last_row)]
        known.places.append((run.first_row, run.last_row))
        known.parts += run.parts
    return sorted(documents, key=lambda document: document.first_row)

"""From a vendor's columns to ledger fields, by version, apart from every other rule.

A mapping says which headers mean which field, how the vendor writes amounts and dates, what
identifies a document, and which clearing account stands against the cost. Columns may come in
any order and under any known alias; that is noted. An unknown column is passed over and noted,
unless its name says it holds money: then the file waits for a person. What people have decided of
a source's files (ingestion/layouts/rules.py) is part of the mapping that reads the next one.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from ingestion.formats.feeds import FEED
from ingestion.formats.records import Shape
from taxonomy.money import AmountConventions

# The fields of a cost line, in the order in which the pipeline handles them.
FIELDS: Final = (
    "transaction_id",
    "account_code",
    "cost_center",
    "amount",
    "currency",
    "jurisdiction",
    "transaction_date",
    "vendor",
    "description",
    "reference",
    "unit",
    "occupation",
    "department_code",
    "union_guild",
    "employer_taxes",
    "benefits",
    "reimbursements",
    "deductions",
    "net_pay",
    "line_number",
    "episode",
    "location",
    "set",
    "insurance",
    "tax_1099",
    "free_1",
    "free_2",
    "free_3",
    "free_4",
)
# What some sources state besides: debits and credits, which together are the amount, and what only
# documents of several rows have.
OTHER_FIELDS: Final = (
    "debit",
    "credit",
    "block",
    "kind",
    "due_on",
    "is_final",
    "order",
    "order_line",
    "quantity",
    "rate",
    "rental_starts_on",
    "rental_ends_on",
    "custodian",
    "subtotal",
    "tax",
)
# What a held row may have: the fields of a cost, of a document, or of a line of a bank's.
ALL_FIELDS: Final = tuple(dict.fromkeys((*FIELDS, *OTHER_FIELDS, *FEED)))
# The last of FIELDS say what a line is coded to besides its account: field -> kind of segment.
SEGMENT_FIELDS: Final = {
    "episode": "episode",
    "location": "location",
    "set": "set",
    "insurance": "insurance",
    "tax_1099": "1099",
    "free_1": "free1",
    "free_2": "free2",
    "free_3": "free3",
    "free_4": "free4",
}
# As people say what separates columns.
DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
MONEY_WORDS: Final = re.compile(
    r"amount|total|gross|net|debit|credit|tax|vat|gst|fee|wage|rate|price|cost|fringe|pay\b"
    r"|balance",
    re.IGNORECASE,
)


# A negative credit, in each way vendors write one.
_NEGATIVE: Final = re.compile(r"\(([^()+-]+)\)|-([^()+-]+)|([^()+-]+)-")


@dataclass(frozen=True, slots=True)
class Column:
    """One field and the headers under which vendors write it."""

    field: str
    headers: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    """How one source's files are read. Frozen: a change is a new version."""

    source: str
    version: int
    label: str
    hint: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    # True where the identity names a document of several lines: the n-th such row of the file is
    # the document's n-th line. False where it names one line.
    identity_has_lines: bool
    clearing_role: str
    # The account that holds what was kept back of the pay, where the mapping reads deductions.
    withholding_role: str = ""
    ignored: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()
    amounts: AmountConventions = field(default_factory=AmountConventions)
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    encoding: str | None = None
    delimiter: str | None = None
    # How many versions a production has accepted on top of this one: `vendor-invoices v1+2`.
    addition: int = 0
    # Of files with exactly these columns: what some of them mean there, '' for nothing.
    layouts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    # (field, as the vendor writes it, as the production does).
    words: tuple[tuple[str, str, str], ...] = ()
    # Optional fields that are read by decision only, in the order in which they came.
    added: tuple[str, ...] = ()
    is_negated: bool = False
    # Employer taxes and benefits stand on the account of the pay, and not on the fringe account.
    fringes_with_pay: bool = False
    zone: str = ""
    # Where an API's page has its rows and columns; None for files.
    shape: Shape | None = None
    jurisdiction_required: bool = False
    cost_center_required: bool = False
    currency_required: bool = False
    # What the rows make up together: an order, a journal or an envelope; '' where each stands for
    # itself.
    paper: str = ""
    # What a bank sends: `file` says by itself what it is, a `table` has columns, and so has a
    # `card`'s, whose charges are positive. '' where the rows are costs.
    feed: str = ""
    # Whether each row is an invoice, or a line of one: then one that is probably posted already,
    # written otherwise, is held as well.
    is_invoices: bool = False

    @property
    def name(self) -> str:
        """As written on every batch it read: `vendor-invoices v1`, or `vendor-invoices v1+2`."""
        added = f"+{self.addition}" if self.addition else ""
        return f"{self.source} v{self.version}{added}"

    @property
    def roles(self) -> frozenset[str]:
        """The parts its postings need played in the production's chart."""
        return frozenset({self.clearing_role, self.withholding_role} - {""})

    @property
    def is_payroll(self) -> bool:
        """Whether its rows say what people are paid."""
        return self.clearing_role == "payroll_clearing"

    @property
    def reads_deductions(self) -> bool:
        """Whether what is withheld of the pay is posted apart."""
        return bool(self.withholding_role)

    @property
    def reads_fringes(self) -> bool:
        """Whether rows may state what the employer pays on top."""
        return not self.fields.isdisjoint({"employer_taxes", "benefits"})

    @property
    def fields(self) -> frozenset[str]:
        """The fields this mapping can fill."""
        stated = frozenset(c.field for c in self.columns) | frozenset(self.positions)
        return stated - {"debit", "credit"} | {"amount"} if "credit" in stated else stated

    @property
    def reads_segments(self) -> bool:
        """Whether lines are posted with what they are coded to besides their account."""
        return not self.fields.isdisjoint(SEGMENT_FIELDS)

    @property
    def is_positional(self) -> bool:
        """Whether columns are known by their place, without a header."""
        return bool(self.positions)


Known = Literal["usual", "alias", "ignored", "blank", "new", "money"]


class ColumnRead(NamedTuple):
    """One column of a file: the field it fills ('' for none) and what is known of its header."""

    header: str
    field: str
    known: Known


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where each field of FIELDS stands in a record (None: not in this file), and what to note."""

    places: tuple[int | None, ...]
    notes: tuple[str, ...]
    # The places of OTHER_FIELDS the file has.
    others: dict[str, int] = field(default_factory=dict)


class HeaderRefused(Exception):
    """The header is not one this mapping can read; the sentence says why and what to do."""


@lru_cache(10_000)
def header_key(header: str) -> str:
    """Headers are compared without case, spaces, dots, dashes, `#` and `No.`."""
    text = header.strip().casefold().replace("#", " number ").replace("no.", " number ")
    return re.sub(r"[^0-9a-z]+", "", re.sub(r"\bno\b", "number", text))


def fingerprint(header: Iterable[str]) -> str:
    """What two files with the same columns share, in whatever order and spelling."""
    keys = sorted(header_key(cell) for cell in header if cell.strip())
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()


def read_header(mapping: Mapping, header: list[str]) -> list[ColumnRead]:
    """What each column of a file is to this mapping."""
    by_key = {header_key(h): c for c in mapping.columns for h in c.headers}
    ignored = {header_key(h) for h in mapping.ignored}
    here: dict[str, str] = {}
    if mapping.layouts:
        here = dict(dict(mapping.layouts).get(fingerprint(header), ()))
    return [_column(cell, by_key, ignored, here) for cell in header]


def _column(
    cell: str, by_key: dict[str, Column], ignored: set[str], here: dict[str, str]
) -> ColumnRead:
    key = header_key(cell)
    if key in here:
        return ColumnRead(cell, here[key], "alias" if here[key] else "ignored")
    column = by_key.get(key)
    if column is not None:
        usual = cell.strip() == column.headers[0]
        return ColumnRead(cell, column.field, "usual" if usual else "alias")
    if not cell.strip():
        return ColumnRead(cell, "", "blank")
    if key in ignored:
        return ColumnRead(cell, "", "ignored")
    return ColumnRead(cell, "", "money" if MONEY_WORDS.search(cell) else "new")


def lacking(mapping: Mapping, header: list[str]) -> list[str]:
    """The required fields that no column of this header fills."""
    filled = {column.field for column in read_header(mapping, header)}
    return [c.field for c in mapping.columns if c.required and c.field not in filled]


def recognises(mapping: Mapping, header: list[str]) -> bool:
    """Whether the record is this mapping's header: every required column is in it."""
    return not lacking(mapping, header)


def resembles(mapping: Mapping, header: list[str]) -> bool:
    """Whether the record is most likely this mapping's header, with some columns renamed: it has
    two or more known ones, others besides, and nothing in it that only data would hold."""
    columns = read_header(mapping, header)
    strange = [c for c in columns if c.known in {"new", "money"}]
    are_names = all(c.header.strip()[:1].isalpha() and len(c.header) < 80 for c in strange)
    return bool(strange) and are_names and len({c.field for c in columns} - {""}) >= 2


def resolve_header(mapping: Mapping, header: list[str]) -> Resolution:
    """Find every field's place. Raises HeaderRefused where a required field has no column, where
    two columns would be one field, or where an unknown column seems to hold money."""
    places: dict[str, int] = {}
    notes: list[str] = []
    usual = {c.field: c.headers[0] for c in mapping.columns if c.headers}
    columns = read_header(mapping, header)
    for position, (cell, name, known) in enumerate(columns):
        if known == "money":
            raise HeaderRefused(
                f"column {position + 1} {cell!r} is unknown and seems to hold money; expected "
                f"the columns of {mapping.name}. Say what it is, or leave it out by decision"
            )
        if known == "new":
            notes.append(f"column {cell!r} is not read")
        if not name:
            continue
        if name in places:
            first = header[places[name]]
            raise HeaderRefused(
                f"columns {first!r} and {cell!r} both mean {name}; expected one of them. "
                "Say which one is read"
            )
        places[name] = position
        if cell.strip() != usual.get(name):
            notes.append(f"column {cell!r} is read as {name}")
    absent = [c.field for c in mapping.columns if c.required and c.field not in places]
    if absent and any(c.known == "new" for c in columns):
        raise HeaderRefused(
            f"no column is known to be {', '.join(absent)}; expected all that "
            f"{mapping.name} needs. Say which column it is"
        )
    order = [places[c.field] for c in mapping.columns if c.field in places]
    if order != sorted(order):
        notes.append("columns are in another order than usual")
    return placed(places, notes)


def placed(places: dict[str, int], notes: Sequence[str]) -> Resolution:
    """The resolution of columns whose fields are known. Where debits and credits have columns of
    their own, the place of the amount is that of the debits."""
    at = dict(places)
    if "debit" in at or "credit" in at:
        if "amount" in at:
            raise HeaderRefused(
                "the file has both an amount and debits or credits, and each would be the amount; "
                "expected one of them. Remove or rename the other"
            )
        if "debit" in at:
            at["amount"] = at["debit"]
    others = {name: place for name, place in places.items() if name in OTHER_FIELDS}
    return Resolution(tuple(at.get(name) for name in FIELDS), tuple(notes), others)


def signed(debit: str, credit: str) -> str:
    """What a row of debits and credits says, as one amount: credits are negative.

    A row that states both, or neither, gives a text that is no amount, and shows both.
    """
    owed, paid = _stated(debit), _stated(credit)
    if owed and paid:
        return f"debit {owed}, credit {paid}"
    if not paid:
        return owed
    negative = _NEGATIVE.fullmatch(paid)
    return negative[negative.lastindex or 0] if negative else f"-{paid}"


def _stated(cell: str) -> str:
    """The cell without the space around it; '' where it is a dash or a zero, as ledgers print a
    side that has nothing."""
    text = cell.strip(" ")
    return "" if not text.strip("0.,-$ ") else text


def resolve_positions(mapping: Mapping) -> Resolution:
    """The places of a positional mapping."""
    at = {name: i for i, name in enumerate(mapping.positions)}
    return Resolution(tuple(at.get(name) for name in FIELDS), ())


def declared(
    mapping: Mapping,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    date_format: str | None = None,
    shape: str | None = None,
) -> Mapping:
    """The mapping with what a person declared of this one file."""
    changed = mapping
    if encoding:
        changed = replace(changed, encoding=encoding)
    if delimiter:
        changed = replace(changed, delimiter=DELIMITERS.get(delimiter, delimiter))
    if decimal:
        other = "." if decimal == "," else ","
        changed = replace(
            changed, amounts=replace(changed.amounts, decimal=decimal, thousands=other)
        )
    if date_format:
        changed = replace(changed, date_formats=(date_format,))
    if shape:
        said = json.loads(shape)
        columns = tuple((header, path) for header, path in said["columns"])
        changed = replace(changed, shape=Shape(said["rows"], columns))
    return changed

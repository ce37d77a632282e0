"""The postings behind a figure, and everything about one of them down to the received bytes."""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from access.models import Production
from ledger.journal import ACTUAL, BUDGET, COMMITMENT, FORECAST
from ledger.models import Period, SourceDocument, Transaction
from ledger.payees import Known, is_withheld, known_payees, shown
from ledger.selectors import accounts, periods

PAGE_LINES = 500
ALL_COSTS = "all"
SECTION = "section-"
# A column of the report -> the books it is drawn from, and whether of overages alone or without.
BOOKS: dict[str, tuple[tuple[int, ...], bool | None]] = {
    "actual": ((ACTUAL,), None),
    "commitment": ((COMMITMENT,), None),
    "total": ((ACTUAL, COMMITMENT), None),
    "budget": ((BUDGET,), False),
    "overage": ((BUDGET,), True),
    "final": ((BUDGET,), None),
    "forecast": ((FORECAST,), None),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which postings make up a figure: one account's, a category's, or all costs'.

    `upto` means to date, else the period alone; `book` is a column of BOOKS.
    `both_legs` is for balance-sheet accounts: they stand against the costs, and against each other
    when they are paid or payroll withholds. `segment` asks for what is coded to it: `set=CAFE`.
    """

    account_code: str
    account_name: str
    account_line: str
    account_ids: tuple[int, ...]
    both_legs: bool
    period: Period
    upto: bool
    unit_id: int | None = None
    cost_center_id: int | None = None
    currency: str | None = None
    book: str = "actual"
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One posting as the account sees it, with its document."""

    batch_id: int
    line_no: int
    number: int
    effective_date: date
    reference: str
    vendor: str
    description: str
    origin: str
    unit: str
    cost_center: str
    currency: str
    amount: Decimal
    base_amount: Decimal | None
    source_row: int | None
    segments: str
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, how many there are in all, what they sum to, and where the next page starts."""

    lines: list[Line]
    count: int
    total: Decimal
    after: tuple[int, int] | None


# The road is written into the query, because the planner has no statistics of a film opened
# today: a column inside an expression is of no use to an index. Few lines are found by their
# account and sorted; many are read in their order until the page is full.
_ROADS = {
    "by account": ("", "p.batch_id + 0"),
    "in order": (" + 0", "p.batch_id"),
}
FEW_LINES = 20_000
_FROM = """
FROM ledger_posting p
WHERE p.production_id = (SELECT %(production)s::bigint) AND p.book = ANY(%(books)s)
  AND (%(overage)s::boolean IS NULL OR (p.component = 'overage') = %(overage)s)
  AND ({legs}) AND p.period_id = ANY(%(periods)s)
  AND (%(unit)s::bigint IS NULL OR p.unit_id = %(unit)s)
  AND (%(center)s::bigint IS NULL OR p.cost_center_id = %(center)s)
  {coded}
  AND CASE WHEN %(currency)s::text IS NULL THEN p.base_amount IS NOT NULL
           ELSE p.currency = %(currency)s AND p.base_amount IS NULL END
"""
# The documents are looked up line by line (LATERAL ... LIMIT 1), each by its primary key: left to
# itself the planner joins all of a young film's documents for every line, while it has no
# statistics of them, and a page takes a minute.
_LINES = """
SELECT p.batch_id, p.line_no, t.number, t.effective_date, t.reference, t.vendor, t.description,
       b.origin, u.code, c.code, p.currency, {sign}p.amount,
       {sign}p.base_amount, t.source_row, p.segments,
       journal.posting_leaf(p)
FROM (SELECT p.* {rows} AND ({batch}, p.line_no) > (%(batch)s, %(line)s)
      ORDER BY {batch}, p.line_no LIMIT %(limit)s) p
JOIN LATERAL (SELECT x.* FROM ledger_transaction x
    WHERE x.production_id = p.production_id AND x.batch_id = p.batch_id
      AND x.number = p.transaction_number LIMIT 1) t ON true
JOIN LATERAL (SELECT y.origin FROM ledger_batch y WHERE y.id = p.batch_id LIMIT 1) b ON true
JOIN taxonomy_unit u ON u.id = p.unit_id
JOIN taxonomy_costcenter c ON c.id = p.cost_center_id
ORDER BY p.batch_id, p.line_no
"""
# How many lines there are and what they sum to stands in the batches' totals, both legs alike.
_SUMS = """
SELECT coalesce(sum(t.lines), 0)::int, coalesce(sum(t.base_amount), 0), coalesce(sum(t.amount), 0)
FROM ledger_batchtotal t
WHERE t.production_id = %(production)s AND t.book = ANY(%(books)s)
  AND (%(overage)s::boolean IS NULL OR EXISTS (
      SELECT 1 FROM ledger_batch b WHERE b.id = t.batch_id
      AND (b.kind = 'overage') = %(overage)s))
  AND t.account_id = ANY(%(accounts)s) AND t.period_id = ANY(%(periods)s)
  AND (%(unit)s::bigint IS NULL OR t.unit_id = %(unit)s)
  AND (%(center)s::bigint IS NULL OR t.cost_center_id = %(center)s)
  AND CASE WHEN %(currency)s::text IS NULL THEN t.base_amount IS NOT NULL
           ELSE t.currency = %(currency)s AND t.base_amount IS NULL END
"""
# Totals do not know what a line is coded to: of a segment's lines the lines themselves are summed.
_CODED = "AND p.segments <> '' AND %(segment)s = ANY (string_to_array(p.segments, ' '))"
_CODED_SUMS = """
SELECT count(*)::int, coalesce(sum({sign}p.base_amount), 0), coalesce(sum({sign}p.amount), 0)
{rows}
"""
# An account's own leg, and with its sign turned the one that stands against it; a category may
# hold both, and the posting moves nothing in it. No text of a person is ever part of this.
_OWN = "p.account_id{road} = ANY(%(accounts)s)"
_COUNTER = "p.counter_account_id{road} = ANY(%(accounts)s)"
_LEGS = {False: _OWN, True: f"{_OWN} OR {_COUNTER}"}
_SIGNS = {False: "", True: f"(({_OWN})::int - ({_COUNTER})::int) * ".format(road="")}


def filter_for(
    production: Production,
    code: str,
    *,
    period: Period,
    upto: bool,
    unit_id: int | None,
    currency: str | None,
    book: str = "actual",
) -> Filter | None:
    """The filter behind a figure: an account's, a category's, a section's, or of `all` costs."""
    chart = list(accounts(production))
    if code == ALL_COSTS:
        ids = tuple(a.pk for a in chart if a.statement == "cost" and a.is_postable)
        return Filter(
            code, "All costs", "", ids, False, period, upto, unit_id, None, currency, book
        )
    if code.startswith(SECTION):
        line = code.removeprefix(SECTION)
        ids = tuple(
            a.pk for a in chart if a.statement == "cost" and a.is_postable and a.line == line
        )
        if not ids:
            return None
        return Filter(
            code, "Section", line, ids, False, period, upto, unit_id, None, currency, book
        )
    found = next((a for a in chart if a.code == code), None)
    if found is None:
        return None
    ids = tuple(a.pk for a in chart if found.pk in (a.pk, a.category_id))
    both_legs = found.statement != "cost"
    return Filter(
        code, found.name, found.line, ids, both_legs, period, upto, unit_id, None, currency, book
    )


def account_lines(production: Production, asked: Filter, after: tuple[int, int] = (0, 0)) -> Page:
    """The postings that sum to a figure of the account, in the order they were posted."""
    upto = [
        p.pk
        for p in periods(production)
        if p.number == asked.period.number or (asked.upto and p.number < asked.period.number)
    ]
    books, overage = BOOKS[asked.book]
    values: dict[str, Any] = {
        "books": list(books),
        "overage": overage,
        "production": production.pk,
        "accounts": list(asked.account_ids),
        "periods": upto,
        "unit": asked.unit_id,
        "center": asked.cost_center_id,
        "currency": asked.currency,
        "segment": asked.segment,
        "batch": after[0],
        "line": after[1],
        "limit": PAGE_LINES + 1,
    }
    with connection.cursor() as cursor:
        sign, coded = _SIGNS[asked.both_legs], _CODED if asked.segment else ""
        sums = _SUMS
        if asked.segment:
            legs = _LEGS[asked.both_legs].format(road="")
            sums = _CODED_SUMS.format(sign=sign, rows=_FROM.format(legs=legs, coded=coded))
        cursor.execute(sums, values)
        count, in_base, in_currency = cursor.fetchone() or (0, Decimal(0), Decimal(0))
        total = in_currency if asked.currency else in_base
        road, batch_as = _ROADS["by account" if count <= FEW_LINES else "in order"]
        rows = _FROM.format(legs=_LEGS[asked.both_legs].format(road=road), coded=coded)
        cursor.execute(_LINES.format(sign=sign, rows=rows, batch=batch_as), values)
        lines = [Line(*row) for row in cursor.fetchall()]
    more = len(lines) > PAGE_LINES
    lines = _named(production, lines[:PAGE_LINES])
    last = (lines[-1].batch_id, lines[-1].line_no) if more else None
    return Page(lines, count, total, last)


def _named(production: Production, lines: list[Line]) -> list[Line]:
    """The lines with the names the asker may see, and words where they may not."""
    known = known_payees(production, [line.vendor for line in lines])
    told = [shown(known, line.vendor, line.description) for line in lines]
    return [
        replace(line, vendor=vendor, description=description)
        for line, (vendor, description) in zip(lines, told, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Seal:
    """Where a document stands in its unit's log."""

    sequence: int
    entry_hash: bytes
    tree_size: int
    tree_root: bytes
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A document with its postings, its source row as received, and its seal."""

    transaction: Transaction
    batch: dict[str, Any]
    postings: list[dict[str, Any]]
    document: SourceDocument | None
    source_text: bytes | None
    seal: Seal | None
    known: Known

    @property
    def words(self) -> tuple[str, str]:
        """Vendor and description, as far as the asker may see them."""
        return shown(self.known, self.transaction.vendor, self.transaction.description)

    @property
    def is_withheld(self) -> bool:
        """Whether who is paid, and the row as received, are not the asker's to see."""
        return is_withheld(self.known, self.transaction.vendor)

    @property
    def row_sha256(self) -> str:
        """SHA-256 of the row's bytes as received."""
        return "" if self.source_text is None else hashlib.sha256(self.source_text).hexdigest()

    @property
    def occurred(self) -> datetime | None:
        """The moment the source stated, if it stated one."""
        return self.transaction.occurred_at


_BATCH = """
SELECT b.id, b.origin, b.kind, b.recorded_at, u.name, u.code, x.code, p.number, r.name
FROM ledger_batch b
JOIN taxonomy_unit x ON x.id = b.unit_id
JOIN access_user r ON r.id = b.actor_id
JOIN ledger_transaction t ON t.production_id = b.production_id AND t.batch_id = b.id
JOIN ledger_period p ON p.id = t.period_id
JOIN taxonomy_costcenter u ON u.id = t.cost_center_id
WHERE b.production_id = %s AND b.id = %s AND t.number = %s
"""
_POSTINGS = """
SELECT p.line_no, a.code, a.name, k.code, k.name, p.currency, p.amount, p.base_amount, p.line,
       p.rule, p.component, p.book, c.code, p.segments
FROM ledger_posting p
JOIN taxonomy_costcenter c ON c.id = p.cost_center_id
JOIN ledger_account a ON a.id = p.account_id
JOIN ledger_account k ON k.id = p.counter_account_id
WHERE p.production_id = %s AND p.batch_id = %s AND p.transaction_number = %s
ORDER BY p.line_no
"""
_SEAL = """
SELECT e.seq, e.leaf, h.size, h.root,
       (SELECT journal.transaction_leaf(t) FROM ledger_transaction t
        WHERE t.production_id = e.production_id AND t.batch_id = e.batch_id AND t.number = %s)
FROM ledger_logentry e
JOIN ledger_loghead h ON h.production_id = e.production_id AND h.unit_id = e.unit_id
WHERE e.production_id = %s AND e.batch_id = %s
"""


def _dicts(sql: str, values: list[Any], names: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [dict(zip(names.split(), row, strict=True)) for row in cursor.fetchall()]


def opened_transaction(production: Production, batch_id: int, number: int) -> Opened | None:
    """One document, if it is there and the asker may see its cost centre."""
    found = (
        Transaction.objects.filter(production=production, batch_id=batch_id, number=number)
        .select_related("document__received_by")
        .first()
    )
    if found is None:
        return None
    batch = _dicts(
        _BATCH,
        [production.pk, batch_id, number],
        "id origin kind recorded_at cost_center_name cost_center unit period recorded_by",
    )
    postings = _dicts(
        _POSTINGS,
        [production.pk, batch_id, number],
        "line_no account account_name counter counter_name currency amount base_amount line rule "
        "component book cost_center segments",
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT journal.source_row(%s, %s)", [batch_id, number])
        row = cursor.fetchone()
        cursor.execute(_SEAL, [number, production.pk, batch_id])
        sealed = cursor.fetchone()
    seal = None
    if sealed is not None:
        seal = Seal(sealed[0], bytes(sealed[1]), sealed[2], bytes(sealed[3]), bytes(sealed[4]))
    text = bytes(row[0]) if row and row[0] is not None else None
    known = known_payees(production, [found.vendor])
    return Opened(found, batch[0], postings, found.document, text, seal, known)

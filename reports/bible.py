"""The bible: every posting of every account with its running balance, both legs alike.

Where an account's lines begin is known from the batches' totals, so that a page reads the accounts
that stand on it and no others.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from access.models import Production
from ledger.models import Account, Period
from ledger.payees import known_payees, shown
from ledger.selectors import accounts, periods
from overrides import selectors as overrides

PAGE_LINES = 500
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Section:
    """One account in one currency: what it stood at before, and its lines asked for.

    `first` is how many lines of the bible stand before it.
    """

    account: Account
    currency: str
    opening: Decimal
    change: Decimal
    lines: int
    first: int


@dataclass(frozen=True, slots=True)
class BibleLine:
    """A posting as one of its accounts sees it, and what the account stands at after it."""

    account_id: int
    currency: str
    effective_date: date
    reference: str
    vendor: str
    description: str
    origin: str
    batch_id: int
    number: int
    amount: Decimal
    running: Decimal
    reverses: str
    reversed_by: str
    segments: str
    # OVERRIDE and its number, where it was posted under one.
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Bible:
    """A page of the bible: lines `first` to `first + len(lines)` of `count`."""

    sections: list[Section]
    lines: list[BibleLine]
    first: int
    count: int


_SECTIONS = """
SELECT t.account_id, t.currency,
       coalesce(sum(t.amount) FILTER (WHERE t.period_id = ANY (%(before)s)), 0),
       coalesce(sum(t.amount) FILTER (WHERE t.period_id = ANY (%(periods)s)), 0),
       coalesce(sum(t.lines) FILTER (WHERE t.period_id = ANY (%(periods)s)), 0)::int
FROM ledger_batchtotal t
WHERE t.production_id = %(production)s AND t.book = 1
  AND (%(asked)s::bigint[] IS NULL OR t.account_id = ANY (%(asked)s))
GROUP BY 1, 2
"""
# Numbered within its account and currency, so that the balance runs on from page to page.
_LINES = """
WITH legs AS (
    SELECT p.account_id AS account, p.currency, p.amount, p.batch_id, p.line_no,
           p.transaction_number, p.segments
    FROM ledger_posting p
    WHERE p.production_id = (SELECT %(production)s::bigint) AND p.book = 1
      AND p.account_id = ANY (%(accounts)s) AND p.period_id = ANY (%(periods)s)
    UNION ALL
    SELECT p.counter_account_id, p.currency, -p.amount, p.batch_id, p.line_no,
           p.transaction_number, ''  -- it is the cost that is coded, not what stands against it
    FROM ledger_posting p
    WHERE p.production_id = (SELECT %(production)s::bigint) AND p.book = 1
      AND p.counter_account_id = ANY (%(accounts)s) AND p.period_id = ANY (%(periods)s)
), shown AS (
    SELECT l.*, t.effective_date, t.reference, t.vendor, t.description, t.reverses_batch_id,
           t.reverses_number,
           sum(l.amount) OVER (PARTITION BY l.account, l.currency
               ORDER BY t.effective_date, l.batch_id, l.line_no) AS running
    FROM legs l JOIN ledger_transaction t ON t.production_id = (SELECT %(production)s::bigint)
        AND t.batch_id = l.batch_id AND t.number = l.transaction_number
), page AS (
    SELECT s.*, a.code FROM shown s JOIN ledger_account a ON a.id = s.account
    ORDER BY a.code, s.currency, s.effective_date, s.batch_id, s.line_no
    OFFSET %(skip)s LIMIT %(limit)s
)
SELECT s.account, s.currency, s.effective_date, s.reference, s.vendor, s.description, b.origin,
       s.batch_id, s.transaction_number, s.amount, s.running,
       coalesce(o.reference, ''), coalesce(r.reference, ''), s.segments
FROM page s
JOIN ledger_batch b ON b.id = s.batch_id
LEFT JOIN LATERAL (SELECT x.reference FROM ledger_transaction x
    WHERE x.production_id = %(production)s AND x.batch_id = s.reverses_batch_id
      AND x.number = s.reverses_number LIMIT 1) o ON true
LEFT JOIN LATERAL (SELECT x.reference FROM ledger_transaction x
    WHERE x.production_id = %(production)s AND x.reverses_batch_id = s.batch_id
      AND x.reverses_number = s.transaction_number LIMIT 1) r ON true
ORDER BY s.code, s.currency, s.effective_date, s.batch_id, s.line_no
"""


def bible(
    production: Production,
    *,
    account: Account | None = None,
    period: Period | None = None,
    first: int = 0,
) -> Bible:
    """A page of the bible from line `first` on: of one account, a category's, or all; of one
    period or all."""
    every = list(periods(production))
    asked = [p.pk for p in every if period is None or p.pk == period.pk]
    before = [p.pk for p in every if period is not None and p.number < period.number]
    values: dict[str, Any] = {
        "production": production.pk,
        "asked": _ids(production, account),
        "periods": asked,
        "before": before,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SECTIONS, values)
        sections = _in_order(production, cursor.fetchall())
        count = sum(section.lines for section in sections)
        here = [s for s in sections if s.first < first + PAGE_LINES and s.first + s.lines > first]
        if not here:
            return Bible([], [], first, count)
        values |= {
            "accounts": sorted({s.account.pk for s in here}),
            "skip": first - _start(sections, here),
            "limit": PAGE_LINES,
        }
        cursor.execute(_LINES, values)
        opening = {(s.account.pk, s.currency): s.opening for s in sections}
        read = [BibleLine(*row) for row in cursor.fetchall()]
    known = known_payees(production, [line.vendor for line in read])
    flags = overrides.flags([line.batch_id for line in read])
    lines = []
    for line in read:
        carried = line.running + opening[line.account_id, line.currency]
        vendor, words = shown(known, line.vendor, line.description)
        flag = flags.get(line.batch_id, "")
        lines.append(replace(line, running=carried, vendor=vendor, description=words, flag=flag))
    return Bible(here, lines, first, count)


def _ids(production: Production, account: Account | None) -> list[int] | None:
    """The account, with its details if it is a category; None for all."""
    if account is None:
        return None
    return [a.pk for a in accounts(production) if account.pk in (a.pk, a.category_id)]


def _start(sections: list[Section], here: list[Section]) -> int:
    """How many lines stand before the page's accounts, which are read in all currencies."""
    named = {s.account.pk for s in here}
    return min(s.first for s in sections if s.account.pk in named)


def _in_order(production: Production, rows: list[tuple[Any, ...]]) -> list[Section]:
    chart = {a.pk: a for a in accounts(production)}
    sections, first = [], 0
    for account_id, currency, opening, change, lines in sorted(
        rows, key=lambda row: (chart[row[0]].code, row[1])
    ):
        if lines or opening:
            sections.append(Section(chart[account_id], currency, opening, change, lines, first))
        first += lines
    return sections

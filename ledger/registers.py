"""The register of foreign exchange: rates and what used them, holes, gains and losses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from access.models import Production
from ledger import fx, selectors
from ledger.fx import Cross, Hole, RateBook, Sheet
from ledger.holes import OpenHole, open_holes
from ledger.models import SourceDocument
from ledger.rate_tables import RateSheet
from ledger.rates import rate_book

DAYS_SHOWN = 100
DOCUMENTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class RateLine:
    """One pair of one sheet: its rate, where it is from, and how many postings it converted.

    `document` is the file for those who may open files, None for others.
    """

    sheet: RateSheet
    document: SourceDocument | None
    rate: Cross
    used: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class HoleLine:
    """A rate that is missing, or known by now, and what waits for it."""

    currency: str
    day: date
    amount: Decimal
    documents: int
    missing: Hole | None


@dataclass(frozen=True, slots=True)
class AffectedEntry:
    """A document that was converted at a rate which was corrected later."""

    sheet_id: int
    currency: str
    batch_id: int
    number: int
    reference: str
    day: date


@dataclass(frozen=True, slots=True)
class Register:
    """All of it. Losses are positive in the two differences, as costs are."""

    production: Production
    lines: list[RateLine]
    holes: list[HoleLine]
    affected: list[AffectedEntry]
    realised: Decimal
    unrealised: Decimal
    rounding: Decimal


_USED = """
SELECT c.sheet_id, c.currency, sum(c.lines)::int FROM ledger_conversion c
WHERE c.production_id = %s GROUP BY 1, 2
"""
_FOREIGN = """
SELECT DISTINCT t.currency FROM ledger_batchtotal t
WHERE t.production_id = %s AND t.currency <> %s
"""
_AFFECTED = """
SELECT DISTINCT c.sheet_id, c.currency, c.batch_id, t.number, t.reference, c.day
FROM ledger_conversion c JOIN ledger_ratesheet s ON s.supersedes_id = c.sheet_id
JOIN ledger_ratesheet o ON o.id = c.sheet_id
JOIN ledger_transaction t ON t.production_id = c.production_id AND t.batch_id = c.batch_id
    AND t.effective_date = c.day
JOIN ledger_posting p ON p.production_id = c.production_id AND p.batch_id = c.batch_id
    AND p.transaction_number = t.number AND p.currency = c.currency AND p.base_amount IS NOT NULL
WHERE c.production_id = %s
  AND (s.rates -> c.currency IS DISTINCT FROM o.rates -> c.currency
       OR s.rates -> %s IS DISTINCT FROM o.rates -> %s)
ORDER BY 1, 3, 4 LIMIT %s
"""


def register(production: Production) -> Register:
    """The register of the pairs the production deals in, the newest day first."""
    with connection.cursor() as cursor:
        cursor.execute(_USED, [production.pk])
        used = {(sheet, currency): lines for sheet, currency, lines in cursor.fetchall()}
        cursor.execute(_FOREIGN, [production.pk, production.currency])
        currencies = sorted(row[0] for row in cursor.fetchall())
        home = production.currency
        cursor.execute(_AFFECTED, [production.pk, home, home, DOCUMENTS_SHOWN])
        affected = [AffectedEntry(*row) for row in cursor.fetchall()]
    return Register(
        production,
        _lines(production, currencies, used),
        _holes(rate_book(production), open_holes(production)),
        affected,
        *_differences(production),
    )


def _lines(
    production: Production, currencies: Sequence[str], used: dict[tuple[int, str], int]
) -> list[RateLine]:
    sheets = RateSheet.objects.filter(production=production).select_related("actor")
    newest = list(sheets.order_by("-published_on", "-pk")[:DAYS_SHOWN])
    replaced = {s.supersedes_id for s in sheets.filter(supersedes__isnull=False)}
    # Joined, a file that is not the asker's to open would hide its rates.
    documents = SourceDocument.objects.in_bulk({row.document_id for row in newest})
    lines = []
    for row in newest:
        sheet = Sheet(row.pk, row.published_on, row.rates)
        book = RateBook(production.currency, [sheet])
        for currency in currencies:
            rate = book.rate(currency, sheet.day)
            if isinstance(rate, Cross):
                count = used.get((row.pk, currency), 0)
                file = documents.get(row.document_id)
                lines.append(RateLine(row, file, rate, count, row.pk not in replaced))
    return lines


def _holes(book: RateBook, holes: Sequence[OpenHole]) -> list[HoleLine]:
    """Holes by currency and day; one of a document of several currencies counts for each."""
    found: dict[tuple[date, str], list[OpenHole]] = {}
    for hole in holes:
        for currency in hole.currencies:
            found.setdefault((hole.rate_day, currency), []).append(hole)
    return [
        HoleLine(
            currency,
            day,
            sum((h.amount or Decimal(0) for h in group), Decimal(0)),
            len(group),
            next(iter(book.holes([(currency, day)])), None),
        )
        for (day, currency), group in sorted(found.items())
    ]


def _differences(production: Production) -> tuple[Decimal, Decimal, Decimal]:
    roles = {a.pk: a.clearing_role for a in selectors.accounts(production)}
    sums = dict.fromkeys(fx.VALUE_ONLY, Decimal(0))
    for line in selectors.totals(production):
        role = roles[line.account_id]
        if role in sums:
            sums[role] += line.base_amount or Decimal(0)
    return sums[fx.REALISED], sums[fx.UNREALISED], sums[fx.ROUNDING]

"""Amounts posted before their rate was known, and putting in what they are worth.

A posted row never changes. A document of kind fx_convert takes each line that has no value out
again and puts it back with one, on the same accounts: in its own currency nothing moves, in the
production's the value appears, and what is not converted sums to what is not converted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from django.db import connection, transaction

from access.models import Production, User
from ledger import entries, selectors
from ledger.entries import Entry, Form
from ledger.fx import Cross, Hole, RateBook
from ledger.journal import PostingDraft
from ledger.models import Batch, Posting
from ledger.rate_tables import FilledHole
from ledger.rates import Loaded, RateFile, load_rates, rate_book
from taxonomy.models import Unit

DOCUMENTS_A_BATCH = 500

_OPEN_HOLES = """
SELECT x.*, t.reference, t.vendor, d.starts_on,
       journal.rate_day(t.production_id, t.batch_id, t.number)
FROM (SELECT p.batch_id, p.transaction_number, p.unit_id, p.period_id,
             array_agg(DISTINCT p.currency ORDER BY p.currency) AS currencies,
             sum(p.amount) FILTER (WHERE p.book = 1) AS amount, count(*) AS lines
      FROM ledger_posting p
      WHERE p.production_id = %(production)s AND p.base_amount IS NULL
        AND (%(batch)s::bigint IS NULL OR p.batch_id = %(batch)s)
      GROUP BY 1, 2, 3, 4) x
JOIN ledger_batch b ON b.id = x.batch_id AND b.kind <> 'fx_convert'
JOIN ledger_transaction t ON t.production_id = %(production)s AND t.batch_id = x.batch_id
    AND t.number = x.transaction_number
JOIN ledger_period d ON d.id = x.period_id
WHERE NOT EXISTS (
    SELECT 1 FROM ledger_filledhole f WHERE f.production_id = %(production)s
        AND f.hole_batch_id = x.batch_id AND f.hole_number = x.transaction_number)
ORDER BY x.unit_id, x.batch_id, x.transaction_number
"""


@dataclass(frozen=True, slots=True)
class OpenHole:
    """A posted document with lines that have no value in the production's currency yet.

    `amount` sums its costs in its own currency; `rate_day` is the day whose rate it takes.
    """

    batch_id: int
    number: int
    unit_id: int
    period_id: int
    currencies: list[str]
    amount: Decimal | None
    lines: int
    reference: str
    vendor: str
    period_starts_on: date
    rate_day: date

    def missing(self, book: RateBook) -> list[Hole]:
        """The rates it still lacks."""
        return book.holes((currency, self.rate_day) for currency in self.currencies)


def open_holes(production: Production, batch_id: int | None = None) -> list[OpenHole]:
    """The documents that are not converted yet, of one batch or of all."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_HOLES, {"production": production.pk, "batch": batch_id})
        return [OpenHole(*row) for row in cursor.fetchall()]


def is_conversion(production: Production, batch_id: int, number: int) -> bool:
    """Whether a document gives another its value."""
    found = FilledHole.objects.filter(production=production, batch_id=batch_id, number=number)
    return found.exists()


@dataclass(frozen=True, slots=True)
class Converted:
    """How many documents and lines were given their value, and which rates are still missing."""

    documents: int
    lines: int
    batches: tuple[Batch, ...]
    missing: tuple[Hole, ...]


@transaction.atomic
def convert_holes(*, actor: User, production: Production, most: int | None = None) -> Converted:
    """Give every document its value whose rate has become known, in its own week if that is open
    and in the first open one after it if not.

    Safe to run again: a hole is filled once, which the database holds to. `most` limits how many
    documents are done. Raises NoOpenPeriod when nothing can be posted any more.
    """
    book = rate_book(production)
    holes = open_holes(production)
    ready = [hole for hole in holes if not hole.missing(book)][:most]
    missing = {h for hole in holes for h in hole.missing(book)}
    batches = []
    for unit_id, of_unit in groupby(ready, key=lambda hole: hole.unit_id):
        unit = Unit.objects.get(pk=unit_id)
        form = entries.form_for(production, unit)
        documents = list(of_unit)
        for first in range(0, len(documents), DOCUMENTS_A_BATCH):
            some = documents[first : first + DOCUMENTS_A_BATCH]
            batches.append(_convert(actor, form, some))
    ordered = sorted(missing, key=lambda h: (h.day, h.currency))
    return Converted(len(ready), sum(hole.lines for hole in ready), tuple(batches), tuple(ordered))


@transaction.atomic
def take_rates(
    *,
    actor: User,
    production: Production,
    file: RateFile,
    reason: str = "",
    most: int | None = None,
) -> tuple[Loaded, Converted]:
    """Take a rates file in and convert what waited for it, both or neither.

    Raises what `load_rates` and `convert_holes` raise.
    """
    loaded = load_rates(actor=actor, production=production, file=file, reason=reason)
    return loaded, convert_holes(actor=actor, production=production, most=most)


def _convert(actor: User, form: Form, holes: Sequence[OpenHole]) -> Batch:
    lines = _lines_without_value(form.production, holes)
    made = [_entry(form, hole, lines[hole.batch_id, hole.number]) for hole in holes]
    said = {
        "converts": [[hole.batch_id, hole.number] for hole in holes],
        "rates": sorted({e.description for e in made}),
    }

    def keep(batch: Batch) -> None:
        FilledHole.objects.bulk_create(
            FilledHole(
                production=form.production,
                hole_batch_id=hole.batch_id,
                hole_number=hole.number,
                batch=batch,
                number=number,
            )
            for number, hole in enumerate(holes, 1)
        )

    return entries.enter(
        actor=actor, form=form, kind="fx_convert", said=said, entries=made, before_seal=keep
    )


def _lines_without_value(
    production: Production, holes: Sequence[OpenHole]
) -> dict[tuple[int, int], list[Posting]]:
    found: dict[tuple[int, int], list[Posting]] = {(h.batch_id, h.number): [] for h in holes}
    rows = Posting.objects.filter(
        production=production,
        batch_id__in=sorted({h.batch_id for h in holes}),
        base_amount__isnull=True,
    )
    for posting in rows.order_by("batch_id", "line_no"):
        key = posting.batch_id, posting.transaction_number
        if key in found:
            found[key].append(posting)
    return found


def _entry(form: Form, hole: OpenHole, postings: Sequence[Posting]) -> Entry:
    period_id = form.period_id(hole.period_starts_on)
    legs: list[PostingDraft] = []
    for posting in postings:
        out = entries.copy_of(posting, period_id)._replace(amount=-posting.amount)
        base = form.rates.base(posting.amount, posting.currency, hole.rate_day)
        legs += [out, out._replace(amount=posting.amount, base_amount=base)]
    found = [form.rates.rate(currency, hole.rate_day) for currency in hole.currencies]
    told = [
        f"{rate.path} {rate.shown} of {rate.sheet_day:%d %b %Y}"
        for rate in found
        if isinstance(rate, Cross)
    ]
    name = hole.reference or f"{hole.batch_id}-{hole.number}"
    return Entry(
        reference=f"FX {name}"[:120],
        vendor=hole.vendor,
        description=f"Converted: {', '.join(told)}",
        day=hole.rate_day,
        postings=tuple(legs),
    )


def convert_correction(
    *, actor: User, production: Production, original: tuple[int, int], correction: Batch
) -> None:
    """Value a correction, and the document it is about, alike: at once, where the rate is known.

    Without this a document converted after it was posted would be taken back without its value.
    """
    holes = [
        *(h for h in open_holes(production, original[0]) if (h.batch_id, h.number) == original),
        *open_holes(production, correction.pk),
    ]
    if holes:
        form = entries.form_for(production, selectors.unit_of_batch(production, correction.pk))
        ready = [hole for hole in holes if not hole.missing(form.rates)]
        if ready:
            _convert(actor, form, ready)

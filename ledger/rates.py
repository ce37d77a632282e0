"""Reference rates as a production keeps them: taking files in, looking rates up, saying which
rate each batch was converted with."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet, Sum

from access.errors import Invalid, Refused
from access.models import Production, User
from ledger import fx, selectors, services
from ledger.fx import Cross, RateBook, Sheet
from ledger.journal import TransactionDraft
from ledger.models import Batch, SourceDocument
from ledger.rate_files import read_rates
from ledger.rate_tables import Conversion, RateSheet

SOURCES = {"ecb": "European Central Bank, euro foreign exchange reference rates"}
# Sheets from this long before the first week are kept: deposits paid in prep have dates there.
DAYS_BEFORE = 366


class RatesDiffer(Refused):
    """A file contradicts rates that were taken before."""

    code = "E_RATES_DIFFER"


@dataclass(frozen=True, slots=True)
class RateFile:
    """A file of rates as it was handed in: its name, its bytes, and where it was fetched."""

    name: str
    data: bytes
    source: str = "ecb"
    url: str = ""


@dataclass(slots=True)
class Loaded:
    """What became of a file of rates, in days."""

    document: SourceDocument
    new: int = 0
    corrected: int = 0
    known: int = 0
    outside: int = 0
    sheets: list[RateSheet] = field(default_factory=list)


def current_sheets(production: Production) -> QuerySet[RateSheet]:
    """The sheets that hold today: those no later one supersedes."""
    every = RateSheet.objects.filter(production=production)
    return every.exclude(pk__in=every.filter(supersedes__isnull=False).values("supersedes_id"))


def rate_book(production: Production) -> RateBook:
    """The production's rates, to be asked for any currency and day."""
    rows = current_sheets(production).values_list("pk", "published_on", "rates")
    return RateBook(production.currency, [Sheet(*row) for row in rows])


@transaction.atomic
def load_rates(*, actor: User, production: Production, file: RateFile, reason: str = "") -> Loaded:
    """Take a rates file in: each day becomes a sheet, and a day known already stays as it is.

    A file that contradicts a known day is a correction, and needs the reason for it. Raises
    Invalid with every fault of the file, and RatesDiffer; nothing of the file is then taken.
    """
    if file.source not in SOURCES:
        raise Invalid(f"source: expected one of {', '.join(SOURCES)}, found {file.source!r}")
    reading = read_rates(file.data)
    if reading.faults:
        raise Invalid(f"{file.name}: " + "\n".join(map(str, reading.faults)))
    loaded = Loaded(
        services.keep_document(
            actor=actor,
            production=production,
            name=file.name[:150],
            sha256=hashlib.sha256(file.data).digest(),
            byte_size=len(file.data),
            data=[file.data],
        )
    )
    first = selectors.periods(production).values_list("starts_on", flat=True).first()
    since = (first or date.max) - timedelta(days=DAYS_BEFORE)
    known = {s.published_on: s for s in current_sheets(production).filter(source=file.source)}
    for sheet in reading.sheets:
        if sheet.day < since:
            loaded.outside += 1
            continue
        _take(loaded, sheet, known.get(sheet.day), reason.strip())
    for made in loaded.sheets:
        made.production, made.source, made.actor = production, file.source, actor
        made.document, made.url = loaded.document, file.url
    RateSheet.objects.bulk_create(loaded.sheets)
    return loaded


def _take(loaded: Loaded, sheet: Sheet, known: RateSheet | None, reason: str) -> None:
    """Add what a sheet says that was not known; raise RatesDiffer when it says otherwise."""
    stated = {code: f"{Decimal(rate):f}" for code, rate in sheet.rates.items()}
    made = RateSheet(published_on=sheet.day, rates=stated)
    if known is None:
        loaded.new += 1
        loaded.sheets.append(made)
        return
    before = {code: Decimal(rate) for code, rate in known.rates.items()}
    differs = [c for c, rate in sheet.rates.items() if c in before and before[c] != rate]
    more = [c for c in sheet.rates if c not in before]
    if differs and not reason:
        code = differs[0]
        used = Conversion.objects.filter(sheet=known).aggregate(lines=Sum("lines"))["lines"] or 0
        raise RatesDiffer(
            f"{sheet.day:%d %b %Y}: {code} was taken as {known.rates[code]} and is "
            f"{stated[code]} in this file. Say why, and the file corrects it; the {used:,} lines "
            "converted with the rates of that day keep them."
        )
    if not differs and not more:
        loaded.known += 1
        return
    loaded.corrected += 1
    made.rates = {**known.rates, **stated}
    made.supersedes = known
    made.reason = (reason if differs else f"also quotes {', '.join(more)}")[:200]
    loaded.sheets.append(made)


def log_conversions(
    batch: Batch, drafts: Sequence[TransactionDraft], book: RateBook
) -> list[Conversion]:
    """Keep the rates a batch's postings were converted with, one row a currency and day.

    Each posting's rate, path, value and rounding difference follow from its row exactly. What a
    correction carries over from another document needs no row: it names that document.
    """
    has_reversals = any(draft.reverses for draft in drafts)
    used: Counter[tuple[str, date]] = Counter()
    for draft in drafts:
        for posting in draft.postings:
            base = posting.base_amount
            if base is None or posting.currency == book.target:
                continue
            if posting.component == fx.UNREALISED and not draft.reverses:
                used[posting.currency, draft.effective_date] += 1
            elif posting.amount:
                day = draft.effective_date
                if not has_reversals or base == book.base(posting.amount, posting.currency, day):
                    used[posting.currency, day] += 1
    rows = []
    for (currency, day), lines in sorted(used.items()):
        rate = book.rate(currency, day)
        if isinstance(rate, Cross):
            rows.append(
                Conversion(
                    production_id=batch.production_id,
                    batch=batch,
                    currency=currency,
                    day=day,
                    sheet_id=rate.sheet_id,
                    numerator=rate.numerator,
                    denominator=rate.denominator,
                    lines=lines,
                )
            )
    return Conversion.objects.bulk_create(rows)

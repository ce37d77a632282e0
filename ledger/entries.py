"""Documents entered by hand: orders, invoices, payments, journals, envelopes, corrections.

What the person sent is kept as a document of its own (canonical JSON, found by its SHA-256), so
that a figure entered by hand opens its source as an imported one opens its file. A document that
stands in a received file, as rows of it, opens those instead.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from access.errors import Invalid, Refused
from access.models import Production, User
from ledger import fx, journal, rates, segments, selectors, services
from ledger.charts import Chart
from ledger.fx import Hole, RateBook
from ledger.journal import ACTUAL, COMMITMENT, PostingDraft, TransactionDraft
from ledger.models import Account, Batch, Posting, SourceDocument
from ledger.segments import SegmentError
from taxonomy import money
from taxonomy.models import Unit

# How people type amounts on a screen or paste them from a spreadsheet. A file's 1,500 may be
# one and a half; on our own screens the comma only ever groups.
_WHOLE_THOUSANDS = re.compile(r"\(?-?[0-9]{1,3}(,[0-9]{3})+\)?", re.ASCII)
TYPED = money.AmountConventions(thousands=",", parens_negative=True, trailing_minus=True)


class EnteredBefore(Refused):
    """The very same document was entered already."""

    code = "E_DUPLICATE"


class NoOpenPeriod(Refused):
    """Nothing can be posted: every period is closed."""

    code = "E_PERIOD"


@dataclass(frozen=True, slots=True)
class Entry:
    """One document to be entered: what is said of it, and its legs."""

    reference: str
    vendor: str
    description: str
    day: date
    postings: tuple[PostingDraft, ...]
    reverses: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document stands that nobody typed: the file, its first row and line there, the bytes
    of its rows, and what it is known by (`key`) and states (`facts`), 32 bytes each."""

    document: SourceDocument
    row: int
    line: int
    start: int
    end: int
    key: bytes
    facts: bytes
    origin: str


@dataclass(frozen=True, slots=True)
class Form:
    """What is needed of a production to enter documents in one unit, read once."""

    production: Production
    unit: Unit
    chart: Chart
    periods: Sequence[tuple[date, date, int]]
    rates: RateBook

    def account(self, code: str, where: str) -> Account:
        """The detail account with this code. Raises Invalid, naming the place."""
        found = self.chart.account(code.strip())
        if found is None:
            raise Invalid(
                f"{where}: expected an account of the chart, found {code[:20]!r}. "
                "Look the account up, or add it to the chart."
            )
        if not found.is_postable:
            raise Invalid(
                f"{where}: {found.code} {found.name} only adds up other accounts. "
                "Name one of its detail accounts."
            )
        return found

    def role(self, role: str) -> Account:
        """The account that plays a standard part. Raises Invalid when the chart has none."""
        found = self.chart.role(role)
        if found is None:
            raise Invalid(f"The chart has no {role.replace('_', ' ')} account. Add one.")
        return found

    def coding(self, text: str, where: str, kept: str = "") -> str:
        """What a person typed as a line's segments, as it is written; `kept` is what the line
        carries already. Raises Invalid."""
        if not text.strip():
            return ""
        try:
            return segments.typed(text, self.chart.known_segments(), kept)
        except SegmentError as error:
            raise Invalid(f"{where}, segments: {error}") from None

    def period_id(self, day: date) -> int:
        """The open period a document of this day posts to. Raises NoOpenPeriod."""
        found = journal.period_of(day, self.periods)
        if found is None:
            raise NoOpenPeriod("Every period is closed. Open a further period before you post.")
        return found

    def posting(
        self, account: Account, counter: Account, cost_center_id: int, money: "Amount",
        **more: Any,
    ) -> PostingDraft:  # fmt: skip
        """A leg from `counter` to `account`; `more` is component, book,
        commitment_id or segments.

        Raises Invalid for a cost or an order on contingency.
        """
        if account.line == "CONT" and more.get("book", ACTUAL) in (ACTUAL, COMMITMENT):
            raise Invalid(
                f"{account.code} {account.name}: nothing is spent or ordered on contingency. Name "
                "the account the cost belongs to, and draw on contingency for it."
            )
        component = more.pop("component", "cost")
        return PostingDraft(
            account_id=account.pk,
            counter_account_id=counter.pk,
            cost_center_id=cost_center_id,
            node_id=self.chart.node_id(account),
            period_id=self.period_id(money.day),
            component=component,
            line=account.line,
            rule="account" if account.line else "balance sheet",
            currency=money.currency,
            amount=money.amount,
            base_amount=self.rates.base(money.amount, money.currency, money.day),
            **more,
        )

    def value_only(
        self, account: Account, counter: Account, like: PostingDraft, base: Decimal
    ) -> PostingDraft:
        """A leg that moves value in the production's currency and no foreign money: an exchange
        or rounding difference of `like`. Its component is the part `account` plays."""
        return like._replace(
            account_id=account.pk,
            counter_account_id=counter.pk,
            node_id=self.chart.node_id(account),
            component=account.clearing_role,
            line=account.line,
            rule="account" if account.line else "balance sheet",
            amount=Decimal(0),
            base_amount=base,
        )


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money on a day."""

    amount: Decimal
    currency: str
    day: date


def copy_of(posting: Posting, period_id: int) -> PostingDraft:
    """A posted line as the draft of another in a period, all of it the same."""
    return PostingDraft(
        posting.account_id, posting.counter_account_id, posting.cost_center_id, posting.node_id,
        period_id, posting.component, posting.line, posting.rule, posting.currency,
        posting.amount, posting.base_amount, posting.book, posting.commitment_id,
        posting.segments,
    )  # fmt: skip


def form_for(production: Production, unit: Unit, codes: Collection[str] | None = None) -> Form:
    """Read what entering documents in this unit needs; `codes` are the accounts they name."""
    return Form(
        production,
        unit,
        Chart(production, unit, codes),
        selectors.open_periods(production),
        rates.rate_book(production),
    )


def amount_of(text: str | Decimal, currency: str, where: str) -> Decimal:
    """A typed amount as money of its currency. Raises Invalid, naming the place."""
    try:
        typed = f"{text:f}" if isinstance(text, Decimal) else text.strip()
        if _WHOLE_THOUSANDS.fullmatch(typed):
            typed = typed.replace(",", "")
        amount = money.parse_amount(typed, TYPED, currency)
        money.check_minor_units(amount, currency)
    except (money.AmountError, money.UnknownCurrency) as error:
        raise Invalid(f"{where}: {error}") from None
    if amount == 0:
        raise Invalid(f"{where}: expected an amount other than zero. Leave the line out.")
    return amount


def holes_in(form: Form, entries: Sequence[Entry]) -> list[Hole]:
    """The rates these documents lack: they may be posted, and whoever posts them is told."""
    return form.rates.holes(
        (p.currency, e.day) for e in entries for p in e.postings if p.base_amount is None
    )


def _rounded(form: Form, entry: Entry) -> Entry:
    """The entry with what rounding leaves on the clearing account moved to currency rounding.

    A document of many foreign legs balances in its currency to the coin; each leg is rounded
    by itself in the production's, and the sum may be some coins off.
    """
    clearing = form.chart.role("journal_clearing")
    if clearing is None:
        return entry
    left: dict[tuple[int, str], Decimal] = {}
    like: dict[tuple[int, str], PostingDraft] = {}
    for posting in entry.postings:
        way = (posting.account_id == clearing.pk) - (posting.counter_account_id == clearing.pk)
        is_foreign = posting.currency != form.production.currency
        if way and is_foreign and posting.base_amount is not None:
            key = posting.book, posting.currency
            left[key] = left.get(key, Decimal(0)) + way * posting.base_amount
            like[key] = posting
    legs = [
        form.value_only(form.role(fx.ROUNDING), clearing, like[key], base)
        for key, base in left.items()
        if base
    ]
    return replace(entry, postings=(*entry.postings, *legs)) if legs else entry


@transaction.atomic
def enter(
    *,
    actor: User,
    form: Form,
    kind: str,
    said: Mapping[str, Any],
    entries: Sequence[Entry],
    before_seal: Callable[[Batch], object] | None = None,
    source: Source | None = None,
) -> Batch:
    """Post documents entered by hand as one batch of the form's unit, sealed before it returns.

    `said` is what the person sent, kept as it is; where the document is rows of a file, `source`
    says which, and the file is what is kept. `before_seal` writes what belongs to the batch beside
    its postings. Raises EnteredBefore when the very same was sent already, and Refused with the
    journal's own sentence for whatever the seal will not take.
    """
    at = source or _kept(actor, form, kind, said, entries[0].reference)
    assert source is None or len(entries) == 1, "rows of a file are one document"
    rounded = [_rounded(form, entry) for entry in entries]
    drafts = [_draft(n, e, at, is_typed=source is None) for n, e in enumerate(rounded, 1)]
    header = services.BatchHeader(
        form.production, form.unit.pk, kind, at.key, at.document, at.origin
    )
    try:
        with transaction.atomic():
            batch = services.post_by_hand(actor=actor, header=header, drafts=drafts)
            rates.log_conversions(batch, drafts, form.rates)
            if before_seal is not None:
                before_seal(batch)
            services.seal_now()
    except IntegrityError as error:
        if "transaction_reversed_once" in str(error):
            raise Refused("The document was reversed already: nothing is reversed twice.") from None
        if getattr(error.__cause__, "sqlstate", "") != "23505":  # not a unique key, but a rule
            raise Refused(str(error).split("\n")[0]) from error
        raise EnteredBefore(
            f"{entries[0].reference or kind}: the very same was entered already. Nothing was "
            "posted twice."
        ) from None
    return batch


def _kept(actor: User, form: Form, kind: str, said: Mapping[str, Any], reference: str) -> Source:
    """What a person typed, kept as a document of its own."""
    text = json.dumps({"kind": kind, **said}, sort_keys=True, ensure_ascii=False, default=str)
    typed = text.encode()
    sha256 = hashlib.sha256(typed).digest()
    document = services.keep_document(
        actor=actor,
        production=form.production,
        name=f"{kind} {reference}.json"[:150],
        sha256=sha256,
        byte_size=len(typed),
        data=[typed],
    )
    return Source(document, 1, 1, 0, len(typed), sha256, sha256, f"{kind} by hand")


def _draft(number: int, entry: Entry, source: Source, *, is_typed: bool) -> TransactionDraft:
    key = source.key
    if is_typed:
        key = hashlib.sha256(b"entered\0" + key + number.to_bytes(4, "big")).digest()
    return TransactionDraft(
        source_row=source.row + number - 1,
        source_line=source.line,
        source_start=source.start,
        source_end=source.end,
        document_key=key,
        facts=source.facts,
        reference=entry.reference[:120],
        vendor=entry.vendor,
        description=entry.description,
        jurisdiction="",
        effective_date=entry.day,
        occurred_at=None,
        source_zone="",
        period_id=entry.postings[0].period_id,
        cost_center_id=entry.postings[0].cost_center_id,
        postings=entry.postings,
        reverses=entry.reverses,
    )

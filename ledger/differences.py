"""Exchange differences: realised when a foreign balance is paid, unrealised at a period's end.

Both are postings that move value in the production's currency and no foreign money: the trial
balance by currency does not change, the one in the production's currency does. The unrealised
difference of a week is taken back on the first day of the next, so that a payment then shows the
whole difference from the invoice as realised, and no part of it twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection, transaction

from access.errors import Invalid, Refused
from access.models import Production, User
from ledger import entries, fx, selectors
from ledger.entries import Amount, Entry, Form
from ledger.fx import Cross, Hole
from ledger.journal import PostingDraft
from ledger.models import Account, Batch, Period, Posting
from taxonomy.models import CostCenter, Unit


class NoRate(Refused):
    """A difference cannot be worked out: the rate of the day is missing."""

    code = "E_NO_RATE"


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a payment of a foreign balance posts, all amounts in the production's currency.

    `base` is what the money paid is worth on its day (the payment's own postings get it from
    the form); `relieved` is what was carried; `difference` is a loss where positive. `posting`
    books it to the realised account against the balance, None where there is none.
    """

    base: Decimal
    relieved: Decimal
    difference: Decimal
    posting: PostingDraft | None


@dataclass(frozen=True, slots=True)
class Debt:
    """A foreign balance as a document made it: its amount, what that is carried at (None where
    it never had a rate), and how much of it was paid before."""

    amount: Decimal
    base: Decimal | None
    paid: Decimal = Decimal(0)

    @property
    def open(self) -> Decimal:
        """What is left to pay."""
        return self.amount - self.paid


def settlement_difference(
    form: Form, *, debt: Debt, paid: Amount, payment: PostingDraft
) -> Settlement:
    """What paying a part or all of a debt makes of the exchange rate.

    `payment` is the draft of the payment's own line, the debt's account (payables) on its
    `account` side. A payment in the production's currency has no difference.
    Raises NoRate when the day has no rate or the debt itself was never converted: what was won
    or lost would not be known. Raises Invalid for a payment above what is open.
    """
    if paid.currency == form.production.currency:
        return Settlement(paid.amount, paid.amount, Decimal(0), None)
    if abs(paid.amount) > abs(debt.open) or paid.amount * debt.open <= 0:
        raise Invalid(
            f"Payment: expected at most {debt.open} {paid.currency}, which is open, found "
            f"{paid.amount}."
        )
    rate = form.rates.rate(paid.currency, paid.day)
    if isinstance(rate, Hole):
        raise NoRate(str(rate))
    if debt.base is None:
        raise NoRate(
            f"What is to be paid in {paid.currency} was posted without a rate and has no value "
            "yet. Load the rates of its day (the FX screen lists it), then pay."
        )
    result = fx.settled(debt.amount, debt.base, debt.paid, paid.amount, rate)
    posting = None
    if result.difference:
        balance = form.chart.account_by_id(payment.account_id)
        realised = form.role(fx.REALISED)
        posting = form.value_only(realised, balance, payment, result.difference)
    return Settlement(*result, posting)


_CARRIED = """
SELECT p.cost_center_id, sum(p.base_amount) FROM ledger_posting p
WHERE p.production_id = %(production)s AND p.book = 1 AND p.component <> 'fx_rounding'
  AND p.base_amount IS NOT NULL
  AND p.batch_id = %(batch)s AND p.transaction_number = %(number)s
GROUP BY 1
UNION ALL
SELECT p.cost_center_id, sum(p.base_amount) FROM ledger_posting p
JOIN ledger_filledhole f ON f.production_id = p.production_id AND f.batch_id = p.batch_id
    AND f.number = p.transaction_number
WHERE p.production_id = %(production)s AND p.book = 1 AND p.component <> 'fx_rounding'
  AND p.base_amount IS NOT NULL
  AND f.hole_batch_id = %(batch)s AND f.hole_number = %(number)s
GROUP BY 1
"""


def carried_by_center(production: Production, key: tuple[int, int]) -> dict[int, Decimal]:
    """Cost centre -> what the costs of a posted document are carried at, whether converted when
    it was posted or later. A cost centre whose amounts have no value yet is not in it."""
    asked = {"production": production.pk, "batch": key[0], "number": key[1]}
    found: dict[int, Decimal] = {}
    with connection.cursor() as cursor:
        cursor.execute(_CARRIED, asked)
        for center, base in cursor.fetchall():
            found[center] = found.get(center, Decimal(0)) + base
    return found


@dataclass(frozen=True, slots=True)
class Revalued:
    """One foreign balance at a period's end. `gain` is negative for a loss."""

    unit: str
    account: str
    currency: str
    balance: Decimal
    carried: Decimal
    value: Decimal
    gain: Decimal


@dataclass(frozen=True, slots=True)
class Revaluation:
    """What revaluing a period did: its balances, and the batches that posted and took back."""

    period: int
    day: date
    lines: tuple[Revalued, ...]
    batches: tuple[Batch, ...]
    taken_back: tuple[Batch, ...]

    @property
    def gain(self) -> Decimal:
        """The unrealised gain of all balances together; negative for a loss."""
        return sum((line.gain for line in self.lines), Decimal(0))


# Only what has a value: amounts without one are holes, and listed as such.
_BALANCES = """
SELECT t.unit_id, t.account_id, t.currency, sum(t.amount), sum(t.base_amount)
FROM ledger_batchtotal t JOIN ledger_period e ON e.id = t.period_id
WHERE t.production_id = %s AND t.book = 1 AND e.number <= %s AND t.base_amount IS NOT NULL
  AND t.currency <> %s AND t.account_id = ANY(%s)
GROUP BY 1, 2, 3 HAVING sum(t.amount) <> 0 OR sum(t.base_amount) <> 0 ORDER BY 1, 2, 3
"""


@transaction.atomic
def revalue_period(*, actor: User, production: Production, number: int) -> Revaluation:
    """Bring the foreign cash, claims and debts of a period to the rate of its last day.

    The difference is posted to the unrealised account on that day and taken back on the first
    day of the next period. Run again it posts only what has changed since. Raises Refused when
    the period or the next one is not open, and NoRate, naming the rate, when one is missing.
    """
    period, following = _two_periods(production, number)
    by_unit = _balances(production, number)
    lines: list[Revalued] = []
    batches: list[Batch] = []
    taken_back: list[Batch] = []
    for unit in Unit.objects.filter(production=production, pk__in=by_unit).order_by("pk"):
        form = entries.form_for(production, unit)
        of_unit, drafts = _differences(form, period, by_unit[unit.pk])
        lines += of_unit
        if drafts:
            batch = _post(actor, form, period, of_unit, drafts)
            batches.append(batch)
            taken_back.append(_take_back(actor, form, following, batch))
    return Revaluation(number, period.ends_on, tuple(lines), tuple(batches), tuple(taken_back))


def _two_periods(production: Production, number: int) -> tuple[Period, Period]:
    by_number = {p.number: p for p in selectors.periods(production)}
    period = by_number.get(number)
    if period is None or period.state != "open":
        raise Refused(f"Wk {number} is not open: revalue a period before it is closed.")
    following = by_number.get(number + 1)
    if following is None or following.state != "open":
        raise Refused(
            f"Wk {number + 1} is not open: the unrealised difference of wk {number} is taken back "
            "on its first day. Open a further period first."
        )
    return period, following


_Balance = tuple[int, str, Decimal, Decimal]


def _balances(production: Production, number: int) -> dict[int, list[_Balance]]:
    monetary = [
        a.pk
        for a in selectors.accounts(production)
        if a.is_postable and fx.is_monetary(a.name, a.clearing_role, a.statement)
    ]
    found: dict[int, list[_Balance]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, [production.pk, number, production.currency, monetary])
        for unit_id, *balance in cursor.fetchall():
            found.setdefault(unit_id, []).append((*balance,))
    return found


def _differences(
    form: Form, period: Period, balances: Sequence[_Balance]
) -> tuple[list[Revalued], list[PostingDraft]]:
    lines, drafts = [], []
    unrealised = form.role(fx.UNREALISED)
    center_id = _cost_center_id(form, unrealised)
    for account_id, currency, balance, carried in balances:
        rate = form.rates.rate(currency, period.ends_on)
        if not isinstance(rate, Cross):
            raise NoRate(str(rate))
        account = form.chart.account_by_id(account_id)
        gain = fx.revaluation(balance, carried, rate)
        lines.append(
            Revalued(form.unit.code, account.code, currency, balance, carried, carried + gain, gain)
        )
        if gain:
            like = form.posting(
                account, unrealised, center_id, Amount(Decimal(1), currency, period.ends_on)
            )
            leg = form.value_only(unrealised, account, like, -gain)
            drafts.append(leg._replace(period_id=period.pk))
    return lines, drafts


def _cost_center_id(form: Form, account: Account) -> int:
    """Where a difference without a department stands: the account's own centre, else that of
    the realised account, else the first of the production."""
    for found in (account, form.chart.role(fx.REALISED)):
        if found is not None and found.cost_center_id is not None:
            return found.cost_center_id
    return CostCenter.objects.filter(production=form.production).order_by("code")[0].pk


def _post(
    actor: User,
    form: Form,
    period: Period,
    lines: Sequence[Revalued],
    drafts: Sequence[PostingDraft],
) -> Batch:
    said = {
        "period": period.number,
        "balances": [
            [v.account, v.currency, f"{v.balance:f}", f"{v.carried:f}", f"{v.value:f}"]
            for v in lines
        ],
        "unit": form.unit.code,
    }
    entry = Entry(
        reference=f"FX wk {period.number}",
        vendor="",
        description=f"Unrealised exchange difference at {period.ends_on:%d %b %Y}",
        day=period.ends_on,
        postings=tuple(drafts),
    )
    return entries.enter(actor=actor, form=form, kind="fx_revalue", said=said, entries=[entry])


def _take_back(actor: User, form: Form, following: Period, batch: Batch) -> Batch:
    rows = Posting.objects.filter(production=form.production, batch=batch).order_by("line_no")
    legs = []
    for posting in rows:
        same = entries.copy_of(posting, following.pk)
        assert same.base_amount is not None, "a revaluation has a value"
        legs.append(same._replace(base_amount=-same.base_amount))
    entry = Entry(
        reference=f"REV FX to wk {following.number}",
        vendor="",
        description="Unrealised exchange difference taken back",
        day=following.starts_on,
        postings=tuple(legs),
        reverses=(batch.pk, 1),
    )
    said = {"reverses": [batch.pk, 1], "period": following.number}
    return entries.enter(actor=actor, form=form, kind="fx_reverse", said=said, entries=[entry])

"""Foreign money: published rates, the rate of a day, cross rates, and exchange differences. Pure.

A sheet is what was published on one day: units of each currency for one euro. The rate of a day is
that of the last sheet of that day or before it, at most MOST_DAYS back, that quotes both
currencies: no rates are published at weekends and on holidays. Which sheet was used is kept. What
no sheet answers is a hole with a name, never an old rate carried on in silence.
Arithmetic is exact: amount x target / source in one fraction, rounded once to the coin of the
target, halves to the even digit. A rate is rounded only where it is shown.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal
from typing import NamedTuple

from taxonomy import money

PIVOT = "EUR"
# The longest gap in the published series is Maundy Thursday to the Tuesday after Easter.
MOST_DAYS = 7
SHOWN_DIGITS = 10
_WIDE = Context(prec=100)
_SHOWN = Context(prec=SHOWN_DIGITS)

# Postings that move no money of their own currency, only its value in the production's.
REALISED, UNREALISED, ROUNDING = "fx_realised", "fx_unrealised", "fx_rounding"
VALUE_ONLY = (REALISED, UNREALISED, ROUNDING)


class Sheet(NamedTuple):
    """The rates published on one day, in units for one euro; `id` is its row, 0 when not kept.

    Rates may be text, as they are stored: few of a year's are ever asked for.
    """

    id: int
    day: date
    rates: Mapping[str, Decimal | str]

    def quote(self, currency: str) -> Decimal | None:
        """Units of the currency for one euro, None where the sheet has no such rate."""
        stated = self.rates.get(currency)
        if currency == PIVOT:
            return Decimal(1)
        return None if stated is None else Decimal(stated)


class Hole(NamedTuple):
    """A rate that is missing: of which currency into which, for which day."""

    currency: str
    target: str
    day: date

    def __str__(self) -> str:
        return (
            f"No rate from {self.currency} to {self.target} for {self.day:%d %b %Y} or the "
            f"{MOST_DAYS} days before it. Load the rates of that day (load_rates, or the FX "
            "screen): the amounts are then converted."
        )


@dataclass(frozen=True, slots=True)
class Cross:
    """The rate from a currency into another on a day: target / source of one sheet."""

    currency: str
    target: str
    day: date
    sheet_id: int
    sheet_day: date
    numerator: Decimal
    denominator: Decimal

    @property
    def path(self) -> str:
        """How the rate comes about: CAD>EUR>USD, or CAD>EUR where the euro is the target."""
        legs = (self.currency, *([] if PIVOT in (self.currency, self.target) else [PIVOT]))
        return ">".join((*legs, self.target))

    @property
    def shown(self) -> Decimal:
        """The rate to SHOWN_DIGITS digits, for people; figures are never made from it."""
        return _SHOWN.divide(self.numerator, self.denominator)

    def convert(self, amount: Decimal) -> Decimal:
        """The amount in the target currency, rounded once to its coin, halves to even."""
        return money.round_half_even(self.exact(amount), self.target)

    def exact(self, amount: Decimal) -> Decimal:
        """The amount in the target currency to a hundred digits: for rounding differences.

        With a denominator below 10^18 no fraction that is not a half can look like one at that
        width, so rounding what this returns is rounding the exact fraction.
        """
        product = _WIDE.multiply(amount, self.numerator)
        return _WIDE.divide(product, self.denominator)


@dataclass(slots=True)
class RateBook:
    """The rates of one production, looked up once for each currency and day."""

    target: str
    sheets: Sequence[Sheet] = ()
    _days: list[date] = field(default_factory=list)
    _known: dict[tuple[str, date], Cross | Hole] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sheets = sorted(self.sheets, key=lambda sheet: (sheet.day, sheet.id))
        self._days = [sheet.day for sheet in self.sheets]

    def rate(self, currency: str, day: date) -> Cross | Hole:
        """The rate from a currency on a day by the day rule, or the hole where it should be."""
        known = self._known.get((currency, day))
        if known is None:
            known = self._known[currency, day] = self._look(currency, day)
        return known

    def _look(self, currency: str, day: date) -> Cross | Hole:
        for place in range(bisect_right(self._days, day) - 1, -1, -1):
            sheet = self.sheets[place]
            if (day - sheet.day).days > MOST_DAYS:
                break
            source, target = sheet.quote(currency), sheet.quote(self.target)
            if source is not None and target is not None:
                return Cross(currency, self.target, day, sheet.id, sheet.day, target, source)
        return Hole(currency, self.target, day)

    def base(self, amount: Decimal, currency: str, day: date) -> Decimal | None:
        """What an amount of a day is in the production's currency; None where that is a hole.

        None as well for what exceeds the ledger's largest amount once converted.
        """
        if currency == self.target:
            return amount
        rate = self.rate(currency, day)
        if isinstance(rate, Hole):
            return None
        base = rate.convert(amount)
        return base if base.copy_abs() < money.AMOUNT_LIMIT else None

    def holes(self, asked: Iterable[tuple[str, date]]) -> list[Hole]:
        """The holes among these currencies and days, in order of day and currency."""
        found = [self.rate(c, day) for c, day in set(asked) if c != self.target]
        return sorted((r for r in found if isinstance(r, Hole)), key=lambda h: (h.day, h.currency))


class Settled(NamedTuple):
    """A payment against an open foreign balance: what it is worth, and what was won by waiting.

    `difference` is positive for a loss (a cost to be debited) and negative for a gain.
    """

    base: Decimal
    relieved: Decimal
    difference: Decimal


def settled(
    total: Decimal, total_base: Decimal, before: Decimal, paid: Decimal, rate: Cross
) -> Settled:
    """What paying `paid` of a balance of `total`, carried at `total_base`, comes to when `before`
    of it is paid already.

    A part relieves its share of what is carried: the share of all that is then paid, rounded,
    less the share of what was paid before. So the last payment relieves all the rest, in
    whatever parts and with whatever payments taken back in between. Raises AssertionError for a
    balance of nothing.
    """
    assert total, "a payment settles something"
    relieved = _share(total, total_base, before + paid, rate) - _share(
        total, total_base, before, rate
    )
    base = rate.convert(paid)
    return Settled(base, relieved, base - relieved)


def _share(total: Decimal, total_base: Decimal, part: Decimal, rate: Cross) -> Decimal:
    share = _WIDE.divide(_WIDE.multiply(total_base, part), total)
    return money.round_half_even(share, rate.target)


def revaluation(balance: Decimal, carried: Decimal, rate: Cross) -> Decimal:
    """How much more (or, negative, less) a foreign balance is worth than it is carried at."""
    return rate.convert(balance) - carried


# Balance-sheet accounts that hold no claim to a fixed sum of money, by a word of their name, and
# those whose part is technical: a change of the rate does not change what they are worth.
_NOT_MONETARY = {"prepaid", "equity", "funding", "presales", "income"}
_TECHNICAL = {*VALUE_ONLY, "journal_clearing", "book_control"}


def is_monetary(name: str, role: str, statement: str) -> bool:
    """Whether an account's foreign balance is revalued: cash, cards, advances, debts and claims."""
    if statement != "balance sheet" or role in _TECHNICAL:
        return False
    return bool(role) or not set(name.casefold().replace("-", " ").split()) & _NOT_MONETARY

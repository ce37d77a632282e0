"""Money as text, as a Decimal and as text again, with the only roundings the house may use.

Every spelling is checked against plain ASCII digits before Decimal sees it: Decimal itself
accepts `1_000`, Arabic-Indic and full-width digits, `1e5` and `NaN`, none of which an
accountant ever meant. What a file may use beyond `-1234.50` is declared in its mapping.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from functools import cache
from typing import ClassVar

from taxonomy.currencies import MINOR_UNITS

# Fifteen digits before the decimal mark: what the ledger's numeric columns hold.
AMOUNT_LIMIT = Decimal(10) ** 15
_LONGEST_TEXT = 40

# Wide enough that no rounding of a sum or a product can run out of digits and round twice.
_WIDE = Context(prec=100)

NO_AMOUNT = "it is empty"
TOO_LONG = f"it is longer than {_LONGEST_TEXT} characters"
NOT_A_NUMBER = "it is not a plain number"
NOT_ASCII = "it has characters other than plain digits and marks"
NO_DIGITS_AFTER_MARK = "no digit follows the decimal mark"
GROUPING_NOT_DECLARED = "digit grouping or another decimal mark than the mapping declares"
GROUPS_NOT_OF_THREE = "its digit groups are not of exactly three digits"
AMBIGUOUS_GROUPING = "one comma and no decimals could be thousands or decimals"
PARENS_NOT_DECLARED = "parentheses for negatives are not declared in the mapping"
TRAILING_MINUS_NOT_DECLARED = "a minus sign at the end is not declared in the mapping"
SYMBOL_NOT_DECLARED = "currency signs are not declared in the mapping"
SYMBOL_NOT_THIS_CURRENCY = "its currency sign is not the sign of the row's currency"
TOO_LARGE = "it is 1,000,000,000,000,000 or more"
TOO_MANY_DECIMALS = "it has more decimals than the currency"

# A bare $ means US dollars and nothing else: on a row of another dollar it is a
# contradiction that a person must settle.
CURRENCY_SIGNS: dict[str, tuple[str, ...]] = {
    "USD": ("US$", "$"),
    "CAD": ("CA$", "C$"),
    "AUD": ("AU$", "A$"),
    "NZD": ("NZ$",),
    "EUR": ("€",),
    "GBP": ("£",),
    "JPY": ("¥",),
    "CNY": ("¥",),
}
_SIGNS = sorted({sign for signs in CURRENCY_SIGNS.values() for sign in signs}, key=len)[::-1]
_ENDS = frozenset("0123456789.,")  # an amount that begins and ends so carries no sign
_DECIMAL_MARKS = (".", ",")
_GROUPING_MARKS = ("", ",", ".", " ", "'", "\u2019", "\u00a0", "\u202f")


class UnknownCurrency(ValueError):
    """The code is not a currency in use."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        upper = currency.strip().upper()
        fix = f"write {upper}" if upper in MINOR_UNITS else "use a code such as USD, EUR or GBP"
        super().__init__(f"{currency[:40]!r} is not a currency in use (ISO 4217); {fix}.")


class AmountError(ValueError):
    """The text or number is not an amount; `reason` is one of this module's fixed sentences."""

    def __init__(self, reason: str, found: str) -> None:
        self.reason = reason
        self.found = found
        super().__init__(f"{found[:_LONGEST_TEXT]!r} is not an amount: {reason}.")


@cache
def _plain_regex(decimal: str) -> re.Pattern[str]:
    # Possessive (++) because nothing here is worth trying again: a fifth less time a call.
    # Fifteen digits are below the limit, so the fast road needs no look at the size.
    return re.compile(rf"[+-]?+[0-9]{{1,15}}+(?:{re.escape(decimal)}[0-9]{{1,12}}+)?+", re.ASCII)


@cache
def _unsigned_regex(decimal: str, thousands: str) -> re.Pattern[str]:
    whole = "[0-9]+"
    if thousands:
        whole = rf"[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+|[0-9]+"
    mark = re.escape(decimal)
    return re.compile(
        rf"(?=[0-9]|{mark}[0-9])(?P<whole>{whole}|)(?:{mark}(?P<fraction>[0-9]+))?", re.ASCII
    )


@dataclass(frozen=True)
class AmountConventions:
    """How one vendor's file spells amounts, as its mapping declares."""

    decimal: str = "."
    thousands: str = ""
    parens_negative: bool = False
    trailing_minus: bool = False
    currency_symbol: bool = False
    # The pattern of an amount that needs no further look. Set on each instance, and not a field:
    # asdict() and equality are about the five declarations only.
    plain: ClassVar[re.Pattern[str]]

    def __post_init__(self) -> None:
        if self.decimal not in _DECIMAL_MARKS:
            raise ValueError(f"The decimal mark is '.' or ',', not {self.decimal!r}.")
        if self.thousands not in _GROUPING_MARKS:
            raise ValueError(f"{self.thousands!r} is not a mark for thousands.")
        if self.thousands == self.decimal:
            raise ValueError("Thousands and decimals cannot share one mark.")
        # Kept on the instance: hashing the conventions to find a cached regex again would cost
        # as much as parsing the amount.
        object.__setattr__(self, "plain", _plain_regex(self.decimal))


PLAIN = AmountConventions()


def minor_units(currency: str) -> int:
    """How many decimals the currency has."""
    try:
        return MINOR_UNITS[currency]
    except KeyError:
        raise UnknownCurrency(currency) from None


def parse_amount(text: str, conventions: AmountConventions = PLAIN, currency: str = "") -> Decimal:
    """The amount a cell of a file states, exactly; AmountError if it does not state one.

    `currency` is needed only where the mapping allows currency signs: a sign must fit it.
    """
    if conventions.plain.fullmatch(text):
        return Decimal(text if conventions.decimal == "." else text.replace(",", "."))
    return _parse_marked(text, conventions, currency)


def is_postable(amount: Decimal) -> bool:
    """Whether the amount may be posted: credits may, zero may not."""
    return amount.is_finite() and not amount.is_zero()


def check_minor_units(amount: Decimal, currency: str) -> None:
    """Refuse an amount finer than the currency's smallest coin; trailing zeros are no fault."""
    step = _step(currency)
    if amount.same_quantum(step):  # the usual case: written with just the currency's decimals
        return
    if not amount.is_finite():
        raise AmountError(NOT_A_NUMBER, str(amount))
    if amount != amount.quantize(step, context=_WIDE):
        raise AmountError(TOO_MANY_DECIMALS, str(amount))


def round_half_up(amount: Decimal, currency: str) -> Decimal:
    """To the currency's smallest coin, halves away from zero: what payroll and tax tables do."""
    return amount.quantize(_step(currency), rounding=ROUND_HALF_UP, context=_WIDE)


def round_half_even(amount: Decimal, currency: str) -> Decimal:
    """To the currency's smallest coin, halves to the even digit: no drift over many roundings."""
    return amount.quantize(_step(currency), rounding=ROUND_HALF_EVEN, context=_WIDE)


def format_amount(amount: Decimal, currency: str) -> str:
    """For screens: thousands separated by commas, as many decimals as the currency has."""
    rounded = round_half_up(amount, currency)
    return f"{rounded.copy_abs() if rounded.is_zero() else rounded:,f}"


def format_over_under(amount: Decimal, currency: str) -> str:
    """For variances: an overage, which is negative, stands in parentheses."""
    shown = format_amount(amount, currency)
    return f"({shown[1:]})" if shown.startswith("-") else shown


def _step(currency: str) -> Decimal:
    try:
        return _STEPS[currency]
    except KeyError:
        raise UnknownCurrency(currency) from None


_STEPS = {code: Decimal(1).scaleb(-units) for code, units in MINOR_UNITS.items()}


def _parse_marked(text: str, conventions: AmountConventions, currency: str) -> Decimal:
    """The slow road: spaces, parentheses, signs, groups; or the reason why not."""
    body = text.strip(" ")
    if not body:
        raise AmountError(NO_AMOUNT, text)
    if len(body) > _LONGEST_TEXT:
        raise AmountError(TOO_LONG, text)
    sign, body = _split_sign(body, conventions, text)
    body = _without_currency_sign(body, conventions, currency, text)
    if not sign and body[:1] in ("+", "-"):  # $-12.50
        sign, body = body[0], body[1:]
    match = _unsigned_regex(conventions.decimal, conventions.thousands).fullmatch(body)
    if not match:
        raise AmountError(_why_not(body, conventions), text)
    whole, fraction = match["whole"], match["fraction"]
    if "," in whole and conventions.thousands == "," and not fraction and whole.count(",") == 1:
        # 1,234 from a source that may as well write decimals with a comma. Where a comma is
        # declared as the decimal mark, 1.234 has been settled by that declaration.
        raise AmountError(AMBIGUOUS_GROUPING, text)
    digits = whole.replace(conventions.thousands, "") if conventions.thousands else whole
    amount = Decimal(f"{sign}{digits or '0'}{'.' + fraction if fraction else ''}")
    if amount.copy_abs() >= AMOUNT_LIMIT:
        raise AmountError(TOO_LARGE, text)
    return amount


def _split_sign(body: str, conventions: AmountConventions, text: str) -> tuple[str, str]:
    if body[0] == "(" and body[-1] == ")":
        if not conventions.parens_negative:
            raise AmountError(PARENS_NOT_DECLARED, text)
        if body[1:2] in ("+", "-"):
            raise AmountError(NOT_A_NUMBER, text)
        return "-", body[1:-1].strip(" ")
    if body[-1] == "-" and body[0] not in "+-":
        if not conventions.trailing_minus:
            raise AmountError(TRAILING_MINUS_NOT_DECLARED, text)
        return "-", body[:-1].rstrip(" ")
    if body[0] in "+-":
        return body[0], body[1:]
    return "", body


def _without_currency_sign(
    body: str, conventions: AmountConventions, currency: str, text: str
) -> str:
    if body[:1] in _ENDS and body[-1:] in _ENDS:
        return body
    for sign in _SIGNS:
        if body.startswith(sign):
            rest = body[len(sign) :].lstrip(" ")
        elif body.endswith(sign):
            rest = body[: -len(sign)].rstrip(" ")
        else:
            continue
        if not conventions.currency_symbol:
            raise AmountError(SYMBOL_NOT_DECLARED, text)
        if sign not in CURRENCY_SIGNS.get(currency, ()):
            raise AmountError(SYMBOL_NOT_THIS_CURRENCY, text)
        return rest
    return body


def _why_not(body: str, conventions: AmountConventions) -> str:
    """The reason a person can act on, for a text that is no amount."""
    marks = {mark for mark in (*_GROUPING_MARKS, *_DECIMAL_MARKS) if mark}
    if not body.isascii() and not set(body) <= marks | set("0123456789"):
        return NOT_ASCII
    if body[:-1].isdigit() and body.endswith(conventions.decimal):
        return NO_DIGITS_AFTER_MARK
    if not any(character in "0123456789" for character in body):
        return NOT_A_NUMBER
    declared = {conventions.decimal, conventions.thousands}
    found = set(body) - set("0123456789")
    if found <= declared:
        return GROUPS_NOT_OF_THREE if conventions.thousands in found else NOT_A_NUMBER
    return GROUPING_NOT_DECLARED if found <= declared | marks else NOT_A_NUMBER

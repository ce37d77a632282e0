"""What a budget file states, row by row, and what is wrong with it."""

import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from taxonomy import money

# How budgeting programs print amounts.
PRINTED = money.AmountConventions(
    thousands=",", parens_negative=True, trailing_minus=True, currency_symbol=True
)
LONGEST_TEXT = 200
MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the account it names, what it says of it, and where it stands in the file.

    `amount` is in the file's currency. `start` and `end` are its bytes, `line` the line an
    editor shows. A row without an account is the file's own total.
    """

    number: int
    line: int
    start: int
    end: int
    account: str
    sub_account: str
    description: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the file, and what to do."""

    line: int
    column: str
    expected: str
    found: str
    fix: str

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        return f"{where}{self.column}: expected {self.expected}, found {self.found!r}. {self.fix}"


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole file: its rows and currency, or its faults. `currency` is "" when it states none."""

    rows: tuple[Row, ...]
    currency: str
    faults: tuple[Fault, ...]


def amount_in(text: str, line: int, column: str, currency: str) -> Decimal | Fault:
    """The amount of a cell in a currency; an empty cell budgets nothing."""
    if not text.strip():
        return Decimal(0)
    try:
        amount = _printed(text.strip(), currency)
        money.check_minor_units(amount, currency)
    except (money.AmountError, money.UnknownCurrency) as error:
        said = str(error)
        return Fault(line, column, "an amount such as 1,250.00", text[:40], f"{said} Correct it.")
    return amount


def _printed(text: str, currency: str) -> Decimal:
    """Budgets are printed in whole units: 40,000 is forty thousand where no coin has thousandths.

    Raises what money.parse_amount raises.
    """
    try:
        return money.parse_amount(text, PRINTED, currency)
    except money.AmountError as error:
        if error.reason != money.AMBIGUOUS_GROUPING or money.minor_units(currency) > 2:
            raise
        return money.parse_amount(text.replace(",", ""), PRINTED, currency)


def text_fault(text: str, line: int, column: str) -> Fault | None:
    """What no person can see in a text has no place in it, nor has more than fits."""
    if len(text) > LONGEST_TEXT:
        fix = "Shorten it."
        return Fault(line, column, f"at most {LONGEST_TEXT} characters", text[:40], fix)
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in text):
        return Fault(line, column, "visible characters", ascii(text[:40]), "Type it again.")
    return None


def currency_fault(code: str, line: int) -> Fault | None:
    """Whether a file's currency is one in use."""
    try:
        money.minor_units(code)
    except money.UnknownCurrency as error:
        return Fault(line, "currency", "a currency such as USD", code[:20], str(error))
    return None

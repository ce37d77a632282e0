"""The weekly cost report and the trial balance, drawn from totals. Never scans postings.

Total = cost to date + open commitments; EFC = total + ETC; variance = final budget - EFC, over
when negative. Budget, ETC and EFC are kept for the production as a whole: a report narrowed to a
unit has none.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from access.models import Production
from budgets.forecast import outlook
from budgets.selectors import totals_of_kind
from ledger import selectors as ledger
from ledger.holes import open_holes
from ledger.journal import ACTUAL, BUDGET, COMMITMENT, FORECAST
from ledger.models import Account, Period
from ledger.selectors import TotalLine

ZERO = Decimal(0)
SECTIONS = (
    ("ATL", "Above the line"),
    ("BTL", "Below the line: production"),
    ("POST", "Below the line: post-production"),
    ("OTHER", "Other"),
    ("CONT", "Contingency"),
    ("BOND", "Completion bond"),
)


@dataclass(slots=True)
class Figures:
    """Money in the production's currency, and how many postings make it up.

    `entered` is what an account's EFC entries sum to, None where nobody has touched it;
    `overrun` what is spent and ordered beyond the EFC, while `etc` is never negative.
    """

    period: Decimal = ZERO
    to_date: Decimal = ZERO
    lines: int = 0
    period_lines: int = 0
    committed: Decimal = ZERO
    committed_lines: int = 0
    budget: Decimal = ZERO
    budget_lines: int = 0
    overages: Decimal = ZERO
    overage_lines: int = 0
    entered: Decimal | None = None
    etc: Decimal = ZERO
    efc: Decimal = ZERO
    overrun: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Cost to date and open commitments."""
        return self.to_date + self.committed

    @property
    def final_budget(self) -> Decimal:
        """The locked budget with what was approved on top."""
        return self.budget + self.overages

    @property
    def variance(self) -> Decimal:
        """Final budget less EFC: negative is over."""
        return self.final_budget - self.efc

    def add(self, other: "Figures") -> None:
        """Sum in place."""
        self.period += other.period
        self.to_date += other.to_date
        self.lines += other.lines
        self.period_lines += other.period_lines
        self.committed += other.committed
        self.committed_lines += other.committed_lines
        self.budget += other.budget
        self.budget_lines += other.budget_lines
        self.overages += other.overages
        self.overage_lines += other.overage_lines
        self.etc += other.etc
        self.efc += other.efc
        self.overrun += other.overrun

    def forecast(self) -> None:
        """Work out where the account ends."""
        found = outlook(self.final_budget, self.total, self.entered)
        self.efc, self.etc, self.overrun = found.efc, found.etc, found.overrun


@dataclass(slots=True)
class AccountRow:
    """A detail account of the report."""

    account: Account
    figures: Figures


@dataclass(slots=True)
class CategoryRow:
    """A category and its details with postings."""

    code: str
    name: str
    accounts: list[AccountRow] = field(default_factory=list)
    figures: Figures = field(default_factory=Figures)


@dataclass(slots=True)
class Section:
    """Above the line, production, post, other: the report's parts."""

    line: str
    name: str
    categories: list[CategoryRow] = field(default_factory=list)
    figures: Figures = field(default_factory=Figures)


@dataclass(frozen=True, slots=True)
class CostReport:
    """One drawing of the report. `unconverted` holds what has no rate into the production's
    currency yet: a named hole, by currency, and in no other figure."""

    production: Production
    period: Period
    sections: list[Section]
    total: Figures
    unconverted: dict[str, Figures]
    is_whole: bool


def period_to_show(periods: list[Period], lines: Iterable[TotalLine], number: int | None) -> Period:
    """The period asked for, else the last one with costs, else the first."""
    by_number = {p.number: p for p in periods}
    if number is not None and number in by_number:
        return by_number[number]
    used = {line.period_id for line in lines}
    with_costs = [p for p in periods if p.pk in used]
    return with_costs[-1] if with_costs else periods[0]


def cost_report(
    production: Production,
    *,
    number: int | None = None,
    unit_id: int | None = None,
    cost_center_id: int | None = None,
) -> CostReport:
    """The report up to a period, for the cost centres the asker may see."""
    periods = list(ledger.periods(production))
    accounts = {a.pk: a for a in ledger.accounts(production)}
    books: dict[int, list[TotalLine]] = {ACTUAL: [], COMMITMENT: []}
    if unit_id is None:
        books |= {BUDGET: [], FORECAST: []}
    for line in ledger.totals(
        production, unit_id=unit_id, cost_center_id=cost_center_id, books=tuple(books)
    ):
        if accounts[line.account_id].statement == "cost":
            books[line.book].append(line)
    period = period_to_show(periods, books[ACTUAL], number)
    upto = {p.pk for p in periods if p.number <= period.number}
    by_account: dict[int, Figures] = {}
    unconverted: dict[str, Figures] = {}
    left: dict[tuple[str, int, int], Decimal] = {}
    for book, lines in books.items():
        for line in lines:
            if line.period_id not in upto:
                continue
            if line.base_amount is None:
                hole = unconverted.setdefault(line.currency, Figures())
                _count(hole, book, line, line.amount, period)
                key = line.currency, book, line.account_id
                left[key] = left.get(key, ZERO) + line.amount
            else:
                figures = by_account.setdefault(line.account_id, Figures())
                _count(figures, book, line, line.base_amount, period)
    open_currencies = {currency for (currency, _, _), amount in left.items() if amount}
    if unconverted.keys() - open_currencies:
        # Nothing is left of it: because it was converted, or because two holes are opposites.
        holes = (hole for hole in open_holes(production) if hole.period_id in upto)
        open_currencies |= {currency for hole in holes for currency in hole.currencies}
    unconverted = {c: f for c, f in unconverted.items() if c in open_currencies}
    if unit_id is None:
        _set_overages_apart(production, cost_center_id, upto, by_account)
        for figures in by_account.values():
            figures.forecast()
    sections, total = _grouped(accounts, by_account)
    return CostReport(production, period, sections, total, unconverted, unit_id is None)


def _count(figures: Figures, book: int, line: TotalLine, amount: Decimal, period: Period) -> None:
    if book == COMMITMENT:
        figures.committed += amount
        figures.committed_lines += line.lines
    elif book == BUDGET:
        figures.budget += amount
        figures.budget_lines += line.lines
    elif book == FORECAST:
        figures.entered = (figures.entered or ZERO) + amount
    else:
        figures.to_date += amount
        figures.lines += line.lines
        if line.period_id == period.pk:
            figures.period += amount
            figures.period_lines += line.lines


def _set_overages_apart(
    production: Production,
    cost_center_id: int | None,
    upto: set[int],
    by_account: dict[int, Figures],
) -> None:
    """The budget book holds both; the report shows overages in a column of their own."""
    found = totals_of_kind(production, "overage", cost_center_id)
    for (account_id, period_id), (amount, lines) in found.items():
        if period_id in upto and account_id in by_account:
            figures = by_account[account_id]
            figures.budget -= amount
            figures.budget_lines -= lines
            figures.overages += amount
            figures.overage_lines += lines


def _grouped(
    accounts: dict[int, Account], by_account: dict[int, Figures]
) -> tuple[list[Section], Figures]:
    """Sections > categories > accounts, in chart order, with sums at every level."""
    total = Figures()
    sections = {line: Section(line, name) for line, name in SECTIONS}
    categories: dict[int, CategoryRow] = {}
    for pk, account in sorted(accounts.items(), key=lambda pair: pair[1].code):
        figures = by_account.get(pk)
        if figures is None:
            continue
        section = sections[account.line or "OTHER"]
        parent = accounts.get(account.category_id or 0, account)
        category = categories.get(parent.pk)
        if category is None:
            category = categories[parent.pk] = CategoryRow(parent.code, parent.name)
            section.categories.append(category)
        category.accounts.append(AccountRow(account, figures))
        for sum_ in (category.figures, section.figures, total):
            sum_.add(figures)
    return [s for s in sections.values() if s.categories], total


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """One account of the trial balance in one currency; debit and credit never both."""

    account: Account
    currency: str
    debit: Decimal
    credit: Decimal


BOOKS = {"actual": ACTUAL, "commitment": COMMITMENT, "budget": BUDGET, "forecast": FORECAST}


def trial_balance(
    production: Production, book: int = ACTUAL, *, in_base: bool = False
) -> list[BalanceLine]:
    """Every account's balance in a book by currency, in account order.

    Debits equal credits per currency. `in_base` gives what it all is worth in the production's
    currency, exchange differences too; what has no value yet stays in its own currency beside it.
    """
    sums: dict[tuple[int, str], Decimal] = {}
    for line in ledger.totals(production, books=(book,)):
        currency, amount = line.currency, line.amount
        if in_base and line.base_amount is not None:
            currency, amount = production.currency, line.base_amount
        elif not amount and line.base_amount:
            continue  # a difference has no amount in a foreign currency, only a value
        key = (line.account_id, currency)
        sums[key] = sums.get(key, ZERO) + amount
    if in_base:
        home = production.currency
        sums = {(pk, c): amount for (pk, c), amount in sums.items() if amount or c == home}
    accounts = {a.pk: a for a in ledger.accounts(production)}
    rows = [
        BalanceLine(accounts[pk], currency, max(amount, ZERO), max(-amount, ZERO))
        for (pk, currency), amount in sums.items()
    ]
    return sorted(rows, key=lambda row: (row.account.code, row.currency))

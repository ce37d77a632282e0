"""What can be read of budgets, changes, forecasts and refused crossings."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet

from access.models import Production
from budgets.forecast import Outlook, outlook
from budgets.models import (
    BudgetChange,
    BudgetChangeLine,
    BudgetLine,
    BudgetVersion,
    EfcEntry,
    RefusedCrossing,
)
from ledger import selectors as ledger
from ledger.journal import ACTUAL, BUDGET, COMMITMENT, FORECAST
from ledger.models import Account
from taxonomy.classify import side

ZERO = Decimal(0)


def versions(production: Production) -> QuerySet[BudgetVersion]:
    """All versions, the newest first."""
    people = ("made_by", "approved_by", "lock_asked_by", "locked_by")
    return (
        BudgetVersion.objects.filter(production=production)
        .select_related(*people)
        .order_by("-number")
    )


def version(production: Production, number: int) -> BudgetVersion | None:
    """The version with this number."""
    return versions(production).filter(number=number).first()


def locked_version(production: Production) -> BudgetVersion | None:
    """The locked budget, if there is one."""
    return versions(production).filter(state="locked").first()


def lines(found: BudgetVersion) -> list[BudgetLine]:
    """A version's lines in the order of its file."""
    rows = BudgetLine.objects.filter(production_id=found.production_id, version=found)
    return list(rows.select_related("account", "cost_center").order_by("number"))


def changes(production: Production) -> QuerySet[BudgetChange]:
    """Transfers, draws and overages, the newest first."""
    return (
        BudgetChange.objects.filter(production=production)
        .select_related("requested_by", "decided_by")
        .order_by("-number")
    )


def change(production: Production, number: int) -> BudgetChange | None:
    """The change with this number."""
    return changes(production).filter(number=number).first()


def change_lines(production: Production) -> dict[int, list[BudgetChangeLine]]:
    """change id -> its lines, what is taken first."""
    rows = BudgetChangeLine.objects.filter(production=production).select_related("account")
    found: dict[int, list[BudgetChangeLine]] = {}
    for row in rows.order_by("change_id", "amount", "account__code"):
        found.setdefault(row.change_id, []).append(row)
    return found


def entries(production: Production, account: Account) -> list[EfcEntry]:
    """An account's EFC entries, the newest first."""
    rows = EfcEntry.objects.filter(production=production, account=account)
    return list(rows.select_related("entered_by").order_by("-number"))


def crossings(production: Production) -> QuerySet[RefusedCrossing]:
    """Attempts to cross the frozen boundary, the newest first."""
    rows = RefusedCrossing.objects.filter(production=production)
    return rows.select_related("attempted_by").order_by("-pk")


def totals_of_kind(
    production: Production, kind: str, cost_center_id: int | None = None
) -> dict[tuple[int, int], tuple[Decimal, int]]:
    """(account, period) -> sum and lines of the budget book's batches of one kind."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.account_id, t.period_id, sum(t.base_amount), sum(t.lines)::int"
            " FROM ledger_batchtotal t JOIN ledger_batch b ON b.id = t.batch_id AND b.kind = %s"
            " WHERE t.production_id = %s AND t.book = 3"
            " AND (%s::bigint IS NULL OR t.cost_center_id = %s) GROUP BY 1, 2",
            [kind, production.pk, cost_center_id, cost_center_id],
        )
        return {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an account stands now, over all cost centres the asker may see."""

    total_cost: Decimal
    final_budget: Decimal
    entered: Decimal | None

    @property
    def outlook(self) -> Outlook:
        """Its EFC, ETC and variance."""
        return outlook(self.final_budget, self.total_cost, self.entered)


def standing(production: Production, account: Account) -> Standing:
    """Cost to date with open commitments, final budget and EFC entries of one account."""
    sums: dict[int, Decimal] = {}
    books = (ACTUAL, COMMITMENT, BUDGET, FORECAST)
    for line in ledger.totals(production, account_id=account.pk, books=books):
        if line.base_amount is not None:
            sums[line.book] = sums.get(line.book, ZERO) + line.base_amount
    cost = sums.get(ACTUAL, ZERO) + sums.get(COMMITMENT, ZERO)
    return Standing(cost, sums.get(BUDGET, ZERO), sums.get(FORECAST))


@dataclass(frozen=True, slots=True)
class Contingency:
    """What was set aside, what approved draws took of it by whom they went to, what remains."""

    original: Decimal
    drawn: dict[str, Decimal]
    remains: Decimal
    asked: Decimal


def contingency(production: Production) -> Contingency:
    """The contingency of the locked budget, draws tracked above and below the line."""
    locked = locked_version(production)
    original = ZERO
    if locked is not None:
        original = sum((r.amount for r in lines(locked) if r.line == "CONT"), ZERO)
    drawn = {"ATL": ZERO, "BTL": ZERO}
    asked = ZERO
    by_change = change_lines(production)
    for found in changes(production).filter(kind="draw"):
        for row in by_change.get(found.pk, []):
            if row.account.line == "CONT":
                continue
            if found.state == "approved":
                drawn[side(row.account.line)] += row.amount
            elif found.state == "requested":
                asked += row.amount
    return Contingency(original, drawn, original - sum(drawn.values(), ZERO), asked)


@dataclass(frozen=True, slots=True)
class Difference:
    """What two versions say of one account; 0 where one says nothing."""

    account: Account
    old: Decimal
    new: Decimal

    @property
    def change(self) -> Decimal:
        """New less old."""
        return self.new - self.old


def differences(old: BudgetVersion, new: BudgetVersion) -> list[Difference]:
    """The accounts of which two versions say different things, by code."""
    sums: dict[int, list[Decimal]] = {}
    accounts: dict[int, Account] = {}
    for place, found in enumerate((old, new)):
        for row in lines(found):
            accounts[row.account_id] = row.account
            sums.setdefault(row.account_id, [ZERO, ZERO])[place] += row.amount
    rows = [Difference(accounts[pk], *pair) for pk, pair in sums.items() if pair[0] != pair[1]]
    return sorted(rows, key=lambda row: row.account.code)


def by_line(found: BudgetVersion) -> dict[str, Decimal]:
    """Sums of a version by line: ATL, BTL, POST, OTHER, CONT, BOND."""
    sums: dict[str, Decimal] = {}
    for row in lines(found):
        sums[row.line] = sums.get(row.line, ZERO) + row.amount
    return sums

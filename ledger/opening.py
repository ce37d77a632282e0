"""Opening a production: its chart, cost centres, units, periods and logs, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction

from access import services as access
from access.errors import Invalid
from access.models import Production, User
from ledger.models import Account, LogHead, Period
from ledger.seal import EMPTY_ROOT
from taxonomy import money
from taxonomy import services as taxonomy
from taxonomy.chart import (
    AccountFormat,
    ChartRow,
    clearing_roles,
    infer_account_format,
    missing_roles,
    read_chart,
    standard_chart,
)
from taxonomy.models import CostCenter

DEFAULT_WEEKS = 26
LONGEST_WEEKS = 520


@dataclass(frozen=True, slots=True)
class ProductionPlan:
    """What is asked for when a production is opened. `chart` is CSV text, None the standard."""

    code: str
    title: str
    currency: str
    units: tuple[str, ...] = ("MAIN",)
    starts_on: date | None = None
    weeks: int = DEFAULT_WEEKS
    account_format: str | None = None
    chart: str | None = None


def _chart_rows(plan: ProductionPlan) -> tuple[list[ChartRow], AccountFormat]:
    """The chart's rows with the clearing accounts it lacks, and the format they follow."""
    try:
        wanted = AccountFormat(plan.account_format) if plan.account_format else None
    except ValueError as error:
        raise Invalid(f"account format: {error}") from None
    if plan.chart is None:
        rows = standard_chart()
        odd = [r for r in rows if wanted and r.is_detail and not wanted.matches(r.account)]
        if odd:
            raise Invalid(
                f"account format {plan.account_format}: the standard chart is written NNNN; "
                "name a chart of your own with --chart"
            )
    else:
        reading = read_chart(plan.chart, wanted)
        if reading.problems:
            raise Invalid("chart of accounts:\n" + "\n".join(map(str, reading.problems)))
        rows = list(reading.rows)
    form = wanted or infer_account_format(r for r in rows if r.is_detail)
    if form is None:
        raise Invalid("account format: the chart's accounts have no single form; name one")
    return [*rows, *missing_roles(rows)], form


def _check(plan: ProductionPlan) -> None:
    try:
        money.minor_units(plan.currency)
    except money.UnknownCurrency as error:
        raise Invalid(f"currency: {error}") from None
    if not 1 <= plan.weeks <= LONGEST_WEEKS:
        raise Invalid(f"weeks: expected 1 to {LONGEST_WEEKS}, found {plan.weeks}")
    if plan.starts_on and plan.starts_on > date.max - timedelta(weeks=plan.weeks):
        raise Invalid(f"start: {plan.weeks} weeks from {plan.starts_on} leave the calendar")
    # The code stands in every address, and an address is ASCII.
    plain = plan.code.replace("-", "")
    if len(plan.code) > 20 or not (plain.isascii() and plain.isalnum()):
        raise Invalid(f"code: expected up to 20 letters, digits and dashes, found {plan.code!r}")
    wrong = [u for u in plan.units if not u or len(u) > 20 or not u.replace("-", "").isalnum()]
    if wrong:
        raise Invalid(f"units: expected letters and digits, found {wrong[0]!r}")


@transaction.atomic
def open_production(*, actor: User, plan: ProductionPlan) -> Production:
    """Make a production ready to import: nothing else need be set up.

    Weekly periods are open from `starts_on` (this week's Monday when it is not given). Raises
    Invalid with every fault of the chart at once.
    """
    _check(plan)
    rows, form = _chart_rows(plan)
    production = access.create_production(
        actor=actor,
        code=plan.code,
        title=plan.title,
        currency=plan.currency,
        account_format=form.pattern,
    )
    units = taxonomy.make_units(actor=actor, production=production, codes=plan.units)
    centers = taxonomy.make_cost_centers(actor=actor, production=production, rows=rows)
    _make_accounts(production, rows, centers)
    today = date.today()  # noqa: DTZ011 - the office's own calendar day
    first = plan.starts_on or today - timedelta(days=today.weekday())
    last = first + timedelta(weeks=plan.weeks, days=-1)
    Period.objects.bulk_create(
        Period(
            production=production,
            number=week + 1,
            starts_on=first + timedelta(weeks=week),
            ends_on=first + timedelta(weeks=week, days=6),
        )
        for week in range(plan.weeks)
    )
    taxonomy.plant_tree(
        actor=actor, production=production, units=units, rows=rows, window=(first, last)
    )
    LogHead.objects.bulk_create(
        LogHead(production=production, unit=unit, root=EMPTY_ROOT) for unit in units
    )
    access.give_membership(
        actor=actor,
        production=production,
        user=access.console_person(),
        role="production_accountant",
    )
    return production


def _make_accounts(
    production: Production, rows: Sequence[ChartRow], centers: dict[str, CostCenter]
) -> None:
    """The chart's rows as accounts, categories first so that details can name theirs."""
    roles = {code: role for role, code in clearing_roles(rows).items()}

    def account(row: ChartRow, category: Account | None) -> Account:
        return Account(
            production=production,
            code=row.account,
            name=row.name,
            category=category,
            line=row.line,
            kind=row.kind,
            normal_side=row.normal_side,
            statement=row.statement,
            is_postable=row.is_detail,
            cost_center=centers.get(row.department),
            clearing_role=roles.get(row.account, ""),
        )

    categories = Account.objects.bulk_create(
        [account(row, None) for row in rows if not row.is_detail]
    )
    by_code = {c.code: c for c in categories}
    Account.objects.bulk_create(
        [account(row, by_code.get(row.parent)) for row in rows if row.is_detail]
    )

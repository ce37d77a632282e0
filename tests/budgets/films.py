"""A film with contingency, its budget file, and the road of a budget up to its lock."""

from datetime import date
from decimal import Decimal
from typing import Any

from budgets import changes, efc, selectors, versions
from budgets.models import BudgetChange, BudgetVersion, EfcEntry
from budgets.versions import BudgetFile
from tests.factories import CHART, Cast, Film, acting, make_film, role

CHART_WITH_CONTINGENCY = (
    CHART
    + "8000,,Contingency,category,CONT,Contingency,,debit,cost\n"
    + "8001,8000,Contingency,detail,CONT,Contingency,other,debit,cost\n"
)
BUDGET = (
    "Account\tDescription\tTotal\n"
    "1100\tStory and rights\t40,000\n"
    "1101\tOption payments\t40,000\n"
    "1401\tPrincipal cast\t250,000.00\n"
    "2210\tArt department staff\t60,000\n"
    "2220\tArt supplies\t20,000\n"
    "3301\tCamera crew\t90,000\n"
    "3310\tCamera package rental\t50,000\n"
    "3399\tFringes\t\n"
    "8001\tContingency\t51,000\n"
    "\tGrand total\t561,000\n"
)
TOTAL = "561,000.00"
DAY = date(2026, 1, 14)


def budget_film(cast: Cast) -> Film:
    """A production whose chart has a contingency account, 8001."""
    with role("owner"):
        return make_film(cast, chart=CHART_WITH_CONTINGENCY)


def imported(film: Film, text: str = BUDGET, person: str = "amir", **more: Any) -> BudgetVersion:
    """A draft made by a person."""
    file = BudgetFile(more.pop("file", "budget.txt"), text.encode(), **more)
    with role("web"), acting(film, person):
        return versions.import_budget(
            actor=film.cast[person], production=film.production, file=file
        )


def approved(film: Film, version: BudgetVersion, person: str = "lena") -> BudgetVersion:
    """The version approved by another person."""
    with role("web"), acting(film, person):
        return versions.approve_version(actor=film.cast[person], version=version)


def locked(film: Film, text: str = BUDGET, total: str = TOTAL) -> BudgetVersion:
    """Made by Amir, approved by Lena, lock asked for by Amir and confirmed by Lena."""
    version = approved(film, imported(film, text))
    with role("web"), acting(film, "amir"):
        versions.ask_lock(actor=film.cast["amir"], version=version)
    with role("web"), acting(film, "lena"):
        versions.confirm_lock(actor=film.cast["lena"], version=version, typed_total=total, day=DAY)
        found = selectors.locked_version(film.production)
    assert found is not None
    return found


def requested(
    film: Film, kind: str, *lines: tuple[str, str], person: str = "amir", day: date = DAY
) -> BudgetChange:
    """A change asked for."""
    with role("web"), acting(film, person):
        return changes.request_change(
            actor=film.cast[person], production=film.production, kind=kind, day=day,
            reason="weather cover", lines=lines,
        )  # fmt: skip


def changed(film: Film, kind: str, *lines: tuple[str, str]) -> BudgetChange:
    """A change asked for by Amir and approved by Lena."""
    change = requested(film, kind, *lines)
    with role("web"), acting(film, "lena"):
        changes.approve_change(actor=film.cast["lena"], change=change)
    return change


def estimated(
    film: Film, account: str, way: str, stated: str, day: date = DAY, person: str = "amir"
) -> EfcEntry:
    """An EFC entry."""
    with role("web"), acting(film, person):
        return efc.enter_efc(
            actor=film.cast[person],
            production=film.production,
            account=efc.account_to_forecast(film.production, account),
            asked=efc.Asked(way, stated, day, "three extra days"),
        )


def book(film: Film, number: int) -> dict[str, Decimal]:
    """account code -> its sum in a book, the control account left out, as the owner sees it."""
    from ledger.selectors import accounts, totals

    with role("owner"):
        codes = {a.pk: a for a in accounts(film.production)}
        sums: dict[str, Decimal] = {}
        for line in totals(film.production, books=(number,)):
            if codes[line.account_id].statement == "cost":
                code = codes[line.account_id].code
                sums[code] = sums.get(code, Decimal(0)) + line.amount
    return {code: amount for code, amount in sums.items() if amount}

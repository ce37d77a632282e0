"""Where accounts end: the figures behind ETC, EFC and variance, and an account's EFC entries."""

from datetime import date
from typing import Any

from django.urls import reverse

from budgets import selectors as budgets
from budgets.models import EfcEntry
from ledger import selectors as ledger
from ledger.models import Account
from reports.cost_report import SECTIONS, AccountRow, CostReport, Figures
from reports.lines import ALL_COSTS, SECTION
from reports.screens import Links, Scope, figures_view
from taxonomy.money import format_over_under

WAYS = (
    ("efc", "Set the final cost to"),
    ("etc", "Still to spend"),
    ("delta", "More (or less, with a minus)"),
)


def rows_behind(report: CostReport, code: str) -> tuple[str, list[AccountRow]] | None:
    """The name of what a figure is of, and its accounts; None when there is no such thing."""
    rows = [
        (section, category, row)
        for section in report.sections
        for category in section.categories
        for row in category.accounts
    ]
    if code == ALL_COSTS:
        return "All costs", [row for _, _, row in rows]
    if code.startswith(SECTION):
        name = dict(SECTIONS).get(code.removeprefix(SECTION))
        found = [row for section, _, row in rows if section.line == code.removeprefix(SECTION)]
        return (name, found) if name and found else None
    account = ledger.account_by_code(report.production, code)
    if account is None or account.statement != "cost":
        return None
    if not account.is_postable:
        return account.name, [row for _, category, row in rows if category.code == code]
    figures = next((row.figures for _, _, row in rows if row.account.pk == account.pk), Figures())
    return account.name, [AccountRow(account, figures)]


def outlook_view(report: CostReport, scope: Scope, code: str) -> dict[str, Any] | None:
    """The page behind an ETC, EFC or variance; None when there is no such thing."""
    found = rows_behind(report, code)
    if found is None:
        return None
    name, rows = found
    links, total = Links(report, scope), Figures()
    for row in rows:
        total.add(row.figures)
    is_account = len(rows) == 1 and rows[0].account.code == code
    page: dict[str, Any] = {
        "code": code if is_account else "",
        "name": name,
        "period_label": f"wk {report.period.number}",
        "rows": [
            {
                "code": row.account.code,
                "name": row.account.name,
                "touched": row.figures.entered is not None,
                **figures_view(report, links, row.figures, row.account.code),
            }
            for row in rows
        ],
        "total": figures_view(report, links, total, code),
        "report_url": reverse("cost_report", args=[report.production.code])
        + f"?period={report.period.number}",
        "is_account": is_account,
    }
    if is_account:
        page |= _account_view(report, rows[0].account)
    return page


def _account_view(report: CostReport, account: Account) -> dict[str, Any]:
    entries = budgets.entries(report.production, account)
    return {
        "entries": [_entry_view(report, entry) for entry in entries],
        "ways": WAYS,
        "day": default_day(report, entries).isoformat(),
    }


def default_day(report: CostReport, entries: list[EfcEntry]) -> date:
    """The last day of the period shown, or of the account's last entry if that is later."""
    return max([report.period.ends_on, *(e.day for e in entries)])


def _entry_view(report: CostReport, entry: EfcEntry) -> dict[str, Any]:
    currency = report.production.currency
    return {
        "reference": entry.reference,
        "day": f"{entry.day:%d %b %Y}",
        "before": format_over_under(entry.efc_before, currency),
        "after": format_over_under(entry.efc_after, currency),
        "change": format_over_under(entry.efc_after - entry.efc_before, currency),
        "reason": entry.reason,
        "by": str(entry.entered_by),
        "at": f"{entry.entered_at:%d %b %Y %H:%M UTC}",
        "url": reverse("transaction", args=[report.production.code, f"{entry.batch_id}-1"]),
    }

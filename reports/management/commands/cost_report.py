"""manage.py cost_report --production CODE [--period N] [--format table|json|csv]."""

from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand

from ledger.selectors import standings
from reports.cost_report import CostReport, Figures, cost_report
from reports.printing import as_console, log_facts, log_lines, printed
from taxonomy.money import format_amount, format_over_under, round_half_up

HEADER = (
    "section", "account", "name", "period", "to_date", "lines", "committed", "total", "etc", "efc",
    "budget", "overages", "variance", "overrun",
)  # fmt: skip
MONEY = HEADER[6:]


def _rest(f: Figures, is_whole: bool) -> list[Decimal | None]:
    """What the books beside the costs add; None where a unit's report has none."""
    kept = [f.committed, f.total]
    outlook = [f.etc, f.efc, f.budget, f.overages, f.variance, f.overrun]
    return [*kept, *(outlook if is_whole else [None] * len(outlook))]


def plain_rows(report: CostReport) -> list[tuple[str, ...]]:
    """One row an account, for programs: no sums among them that would be counted twice."""
    currency = report.production.currency
    return [
        (
            section.line,
            row.account.code,
            row.account.name,
            str(round_half_up(row.figures.period, currency)),
            str(round_half_up(row.figures.to_date, currency)),
            str(row.figures.lines),
            *(
                "" if amount is None else str(round_half_up(amount, currency))
                for amount in _rest(row.figures, report.is_whole)
            ),
        )
        for section in report.sections
        for category in section.categories
        for row in category.accounts
    ]


def shown_rows(report: CostReport) -> list[tuple[str, ...]]:
    """Accounts with their sections' sums and the grand total, for people."""
    currency = report.production.currency

    def row(line: str, code: str, name: str, f: Figures) -> tuple[str, ...]:
        period, to_date = format_amount(f.period, currency), format_amount(f.to_date, currency)
        rest = (
            "" if amount is None else format_over_under(amount, currency)
            for amount in _rest(f, report.is_whole)
        )
        return (line, code, name, period, to_date, str(f.lines), *rest)

    rows = []
    for section in report.sections:
        for category in section.categories:
            rows += [
                row(section.line, r.account.code, r.account.name, r.figures)
                for r in category.accounts
            ]
        rows.append(row(section.line, "", f"Total {section.name}", section.figures))
    return [*rows, row("", "", "Grand total", report.total)]


def sums(report: CostReport) -> dict[str, object]:
    """What stands around the rows in JSON: the total, the sections' sums, what is not converted."""
    currency = report.production.currency

    def said(f: Figures, unit: str) -> dict[str, str]:
        return {
            "period": str(round_half_up(f.period, unit)),
            "to_date": str(round_half_up(f.to_date, unit)),
            **{
                name: str(round_half_up(amount, unit))
                for name, amount in zip(MONEY, _rest(f, report.is_whole), strict=True)
                if amount is not None
            },
        }

    return {
        "production": report.production.code,
        "currency": currency,
        "period": report.period.number,
        "period_starts": str(report.period.starts_on),
        "period_ends": str(report.period.ends_on),
        "total": said(report.total, currency),
        "sections": {s.line: said(s.figures, currency) for s in report.sections},
        "unconverted": {
            c: {
                "period": str(round_half_up(f.period, c)),
                "to_date": str(round_half_up(f.to_date, c)),
                "committed": str(round_half_up(f.committed, c)),
            }
            for c, f in sorted(report.unconverted.items())
        },
    }


class Command(BaseCommand):
    """The weekly cost report of a production, up to the period asked for."""

    help = "Print the cost report."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument("--period", type=int)
        parser.add_argument("--format", choices=["table", "json", "csv"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        with as_console(options["production"]) as production:
            report = cost_report(production, number=options["period"])
            logs = standings(production)
            around = {**sums(report), "logs": log_facts(logs)}
        is_table = options["format"] == "table"
        rows = shown_rows(report) if is_table else plain_rows(report)
        self.stdout.write(
            printed(options["format"], HEADER, rows, set(range(3, len(HEADER))), around)
        )
        if is_table:
            for currency, figures in sorted(report.unconverted.items()):
                self.stdout.write(
                    f"Not converted yet, in no figure above: {currency} "
                    f"{format_amount(figures.to_date, currency)}"
                )
            self.stdout.write("\n".join(log_lines(logs)))

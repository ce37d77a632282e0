"""manage.py budget --production CODE [--version N] [--diff M] [--format table|json|csv]."""

from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.models import Production
from budgets import selectors
from budgets.models import BudgetVersion
from ledger.selectors import standings
from reports.printing import as_console, log_facts, log_lines, printed
from taxonomy.money import format_amount, round_half_up

LINES = ("account", "name", "line", "amount", "description", "row")
CHANGES = ("account", "name", "line", "old", "new", "change")


class Command(BaseCommand):
    """A version's lines; with --diff the accounts of which an older version says otherwise."""

    help = "Print a budget version, the newest if none is named, or what changed from another."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django's own --version gives way: here it is the budget's.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument("--version", type=int, dest="number")
        parser.add_argument("--diff", type=int, help="the version to compare with")
        parser.add_argument("--format", choices=["table", "json", "csv"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        form = options["format"]
        with as_console(options["production"]) as production:
            found = _version(production, options["number"])
            logs = standings(production)
            around: dict[str, object] = {
                "production": production.code, "version": found.number, "name": found.name,
                "state": found.state, "currency": production.currency,
                "total": str(round_half_up(found.total, production.currency)),
                "logs": log_facts(logs),
            }  # fmt: skip
            if options["diff"] is None:
                said = printed(form, LINES, _lines(found, form), {3, 5}, around)
            else:
                older = _version(production, options["diff"])
                around["against"] = older.number
                rows = _changes(older, found, form)
                said = printed(form, CHANGES, rows, {3, 4, 5}, around)
        self.stdout.write(said)
        if form == "table":
            self.stdout.write(
                f"v{found.number} {found.name}, {found.state}: "
                f"{format_amount(found.total, production.currency)} {production.currency}"
            )
            self.stdout.write("\n".join(log_lines(logs)))


def _version(production: Production, number: int | None) -> BudgetVersion:
    found = (
        selectors.versions(production).first()
        if number is None
        else selectors.version(production, number)
    )
    if found is None:
        raise CommandError(f"there is no budget {'yet' if number is None else f'v{number}'}")
    return found


def _money(form: str, amount: Decimal, currency: str) -> str:
    if form == "table":
        return format_amount(amount, currency)
    return str(round_half_up(amount, currency))


def _lines(found: BudgetVersion, form: str) -> list[tuple[str, ...]]:
    currency = found.production.currency
    return [
        (
            row.account.code, row.account.name, row.line, _money(form, row.amount, currency),
            row.description, str(row.source_line),
        )
        for row in selectors.lines(found)
    ]  # fmt: skip


def _changes(old: BudgetVersion, new: BudgetVersion, form: str) -> list[tuple[str, ...]]:
    currency = new.production.currency
    return [
        (
            d.account.code, d.account.name, d.account.line,
            *(_money(form, amount, currency) for amount in (d.old, d.new, d.change)),
        )
        for d in selectors.differences(old, new)
    ]  # fmt: skip

"""manage.py trial_balance --production CODE [--book B] [--base] [--format table|json|csv]."""

from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand

from ledger.selectors import standings
from reports.cost_report import BOOKS, trial_balance
from reports.printing import as_console, log_facts, log_lines, printed
from taxonomy.money import format_amount, round_half_up

HEADER = ("account", "name", "currency", "debit", "credit")


class Command(BaseCommand):
    """Debits and credits of every account, by currency."""

    help = "Print the trial balance."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument(
            "--base", action="store_true", help="in the production's currency, differences too"
        )
        parser.add_argument("--book", choices=list(BOOKS), default="actual")
        parser.add_argument("--format", choices=["table", "json", "csv"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        plain = options["format"] != "table"

        def money(amount: Decimal, currency: str) -> str:
            return (
                str(round_half_up(amount, currency)) if plain else format_amount(amount, currency)
            )

        with as_console(options["production"]) as production:
            lines = trial_balance(production, BOOKS[options["book"]], in_base=options["base"])
            logs = standings(production)
        sums: dict[str, list[Decimal]] = {}
        rows = []
        for line in lines:
            total = sums.setdefault(line.currency, [Decimal(0), Decimal(0)])
            total[0] += line.debit
            total[1] += line.credit
            rows.append(
                (line.account.code, line.account.name, line.currency,
                 money(line.debit, line.currency), money(line.credit, line.currency))
            )  # fmt: skip
        totals = {
            c: {"debit": str(round_half_up(d, c)), "credit": str(round_half_up(k, c))}
            for c, (d, k) in sorted(sums.items())
        }
        if not plain:
            rows += [
                ("", "Total", c, money(d, c), money(k, c)) for c, (d, k) in sorted(sums.items())
            ]
        around: dict[str, object] = {
            "production": production.code,
            "book": options["book"],
            "totals": totals,
            "logs": log_facts(logs),
        }
        self.stdout.write(printed(options["format"], HEADER, rows, {3, 4}, around))
        if not plain:
            self.stdout.write("\n".join(log_lines(logs)))

"""manage.py revalue_period --production CODE --period N: post the unrealised difference."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.errors import Refused
from access.services import console_person
from ledger.differences import revalue_period
from reports.printing import as_console
from reports.tables import as_table
from taxonomy.money import format_amount, format_over_under

HEADER = ("unit", "account", "currency", "balance", "carried", "value", "gain")


class Command(BaseCommand):
    """Posts on the week's last day, and takes it back on the first day of the next."""

    help = "Bring foreign cash, claims and debts to the rate of a period's last day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument("--period", required=True, type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with as_console(options["production"]) as production:
                done = revalue_period(
                    actor=console_person(), production=production, number=options["period"]
                )
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        home = production.currency
        rows = [
            (line.unit, line.account, line.currency, format_amount(line.balance, line.currency),
             format_amount(line.carried, home), format_amount(line.value, home),
             format_over_under(line.gain, home))
            for line in done.lines
        ]  # fmt: skip
        self.stdout.write(as_table(HEADER, rows, {3, 4, 5, 6}))
        self.stdout.write(
            f"Wk {done.period}, {done.day:%d %b %Y}: {format_over_under(done.gain, home)} {home} "
            f"unrealised, posted in {len(done.batches)} batches and taken back in wk "
            f"{done.period + 1}"
        )

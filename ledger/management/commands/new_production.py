"""manage.py new_production CODE --title T --currency USD: open a production, ready to import."""

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.errors import Refused
from access.services import console_person
from ledger.opening import DEFAULT_WEEKS, ProductionPlan, open_production


class Command(BaseCommand):
    """Makes the production, its units, cost centres, chart, weekly periods and logs."""

    help = "Open a production: chart, cost centres, units, weekly periods, all open."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code")
        parser.add_argument("--title", required=True)
        parser.add_argument("--currency", required=True, help="ISO 4217, such as USD")
        parser.add_argument("--units", default="main", help="comma-separated; OFFICE is added")
        parser.add_argument("--start", type=date.fromisoformat, help="first day of week 1")
        parser.add_argument("--weeks", type=int, default=DEFAULT_WEEKS)
        parser.add_argument("--account-format", help="N digit, A letter, X either: NNNN-NN-NN")
        parser.add_argument("--chart", type=Path, help="CSV with the columns of the built-in chart")

    def handle(self, *args: Any, **options: Any) -> None:
        chart: Path | None = options["chart"]
        try:
            text = None if chart is None else chart.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeError) as error:
            raise CommandError(f"chart {chart}: {error}") from None
        plan = ProductionPlan(
            code=options["code"],
            title=options["title"],
            currency=options["currency"],
            units=tuple(u.strip() for u in options["units"].split(",") if u.strip()),
            starts_on=options["start"],
            weeks=options["weeks"],
            account_format=options["account_format"],
            chart=text,
        )
        try:
            production = open_production(actor=console_person(), plan=plan)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(f"{production.code} is open: {production.title}, {production.currency}")

"""manage.py import_budget FILE --production CODE [--name NAME] [--rate R]: a draft, or faults."""

from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import context
from access.errors import Refused
from access.selectors import person_by_email, production_by_code
from access.services import CONSOLE_EMAIL
from budgets.versions import BudgetFile, import_budget
from taxonomy.money import format_amount


class Command(BaseCommand):
    """Prints the draft's number and total; exit 1 with every fault of the file, nothing loaded."""

    help = "Import a budget as a draft: Movie Magic tab-delimited or JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--production", required=True)
        parser.add_argument("--name", default="", help="what the version is called")
        parser.add_argument("--rate", help="what one unit of the file's currency is worth")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        production = production_by_code(options["production"])
        person = person_by_email(CONSOLE_EMAIL)
        if production is None or person is None:
            raise CommandError(f"there is no production {options['production']!r}")
        if not path.is_file():
            raise CommandError(f"{path} is not a file")
        try:
            rate = Decimal(options["rate"]) if options["rate"] else None
        except InvalidOperation:
            raise CommandError(f"rate: expected a number, found {options['rate']!r}") from None
        file = BudgetFile(path.name, path.read_bytes(), options["name"], rate)
        try:
            with context.acting(user_id=person.pk, production_id=production.pk):
                version = import_budget(actor=person, production=production, file=file)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        total = format_amount(version.total, production.currency)
        self.stdout.write(
            f"v{version.number} {version.name}: draft of {version.line_count} lines, "
            f"{total} {production.currency}"
        )

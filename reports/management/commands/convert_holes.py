"""manage.py convert_holes --production CODE: value what was posted before its rate was known."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.errors import Refused
from access.services import console_person
from ledger.holes import convert_holes
from reports.printing import as_console


class Command(BaseCommand):
    """Safe to run again: a document is given its value once."""

    help = "Convert the amounts whose rate has become known, and name the rates still missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with as_console(options["production"]) as production:
                done = convert_holes(actor=console_person(), production=production)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(f"{done.documents} documents converted, {done.lines} lines")
        for hole in done.missing:
            self.stdout.write(str(hole))

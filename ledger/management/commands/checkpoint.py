"""manage.py checkpoint --production CODE: sign where the logs stand, and print the checkpoints."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.errors import Refused
from access.selectors import production_by_code
from ledger.checkpoints import checkpoint_production, last_checkpoints


class Command(BaseCommand):
    """Exit 1 when a log is not what was signed before, grown."""

    help = "Sign every unit's log that has grown, and print the last checkpoint of each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        if production is None:
            raise CommandError(f"there is no production {options['production']!r}")
        try:
            made = checkpoint_production(production=production)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        for note in last_checkpoints(production):
            self.stdout.write(note)
        self.stderr.write(f"{len(made)} new checkpoints")

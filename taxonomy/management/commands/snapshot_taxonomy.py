"""manage.py snapshot_taxonomy --production CODE [--status]: the cost tree as mapped files."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import context
from access.models import Production
from access.selectors import production_by_code
from access.services import console_person
from taxonomy import shelf


class Command(BaseCommand):
    """Writes the next generation, or says how the snapshot stands; exit 1 when none can be used."""

    help = "Write a production's cost tree as Arrow files that all processes of this machine share."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument(
            "--status", action="store_true", help="write nothing, say how it stands"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        if production is None:
            raise CommandError(f"there is no production {options['production']!r}")
        person = console_person()
        with context.acting(user_id=person.pk, production_id=production.pk):
            if not options["status"]:
                made = shelf.write_snapshot(actor=person, production=production)
                self.stdout.write(
                    f"{production.code}: generation {made.generation}, {made.rows:,} nodes, "
                    f"root {made.roots[0][:16]}"
                )
            is_usable = self._say_status(production)
        if not is_usable:
            sys.exit(1)

    def _say_status(self, production: Production) -> bool:
        found = shelf.status(production)
        for fault in found.faults:
            used = f"generation {fault['used']} was used" if fault["used"] else "none was used"
            self.stdout.write(
                f"FAULT  generation {fault['generation']}, found {fault['at']}: "
                f"{fault['problem']}; {used}"
            )
        if found.used is None:
            self.stdout.write(f"{production.code}: no snapshot; nodes are read from the database")
            return False
        self.stdout.write(
            f"{production.code}: generation {found.used.generation} of {found.used.written_at} is "
            f"in use, {found.newer:,} nodes recorded since"
        )
        return True

"""manage.py mappings --production CODE: every version of every source's mapping."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import context
from access.selectors import person_by_email, production_by_code
from access.services import CONSOLE_EMAIL
from ingestion.screens.mappings import registry_view


class Command(BaseCommand):
    """Prints what reads each source now, and what was decided, by whom, and why."""

    help = "List the versions of a production's mappings with what each changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        person = person_by_email(CONSOLE_EMAIL)
        if production is None or person is None:
            raise CommandError(f"there is no production {options['production']!r}")
        with context.acting(user_id=person.pk, production_id=production.pk):
            found = registry_view(production, {})
        sources = [
            {name: source[name] for name in ("name", "built_in", "reads", "decided")}
            for source in found["sources"]
        ]
        if options["json"]:
            self.stdout.write(json.dumps({"sources": sources, "drift": found["entries"]}))
            return
        for source in sources:
            self.stdout.write(f"{source['name']}  ({source['reads']})")
            for version in source["decided"]:
                why = f": {version['reason']}" if version["reason"] else ""
                self.stdout.write(f"  {version['name']}  {version['by']}, {version['at']}{why}")
                for change in version["changes"]:
                    self.stdout.write(f"    {change}")

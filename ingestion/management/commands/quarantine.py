"""manage.py quarantine --production CODE [--json]: every row that is held, and why."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import context
from access.selectors import person_by_email, production_by_code
from access.services import CONSOLE_EMAIL
from ingestion import selectors
from ingestion.models import HeldRow


def held_as_dict(row: HeldRow) -> dict[str, Any]:
    """A held row for people and scripts: where it stands, what is wrong, its payload's hash."""
    return {
        "id": row.pk,
        "file": row.batch.file_name,
        "batch": row.batch_id,
        "row": row.row,
        "line": row.line,
        "codes": row.codes,
        "fields": list(dict.fromkeys(v["field"] for v in row.violations)),
        "violations": row.violations,
        "payload_sha256": bytes(row.payload_sha256).hex(),
        "payload": bytes(row.payload).decode("utf-8", "replace"),
        "state": row.state,
    }


class Command(BaseCommand):
    """One line per held row; with --json one list."""

    help = "List the held rows of a production."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        person = person_by_email(CONSOLE_EMAIL)
        if production is None or person is None:
            raise CommandError(f"there is no production {options['production']!r}")
        with context.acting(user_id=person.pk, production_id=production.pk):
            rows = [held_as_dict(row) for row in selectors.held_rows(production)]
        if options["json"]:
            self.stdout.write(json.dumps(rows))
            return
        for row in rows:
            said = "; ".join(
                f"{v['field']} {v['code']}: expected {v['expected']}, found {v['found']!r}"
                for v in row["violations"]
            )
            self.stdout.write(
                f"{row['file']} line {row['line']}  {said}  payload {row['payload_sha256'][:12]}"
            )
        self.stdout.write(f"{len(rows)} rows held")

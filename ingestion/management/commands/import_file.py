"""manage.py import_file FILE... --production CODE --source SOURCE: import and wait for the end."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import context
from access.errors import Refused
from access.models import Production, User
from access.selectors import person_by_email, production_by_code
from access.services import CONSOLE_EMAIL
from ingestion import selectors, work
from ingestion.models import ImportBatch
from ingestion.services import Receipt, receive_file, unit_for
from ingestion.sources import REGISTRY
from taxonomy.selectors import unit_by_code, units

READ_BYTES = 1 << 20
POLL_SECONDS = 0.1


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            yield piece


class Command(BaseCommand):
    """Prints one line per file; exit 0 when all were taken, 2 when any was rejected."""

    help = "Import cost documents and wait until every row is accounted for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--production", required=True)
        parser.add_argument("--source", required=True, help=", ".join(REGISTRY))
        parser.add_argument("--unit", help="a unit's code; the first unit when not given")
        parser.add_argument("--encoding", help="declare the files' encoding, such as cp1252")
        parser.add_argument("--decimal", choices=[".", ","], help="declare the decimal mark")
        parser.add_argument("--date-format", help="declare the dates' form, such as %%d/%%m/%%Y")
        parser.add_argument("--custodian", help="petty cash: whose float, where no column says so")
        parser.add_argument("--number", help="petty cash: the envelope, where no column says so")
        parser.add_argument("--json", action="store_true", help="one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        person = person_by_email(CONSOLE_EMAIL)
        if production is None or person is None:
            raise CommandError(f"there is no production {options['production']!r}")
        rejected = False
        for path in options["files"]:
            if not path.is_file():
                raise CommandError(f"{path} is not a file")
            try:
                said = self._import(path, production, person, options)
            except Refused as refusal:
                said = {**_blank(path), "state": "rejected", "code": refusal.code}
                said["reason"] = refusal.message
            rejected = rejected or said["state"] == "rejected"
            self._print(said, as_json=options["json"])
        if rejected:
            sys.exit(2)

    def _import(
        self, path: Path, production: Production, person: User, options: dict[str, Any]
    ) -> dict[str, Any]:
        choices = {
            name: options[name]
            for name in ("encoding", "decimal", "date_format", "custodian", "number")
            if options.get(name)
        }
        with context.acting(user_id=person.pk, production_id=production.pk):
            code = options["unit"]
            unit = unit_by_code(production, code) if code else units(production).first()
            receipt = receive_file(
                actor=person,
                production=production,
                name=path.name,
                read=lambda: _pieces(path),
                source=options["source"],
                unit=unit_for(production, unit, code or ""),
                choices=choices,
            )
        was_done = receipt.is_repeat and receipt.batch.state in selectors.FINISHED
        batch = receipt.batch if was_done else self._wait(receipt, production, person)
        return _said(path, batch, is_repeat=was_done)

    def _wait(self, receipt: Receipt, production: Production, person: User) -> ImportBatch:
        """Until the import has ended: by a worker if one has it, else by this process."""
        shown = -1
        while True:
            with context.acting(user_id=person.pk, production_id=production.pk):
                batch = selectors.import_by_id(production, receipt.batch.pk)
                item = selectors.work_of("import", [receipt.batch.pk]).first()
            assert batch is not None
            assert item is not None
            if batch.rows != shown and sys.stderr.isatty():
                self.stderr.write(f"\r{batch.document.name}: {batch.rows:,} rows", ending="")
                shown = batch.rows
            if batch.state in selectors.FINISHED:
                if sys.stderr.isatty():
                    self.stderr.write("")
                return batch
            if item.state == "dead":
                raise CommandError(f"import {batch.pk} failed for good: {item.error}")
            work.sweep()
            claimed = work.claim(only=item.pk)
            if claimed is not None:
                work.do(claimed)
            else:
                time.sleep(POLL_SECONDS)

    def _print(self, said: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(said))
            return
        counts = (
            f"{said['rows']:,} rows = {said['posted']:,} posted + {said['duplicate']:,} duplicate"
            f" + {said['quarantined']:,} quarantined"
        )
        tail = f"  {said['code']}: {said['reason']}" if said["code"] else f"  {counts}"
        self.stdout.write(f"{said['file']}  {said['state']}{tail}")


def _blank(path: Path) -> dict[str, Any]:
    return {
        "file": str(path), "sha256": "", "batch": None, "state": "", "rows": 0, "posted": 0,
        "duplicate": 0, "quarantined": 0, "code": None, "reason": "", "repeat": False,
    }  # fmt: skip


def _said(path: Path, batch: ImportBatch, *, is_repeat: bool) -> dict[str, Any]:
    """The result of one file. A repeated file posts nothing: what it posted before is duplicate."""
    return {
        **_blank(path),
        "sha256": bytes(batch.document.sha256).hex(),
        "batch": batch.pk,
        "state": str(batch.state),
        "rows": batch.rows,
        "posted": 0 if is_repeat else batch.posted,
        "duplicate": batch.duplicate + (batch.posted if is_repeat else 0),
        "quarantined": batch.quarantined,
        "code": batch.code or None,
        "reason": batch.reason,
        "repeat": is_repeat,
    }

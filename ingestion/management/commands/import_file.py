"""manage.py import_file FILE... --production CODE --source SOURCE: import and wait for the end.

With --dry-run nothing is received: each file is taken through the same reading, gate and look-ups,
and what it would do is printed.
"""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from access import context
from access.errors import Refused
from access.models import Production, User
from access.selectors import person_by_email, production_by_code
from access.services import CONSOLE_EMAIL
from ingestion import dry_runs, selectors, work
from ingestion.formats.container import form_of
from ingestion.formats.records import RejectedFile
from ingestion.gate.pipeline import MappingNeeded
from ingestion.layouts.sources import REGISTRY
from ingestion.models import ImportBatch, ImportState
from ingestion.services import Receipt, hash_of, receive_file, unit_for
from ledger.selectors import bank_accounts, document_by_sha256
from taxonomy.selectors import unit_by_code, units

READ_BYTES = 1 << 20
POLL_SECONDS = 0.1
WAITS = {str(ImportState.MAPPING_NEEDED), str(ImportState.OVER_LIMIT)}


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            yield piece


class Command(BaseCommand):
    """Prints one line per file; exit 0 when all were taken, 2 when any was rejected, 3 when any
    waits for a person."""

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
        parser.add_argument("--delimiter", help="declare what separates columns: tab, ; or |")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")
        parser.add_argument(
            "--bank-account", help="a bank account's name, for files that do not say which it is"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        person = person_by_email(CONSOLE_EMAIL)
        if production is None or person is None:
            raise CommandError(f"there is no production {options['production']!r}")
        ended: set[str] = set()
        for path in options["files"]:
            if not path.is_file():
                raise CommandError(f"{path} is not a file")
            try:
                if options["dry_run"]:
                    said = _outlook(path, production, person, options)
                else:
                    said = self._import(path, production, person, options)
            except Refused as refusal:
                said = {**_blank(path), "state": "rejected", "code": refusal.code}
                said["reason"] = refusal.message
            ended.add(said["state"])
            self._print(said, as_json=options["json"])
        if "rejected" in ended:
            sys.exit(2)
        if ended & WAITS:
            sys.exit(3)

    def _import(
        self, path: Path, production: Production, person: User, options: dict[str, Any]
    ) -> dict[str, Any]:
        choices = _choices(options)
        with context.acting(user_id=person.pk, production_id=production.pk):
            if options["bank_account"]:
                choices["bank_account"] = _bank_account(production, options["bank_account"])
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
            if batch.state in selectors.HALTED:
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
        if said["state"] == "dry_run":
            totals = ", ".join(f"{total} {currency}" for currency, total in said["totals"])
            counts = f"would be: {counts}; {totals or 'no amount'}"
        tail = f"  {said['code']}: {said['reason']}" if said["code"] else f"  {counts}"
        self.stdout.write(f"{said['file']}  {said['state']}{tail}")


def _choices(options: dict[str, Any]) -> dict[str, str]:
    names = ("encoding", "delimiter", "decimal", "date_format", "custodian", "number")
    return {name: options[name] for name in names if options.get(name)}


def _outlook(
    path: Path, production: Production, person: User, options: dict[str, Any]
) -> dict[str, Any]:
    """What a file would do, without receiving it."""
    sha256, _ = hash_of(_pieces(path))
    with context.acting(user_id=person.pk, production_id=production.pk):
        code = options["unit"]
        unit = unit_by_code(production, code) if code else units(production).first()
        batch = ImportBatch(
            production=production, file_name=path.name[:150], form=form_of(path.name),
            source=options["source"], unit=unit_for(production, unit, code or ""),
            declared=_choices(options), created_by=person, created_at=timezone.now(),
            document=document_by_sha256(production, sha256),
        )  # fmt: skip
    said = {**_blank(path), "sha256": sha256.hex(), "state": "dry_run"}
    try:
        outlook = dry_runs.look_at_file(
            batch=batch, read=lambda: _pieces(path), beat=lambda _: None
        )
    except MappingNeeded as needed:
        waits = str(ImportState.MAPPING_NEEDED)
        return {**said, "state": waits, "code": needed.code, "reason": needed.reason}
    except RejectedFile as rejection:
        return {**said, "state": "rejected", "code": rejection.code, "reason": rejection.reason}
    return {**said, "mapping": batch.mapping, **outlook.columns()}


def _bank_account(production: Production, name: str) -> str:
    found = bank_accounts(production).filter(name__iexact=name).first()
    if found is None:
        raise CommandError(f"there is no bank account {name!r} on {production.code}")
    return str(found.pk)


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

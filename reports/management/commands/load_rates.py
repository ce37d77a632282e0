"""manage.py load_rates FILE|URL [--production CODE] [--source ecb] [--reason WHY] [--json]."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from access.errors import Refused
from access.selectors import every_production
from access.services import console_person
from ledger.fetching import fetch
from ledger.holes import Converted, take_rates
from ledger.rate_files import MOST_BYTES
from ledger.rates import SOURCES, Loaded, RateFile
from reports.printing import as_console


class Command(BaseCommand):
    """Takes the rates in for one production, or for every one, and fills the holes they fill."""

    help = "Load published reference rates, and convert what waited for them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a daily or history file, plain or zipped, or its URL")
        parser.add_argument("--production", help="one production; all of them when not given")
        parser.add_argument("--source", default="ecb", help=", ".join(SOURCES))
        parser.add_argument("--reason", default="", help="why the file corrects known rates")
        parser.add_argument("--json", action="store_true", help="one JSON object per production")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            file = _file(options["file"], options["source"])
            for code in self._codes(options["production"]):
                with as_console(code) as production:
                    person = console_person()
                    loaded, filled = take_rates(
                        actor=person, production=production, file=file, reason=options["reason"]
                    )
                self._print(code, loaded, filled, as_json=options["json"])
        except Refused as refusal:
            raise CommandError(refusal.message) from None

    def _codes(self, asked: str | None) -> list[str]:
        codes = [asked] if asked else [p.code for p in every_production()]
        if not codes:
            raise CommandError("there is no production yet")
        return codes

    def _print(self, code: str, loaded: Loaded, filled: Converted, *, as_json: bool) -> None:
        said = {
            "production": code,
            "sha256": bytes(loaded.document.sha256).hex(),
            "new": loaded.new,
            "corrected": loaded.corrected,
            "known": loaded.known,
            "outside": loaded.outside,
            "converted": filled.documents,
            "missing": [{"currency": h.currency, "day": str(h.day)} for h in filled.missing],
        }
        if as_json:
            self.stdout.write(json.dumps(said))
            return
        self.stdout.write(
            f"{code}: {loaded.new} days new, {loaded.corrected} corrected, {loaded.known} known, "
            f"{loaded.outside} before the production; {filled.documents} documents converted"
        )
        for hole in filled.missing:
            self.stdout.write(f"  {hole}")


def _file(asked: str, source: str) -> RateFile:
    if "://" in asked:
        data = fetch(asked, settings.RATE_HOSTS)
        return RateFile(asked.rpartition("/")[2] or "rates", data, source, asked)
    path = Path(asked)
    if not path.is_file():
        raise CommandError(f"{asked} is not a file")
    if path.stat().st_size > MOST_BYTES:
        raise CommandError(f"{asked} is larger than {MOST_BYTES:,} bytes")
    return RateFile(path.name, path.read_bytes(), source)

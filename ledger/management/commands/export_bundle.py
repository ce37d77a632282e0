"""manage.py export_bundle --production CODE --out FILE.zip [--with-sources]: the books in files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.errors import Refused
from access.selectors import production_by_code
from ledger.bundle import export_bundle


class Command(BaseCommand):
    """Signs where the logs stand, and writes what an outsider needs to check them."""

    help = "Write an audit bundle that anybody can check without prodacct."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--with-sources", action="store_true", help="the files as received")

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        if production is None:
            raise CommandError(f"there is no production {options['production']!r}")
        try:
            counts = export_bundle(
                production=production, out=options["out"], with_sources=options["with_sources"]
            )
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        except OSError as fault:
            raise CommandError(f"{options['out']}: {fault.strerror}") from None
        told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        self.stdout.write(f"{options['out']}: {told}. Unpack it and read VERIFY.md")

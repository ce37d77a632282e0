"""manage.py prove BATCH/LINE --production CODE --out FILE: the proof of one posting."""

import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.errors import Refused
from access.selectors import production_by_code
from ledger.proofs import proof_of


class Command(BaseCommand):
    """Checked by `verify_bundle.py --proof FILE`, by somebody who may see no other row."""

    help = "Prove that one posting stands in the signed log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("posting", help="batch/line, such as 57/3")
        parser.add_argument("--production", required=True)
        parser.add_argument("--out", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        if production is None:
            raise CommandError(f"there is no production {options['production']!r}")
        named = re.fullmatch(r"([0-9]{1,18})/([0-9]{1,9})", options["posting"], re.ASCII)
        if named is None:
            raise CommandError(f"posting: expected batch/line, found {options['posting']!r}")
        try:
            proof = proof_of(production=production, batch_id=int(named[1]), line_no=int(named[2]))
            options["out"].write_bytes(proof)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        except OSError as fault:
            raise CommandError(f"{options['out']}: {fault.strerror}") from None
        self.stdout.write(f"{options['out']}: check it with verify_bundle.py --proof")

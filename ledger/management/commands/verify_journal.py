"""manage.py verify_journal --production CODE [--json]: recompute everything from live rows."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.selectors import production_by_code
from ledger.verify import record_result, verify_production


class Command(BaseCommand):
    """Exit 0 when whole, 1 with the record named when anything was altered."""

    help = "Recompute the journal of a production and compare it with its seals."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        if production is None:
            raise CommandError(f"there is no production {options['production']!r}")
        result = verify_production(production)
        findings = result.findings
        record_result(production, result)
        counts = {
            name: getattr(result, name)
            for name in (
                "entries",
                "batches",
                "transactions",
                "postings",
                "documents",
                "nodes",
                "checkpoints",
            )
        }
        if options["json"]:
            said = {
                "production": production.code,
                "whole": not findings,
                **counts,
                "findings": [{"record": f.record, "problem": f.problem} for f in findings],
            }
            self.stdout.write(json.dumps(said))
        else:
            for finding in findings:
                self.stdout.write(f"ALTERED  {finding.record}: {finding.problem}")
            told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
            verdict = f"{len(findings)} findings" if findings else "whole"
            self.stdout.write(f"{production.code}: {verdict}. {told}")
        if findings:
            sys.exit(1)

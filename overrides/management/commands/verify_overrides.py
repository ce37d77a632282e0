"""manage.py verify_overrides --production CODE [--json]: who signed what, replayed from the log."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import context
from access.selectors import production_by_code
from overrides.verifying import verify_overrides


class Command(BaseCommand):
    """Exit 0 when every signature holds and every rule was kept, 1 with a line for each problem."""

    help = "Check every override: keys, signatures, quorum, times, and the rows against the log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        if production is None:
            raise CommandError(f"there is no production {options['production']!r}")
        with context.acting(user_id=context.NOBODY, production_id=production.pk):
            tree, problems = verify_overrides(production)
        said = {
            "fallback": tree.fallbacks,
            "founding": tree.founding.hexdigest() if tree.founders else "",
            "overrides": {name: asked.state for name, asked in tree.asked.items()},
            "problems": problems,
            "signatures": tree.signatures,
        }
        if options["json"]:
            self.stdout.write(json.dumps(said, sort_keys=True))
        else:
            for problem in problems:
                self.stdout.write(f"PROBLEM  {problem}")
            for one in tree.fallbacks:
                self.stdout.write(f"FALLBACK {one}")
            verdict = f"{len(problems)} problems" if problems else "everything agrees"
            self.stdout.write(
                f"{verdict}: {len(tree.asked)} overrides, {tree.signatures} signatures "
                f"({len(tree.fallbacks)} fallback), "
                f"founding {said['founding'] or 'none yet'}"
            )
        if problems:
            raise SystemExit(1)

"""manage.py trace NODE --production CODE: from a cost node to its root, every hop recomputed."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import context
from access.selectors import production_by_code
from access.services import console_person
from taxonomy import tracing
from taxonomy.models import CostNode


class Command(BaseCommand):
    """Exit 0 when every hop holds, 1 with the first wrong one in words."""

    help = "Trace a cost node to its root. NODE is a code, or 6 or more digits of a digest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("node", help="an account, department or unit, or digits of a digest")
        parser.add_argument("--production", required=True)
        parser.add_argument("--unit", help="of nodes with one code, the unit's own only")

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        if production is None:
            raise CommandError(f"there is no production {options['production']!r}")
        person = console_person()
        with context.acting(user_id=person.pk, production_id=production.pk):
            found = tracing.wanted_nodes(production, options["node"])
            if unit := options["unit"]:
                found = [n for n in found if n.unit and n.unit.code.upper() == unit.upper()]
            if not found:
                raise CommandError(
                    f"node: {options['node']!r} is no code of {production.code}'s cost tree, and "
                    "no digest in it begins so; give a code, or 6 or more digits of a digest"
                )
            wrong = [fault for node in found if (fault := self._trace(node))]
        if wrong:
            self.stdout.write(f"WRONG  {wrong[0]}")
            sys.exit(1)

    def _trace(self, node: CostNode) -> str:
        """Write the node's way up; the first wrong hop in words, '' when there is none."""
        steps = tracing.trace_node(node)
        for step in steps:
            mark = "WRONG" if step.fault else "ok"
            said = [step.node.kind, step.node.code, step.node.flag]
            self.stdout.write(
                f"{step.hop.recorded.hex()[:8]}  {mark:<5}  {' '.join(filter(None, said))}"
                f"  {step.node.name}"
            )
        self.stdout.write("")
        wrong = tracing.first_wrong(steps)
        return wrong.fault if wrong else ""

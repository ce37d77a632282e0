"""manage.py dead_letters --production CODE [--redrive ID|all | --drop ID|all] [--reason WHY]."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import context
from access.errors import Refused
from access.models import Production, User
from access.selectors import person_by_email, production_by_code
from access.services import CONSOLE_EMAIL
from ingestion import letters, tasks, waiting
from ingestion.tables.letters import DeadLetter


class Command(BaseCommand):
    """Lists what waits, or takes it up again by the console's decision; a worker carries it out."""

    help = "List the dead letters of a production, re-drive or drop them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--production", required=True)
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--redrive", metavar="ID|all", help="take one up again, or all")
        what.add_argument("--drop", metavar="ID|all", help="give one up for good, or all")
        parser.add_argument("--reason", default="", help="why; it stays on record")
        parser.add_argument("--json", action="store_true", help="one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        person = person_by_email(CONSOLE_EMAIL)
        if production is None or person is None:
            raise CommandError(f"there is no production {options['production']!r}")
        action = "redrive" if options["redrive"] else "drop"
        asked = options["redrive"] or options["drop"]
        with context.acting(user_id=person.pk, production_id=production.pk):
            if asked:
                self._decide(person, production, (action, asked), options["reason"])
                return
            for letter in waiting.dead_letters(production):
                self._print(letter, as_json=options["json"])

    def _decide(
        self, person: User, production: Production, what: tuple[str, str], reason: str
    ) -> None:
        action, asked = what
        if asked != "all" and not asked.isdigit():
            raise CommandError(f"--{action}: expected a dead letter's number or all, found {asked}")
        found = waiting.letters_to_decide(production, None if asked == "all" else [int(asked)])
        if not found:
            raise CommandError(f"no dead letter {asked} waits in {production.code}")
        try:
            made = letters.decide(actor=person, letters=found, action=action, reason=reason)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        tasks.wake()
        self.stdout.write(f"{len(made)} decided; a worker carries it out")

    def _print(self, letter: DeadLetter, *, as_json: bool) -> None:
        said = {
            "id": letter.pk, "kind": letter.kind, "state": letter.state, "what": letter.label,
            "source": letter.source, "code": letter.code, "cause": letter.cause,
            "attempts": letter.attempts, "batch": letter.batch_id,
            "sha256": bytes(letter.document.sha256).hex() if letter.document else None,
            "next_try": letter.next_try_at.isoformat() if letter.next_try_at else None,
        }  # fmt: skip
        if as_json:
            self.stdout.write(json.dumps(said))
            return
        self.stdout.write(
            f"{letter.pk}  {letter.state}  {letter.label}  tried {letter.attempts}  {letter.cause}"
        )

"""manage.py history KIND NAME --production CODE [--as-of MOMENT] [--json]."""

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reports.histories import KINDS, as_of, record_named, versions
from reports.printing import as_console


def moment_of(text: str) -> datetime:
    """A moment as people write it, UTC unless it names its zone. Raises CommandError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"--as-of: expected a moment such as 2026-01-31T18:00, found {text[:40]!r}"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Command(BaseCommand):
    """What a vendor, order, fund, account, period or segment was."""

    help = "Print the versions of a record, or how it stood at a past point."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=sorted(KINDS))
        parser.add_argument("name")
        parser.add_argument("--production", required=True)
        parser.add_argument("--as-of", metavar="MOMENT")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        kind, name = options["kind"], options["name"]
        if kind == "period" and not name.isdecimal():
            raise CommandError(f"a period is named by its number, found {name[:20]!r}")
        with as_console(options["production"]) as production:
            found = record_named(production, kind, name)
            every = versions(found) if found is not None else []
        if not every:
            raise CommandError(f"there is no {kind} {name!r}")
        if options["as_of"]:
            version = as_of(every, moment_of(options["as_of"]))
            if version is None:
                raise CommandError(f"{kind} {name} was not there at {options['as_of']}")
            self._print(
                options["json"], version.fields, [f"{k}: {v}" for k, v in version.fields.items()]
            )
            return
        rows = [
            {"at": v.at.isoformat(), "by": v.by, "said": v.said, "changed": v.changed}
            for v in every
        ]
        lines = [
            f"{v.at:%d %b %Y %H:%M:%S UTC}  {v.said} by {v.by}"
            + "".join(
                f"\n    {name}: {old or 'nothing'} > {new or 'nothing'}"
                for name, old, new in v.changed
            )
            for v in every
        ]
        self._print(options["json"], rows, lines)

    def _print(self, as_json: bool, data: Any, lines: list[str]) -> None:
        self.stdout.write(json.dumps(data, indent=2) if as_json else "\n".join(lines))

"""What the report commands share: acting as the console on a production, and the three forms."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.core.management.base import CommandError

from access import context
from access.models import Production
from access.selectors import person_by_email, production_by_code
from access.services import CONSOLE_EMAIL
from ledger.selectors import Standing
from reports import tables


@contextmanager
def as_console(code: str) -> Iterator[Production]:
    """A transaction in which the console acts on the production with this code.

    Raises CommandError when there is none.
    """
    production = production_by_code(code)
    person = person_by_email(CONSOLE_EMAIL)
    if production is None or person is None:
        raise CommandError(f"there is no production {code!r}")
    with context.acting(user_id=person.pk, production_id=production.pk):
        yield production


def log_lines(logs: Sequence[Standing]) -> list[str]:
    """The foot of a printed report: where each log stood, and its last checkpoint. Whoever keeps
    the paper can hold it against a bundle."""
    return ["", *(f"Log {log.head}; {log.signed}" for log in logs)]


def log_facts(logs: Sequence[Standing]) -> list[dict[str, object]]:
    """The same for programs."""
    return [
        {
            "unit": log.unit.code,
            "size": log.size,
            "root": log.root.hex()[:16],
            "checkpoint": None
            if log.checkpoint is None
            else {
                "size": log.checkpoint.size,
                "root": bytes(log.checkpoint.root).hex()[:16],
                "signed_at": log.checkpoint.signed_at.isoformat(),
            },
        }
        for log in logs
    ]


def printed(
    form: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    figures: set[int],
    around: dict[str, object],
) -> str:
    """The rows as a table, CSV or JSON."""
    if form == "csv":
        return tables.as_csv(header, rows, figures).rstrip("\r\n")
    if form == "json":
        return tables.as_json(header, rows, around)
    return tables.as_table(header, rows, figures)

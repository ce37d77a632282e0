"""What a test asks of the books: plain rows, read as the owner, who sees all."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from access.services import console_person, give_membership
from ingestion import selectors, work
from ingestion.desk import resolving
from ingestion.models import HeldRow, ImportBatch, RevisionOutcome, WorkItem
from tests.factories import Film, acting, role


class Entry(NamedTuple):
    """One posting as a person would read it."""

    reference: str
    account: str
    counter: str
    center: str
    amount: str
    currency: str
    base: str | None
    component: str
    tier: str
    rule: str
    week: int
    unit: str


_ENTRIES = """
SELECT t.reference, a.code, k.code, c.code, p.amount, p.currency, p.base_amount, p.component,
       p.line, p.rule, e.number, u.code
FROM ledger_posting p
JOIN ledger_transaction t ON t.production_id = p.production_id AND t.batch_id = p.batch_id
    AND t.number = p.transaction_number
JOIN ledger_account a ON a.id = p.account_id JOIN ledger_account k ON k.id = p.counter_account_id
JOIN taxonomy_costcenter c ON c.id = p.cost_center_id JOIN ledger_period e ON e.id = p.period_id
JOIN taxonomy_unit u ON u.id = p.unit_id
WHERE p.production_id = %s ORDER BY p.batch_id, p.line_no
"""


def entries(film: Film) -> list[Entry]:
    """Every posting of the film, in the order it was posted."""
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES, [film.production.pk])
        rows = cursor.fetchall()
    return [
        Entry(*row[:4], _plain(row[4]), row[5], row[6] and _plain(row[6]), *row[7:]) for row in rows
    ]


def _plain(amount: Decimal) -> str:
    return f"{amount:.2f}"


def money(film: Film) -> list[tuple[str, str, str, str]]:
    """(account, counter account, amount, currency) of every posting."""
    return [(e.account, e.counter, e.amount, e.currency) for e in entries(film)]


def counts(batch: ImportBatch) -> tuple[int, int, int, int]:
    """(rows, posted, duplicate, quarantined)."""
    return batch.rows, batch.posted, batch.duplicate, batch.quarantined


def held(film: Film) -> list[HeldRow]:
    """Every held row of the film, whatever became of it."""
    return list(HeldRow.objects.filter(production=film.production).order_by("batch_id", "row"))


def codes(film: Film) -> dict[int, list[str]]:
    """Row -> codes of the rows that still wait."""
    return {row.row: row.codes for row in held(film) if row.state == "held"}


def table(header: str, rows: Iterable[str]) -> bytes:
    """A CSV file a person could type."""
    return "\n".join([header, *rows, ""]).encode()


def do_the_work(film: Film) -> None:
    """What the worker does: all that waits for this film, in the queue's order, as the worker's own
    database role."""
    with role("worker"):
        ready = WorkItem.objects.filter(production=film.production, state="ready")
        for item in ready.order_by("attempts", "priority", "pk").values_list("pk", flat=True):
            work.drain(only=item)


def decide(
    film: Film,
    row: HeldRow,
    *,
    values: dict[str, str] | None = None,
    action: str = "resubmit",
    reason: str = "",
    mapping: str = "",
) -> RevisionOutcome:
    """Settle a held row at the desk as Amir, and let the worker carry it out."""
    with role("worker"):
        with acting(film, "amir"):
            found = selectors.held_row(film.production, row.pk)
            assert found is not None
            revision = resolving.revise_row(
                actor=film.cast["amir"], row=found, action=action, values=values or {},
                reason=reason, mapping=mapping,
            )  # fmt: skip
            item = selectors.work_of("revision", [revision.pk]).get()
        work.drain(only=item.pk)
    row.refresh_from_db()
    return RevisionOutcome.objects.get(pk=revision.pk)


def log_types(film: Film) -> list[str]:
    """The types of the film's log entries, unit by unit in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT type FROM ledger_logentry WHERE production_id = %s ORDER BY unit_id, seq",
            [film.production.pk],
        )
        return [row[0] for row in cursor.fetchall()]


def put_others_work_away(film: Film) -> None:
    """What other tests left in the queue is not done by a worker that does all it finds."""
    with role("owner"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ingestion_workitem SET run_after = 'infinity'"
            " WHERE state = 'ready' AND production_id <> %s", [film.production.pk],
        )  # fmt: skip


def given(film: Film, name: str, held: str) -> None:
    """One of the cast holds another role from now on."""
    with role("owner"):
        give_membership(
            actor=console_person(), production=film.production, user=film.cast[name], role=held
        )

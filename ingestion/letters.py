"""Dead letters: what is over its limit, was refused or given up is kept, said, and not in the way.

Each is opened in the transaction in which its subject stops, so that nothing lies still unseen.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F
from django.utils import timezone

from access import context
from access.errors import Invalid
from access.models import Production, User
from alerts.services import raise_alert
from ingestion import waiting
from ingestion.layouts.sources import REGISTRY
from ingestion.models import (
    DeskAct,
    HeldRow,
    ImportBatch,
    ImportState,
    RowRevision,
    WorkItem,
)
from ingestion.selectors import FINISHED
from ingestion.tables.letters import DeadLetter, Decision, Threshold

MOST_ROWS = 2_147_483_647
MOST_BYTES = 1 << 40
WORK_WORDS = {
    "import": "an import",
    "revision": "a row that was resubmitted",
    "act": "many held rows settled at once",
    "decision": "what was decided of an import or a dead letter",
    "dry_run": "a dry run",
    "feed": "a vendor's API",
    "notice": "a message about an alert",
}


class OverThreshold(Exception):
    """The file is larger than what goes through without a person; the sentence says by what."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a dead letter is about."""

    kind: str
    subject_id: int
    source: str
    label: str
    batch: ImportBatch | None = None


def open_letter(
    *,
    production: Production,
    subject: Subject,
    code: str,
    cause: str,
    state: str = DeadLetter.State.WAITING,
    next_try_at: datetime | None = None,
    tell_outside: bool = True,
) -> DeadLetter:
    """Say that something did not go through. What has an open letter already is counted up."""
    raise_alert(
        production=production, kind=subject.kind, source=subject.source, outside=tell_outside
    )
    said: dict[str, Any] = {
        "code": code, "cause": cause, "state": state, "next_try_at": next_try_at,
    }  # fmt: skip
    found = waiting.open_letter_of(production, subject.kind, subject.subject_id)
    if found is not None:
        DeadLetter.objects.filter(pk=found.pk).update(attempts=F("attempts") + 1, **said)
        found.refresh_from_db()
        return found
    return DeadLetter.objects.create(
        production=production,
        kind=subject.kind,
        subject_id=subject.subject_id,
        source=subject.source,
        label=subject.label[:200],
        document=subject.batch.document if subject.batch else None,
        batch=subject.batch,
        **said,
    )


def settle_letter(production_id: int, kind: str, subject_id: int, state: str) -> int:
    """The subject has gone through, or was dropped; how many letters that settled."""
    return DeadLetter.objects.filter(
        production_id=production_id, kind=kind, subject_id=subject_id
    ).exclude(state__in=waiting.SETTLED).update(
        state=state, settled_at=timezone.now(), next_try_at=None
    )  # fmt: skip


def set_threshold(
    *, actor: User, production: Production, source: str, most: tuple[int, int], reason: str
) -> Threshold:
    """From now on files of this source ('' for every one) above (rows, bytes) wait for a person."""
    if source and source not in REGISTRY:
        raise Invalid(f"source: expected one of {', '.join(REGISTRY)}, found {source!r}")
    rows, size = most
    if not (0 < rows <= MOST_ROWS and 0 < size <= MOST_BYTES):
        raise Invalid(f"limit: expected rows and bytes above zero, found {rows:,} and {size:,}")
    return Threshold.objects.create(
        production=production, source=source, most_rows=rows, most_bytes=size,
        reason=_reason(reason), made_by=actor,
    )  # fmt: skip


def _reason(reason: str) -> str:
    said = "".join(c for c in reason if c.isprintable()).strip()
    if not said:
        raise Invalid("reason: say why; it stays on record with your name")
    return said[:2000]


def decide(*, actor: User, letters: list[DeadLetter], action: str, reason: str) -> list[Decision]:
    """Take dead letters up again, or drop them, by a named person for a reason; the worker does
    it. Letters somebody else has decided meanwhile are left out."""
    if action not in {"redrive", "drop"}:
        raise Invalid(f"action: expected redrive or drop, found {action!r}")
    said = _reason(reason)
    made = []
    for letter in letters:
        moved = DeadLetter.objects.filter(pk=letter.pk, state__in=waiting.DECIDABLE).update(
            state=DeadLetter.State.DECIDED
        )
        if moved == 1:
            made.append(record(actor, action, said, letter, letter.batch))
    if letters and not made:
        raise Invalid("these are not waiting any more; look at the list again")
    return made


def record(
    actor: User, action: str, reason: str, letter: DeadLetter | None, batch: ImportBatch | None
) -> Decision:
    """Keep what a person decided, and queue it for the worker."""
    about = letter or batch
    assert about is not None
    decision = Decision.objects.create(
        production_id=about.production_id, action=action, letter=letter, batch=batch,
        reason=reason, made_by=actor,
    )  # fmt: skip
    WorkItem.objects.create(
        production_id=about.production_id, kind="decision", subject_id=decision.pk, priority=10
    )
    return decision


def cancel_import(*, actor: User, batch: ImportBatch, reason: str) -> Decision:
    """End an import that waits or runs. What it has posted stays posted, and its page says so."""
    said = _reason(reason)
    if not move_to_cancelled(actor, batch, said):
        raise Invalid(f"batch {batch.pk} has ended already; open it again to see how")
    return record(actor, "cancel", said, None, batch)


def move_to_cancelled(actor: User, batch: ImportBatch, reason: str) -> bool:
    """Cancel the import unless it has ended; whether it was. Its code stays empty until the worker
    has written the end into the unit's log.

    The row's lock decides between this and a worker's chunk: the chunk is posted whole and counted
    before, or not at all.
    """
    moved = (
        ImportBatch.objects.filter(pk=batch.pk)
        .exclude(state__in=FINISHED)
        .update(
            state=ImportState.CANCELLED,
            code="",
            reason=f"Cancelled by {actor}: {reason}",
            finished_at=timezone.now(),
        )
    )
    return moved == 1


def bury_dead_work() -> int:
    """Open a dead letter for each work item that was given up and has none; how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, production_id FROM ingestion_workitem"
            " WHERE state = 'dead' AND letter <> 'buried' ORDER BY id"
        )
        dead = cursor.fetchall()
    return sum(_bury(item_id, production_id) for item_id, production_id in dead)


def _bury(item_id: int, production_id: int) -> int:
    with context.acting(user_id=context.NOBODY, production_id=production_id):
        # Whoever moves it writes the letter, in the same transaction.
        moved = (
            WorkItem.objects.filter(pk=item_id, state="dead")
            .exclude(letter="buried")
            .update(letter="buried")
        )
        if moved != 1:
            return 0
        item = WorkItem.objects.select_related("production").get(pk=item_id)
        batch = _batch_of(item)
        # Only the fault's name: its text may hold a row's figures.
        fault = item.error.partition("(")[0].strip() or "a fault"
        cause = (
            f"The work was tried {item.attempts:,} times and given up; the last fault was: "
            f"{fault}. The worker's log says more. Put right what is wrong, then re-drive it."
        )
        if item.kind == "import" and batch is not None:
            ImportBatch.objects.filter(pk=batch.pk).exclude(state__in=FINISHED).update(
                state=ImportState.FAILED, code="E_WORK", reason=cause
            )
        label = WORK_WORDS.get(item.kind, item.kind)
        open_letter(
            production=item.production,
            subject=Subject(
                "work", item.pk, batch.source if batch else "",
                f"{label} of {batch.file_name}" if batch else label, batch,
            ),
            code="E_WORK", cause=cause, state=DeadLetter.State.GIVEN_UP,
            # A message that could not be sent is no reason to send another.
            tell_outside=item.kind != "notice",
        )  # fmt: skip
    return 1


def _batch_of(item: WorkItem) -> ImportBatch | None:
    """The import a work item belongs to, where it belongs to one."""
    if item.kind == "revision":
        revision = RowRevision.objects.select_related("held_row__batch").get(pk=item.subject_id)
        return revision.held_row.batch
    if item.kind == "import":
        return ImportBatch.objects.select_related("document").get(pk=item.subject_id)
    return None


def stop_act(item: WorkItem) -> None:
    """The rows of an act whose work was dropped are anybody's to settle again."""
    DeskAct.objects.filter(pk=item.subject_id, finished_at=None).update(
        state="stopped", finished_at=timezone.now()
    )


def release_row(item: WorkItem) -> None:
    """A resubmitted row whose work was dropped waits on the desk again."""
    revision = RowRevision.objects.get(pk=item.subject_id)
    HeldRow.objects.filter(pk=revision.held_row_id, state="resubmitted").update(state="held")

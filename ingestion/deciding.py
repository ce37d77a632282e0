"""Carrying out what a person decided of a dead letter or of an import, as the worker."""

from django.utils import timezone

from access import context
from access.selectors import actions_on
from ingestion import feeds, letters, waiting
from ingestion.backoff import TryLater
from ingestion.models import ImportBatch, ImportState, WorkItem
from ingestion.services import NoLongerAllowed, log_end, run_import
from ingestion.tables.letters import DeadLetter, Decision


def run_decision(*, decision_id: int, production_id: int, user_id: int) -> None:
    """Carry one decision out. A letter that is not decided any more has been dealt with, so doing
    it twice changes nothing."""
    with context.acting(user_id=user_id, production_id=production_id):
        decision = waiting.decision_by_id(production_id, decision_id)
    if decision.action == "read":
        # Its mapping was accepted; an import taken up twice posts once.
        batch = decision.batch
        assert batch is not None
        run_import(import_id=batch.pk, production_id=production_id, user_id=batch.created_by_id)
        return
    with context.acting(user_id=user_id, production_id=production_id):
        if "import_files" not in actions_on(decision.made_by, decision.production):
            raise NoLongerAllowed(f"{decision.made_by} may no longer decide this here")
        if decision.action == "cancel":
            _end_cancelled(decision)
            return
        assert decision.letter is not None
        letter = DeadLetter.objects.select_for_update().get(pk=decision.letter.pk)
        if letter.state != DeadLetter.State.DECIDED:
            return
        if decision.action == "drop":
            _drop(decision, letter)
        else:
            _take_up(letter, decision)


def _ready(kind: str, subject_id: int) -> None:
    """Put a work item that has ended back into the queue, as if it were new."""
    item = WorkItem.objects.select_for_update().get(kind=kind, subject_id=subject_id)
    if item.state == "running":
        # Its worker has written how it ended and not yet that it has: it would never be taken up.
        raise TryLater(1.0)
    WorkItem.objects.filter(pk=item.pk).update(
        state="ready", attempts=0, failures=0, run_after=timezone.now()
    )


def _take_up(letter: DeadLetter, decision: Decision) -> None:
    if letter.kind == "call":
        goes_on = feeds.redrive_run(
            actor=decision.made_by, run_id=letter.subject_id,
            production_id=letter.production_id, code=letter.code,
        )  # fmt: skip
        if not goes_on:
            letters.settle_letter(letter.production_id, "call", letter.subject_id, "done")
            return
        _ready("feed", letter.subject_id)
        DeadLetter.objects.filter(pk=letter.pk).update(
            state=DeadLetter.State.RETRYING, next_try_at=timezone.now()
        )
        return
    if letter.kind == "file":
        ImportBatch.objects.filter(pk=letter.subject_id, state=ImportState.OVER_LIMIT).update(
            state=ImportState.RECEIVED, past_limit=True, code="", reason=""
        )
        _ready("import", letter.subject_id)
        letters.settle_letter(letter.production_id, "file", letter.subject_id, "done")
        return
    item = WorkItem.objects.get(pk=letter.subject_id)
    if item.kind == "import":
        ImportBatch.objects.filter(pk=item.subject_id, state=ImportState.FAILED).update(
            state=ImportState.RECEIVED, code="", reason=""
        )
    _ready(item.kind, item.subject_id)
    WorkItem.objects.filter(pk=item.pk).update(letter="redriven")
    DeadLetter.objects.filter(pk=letter.pk).update(
        state=DeadLetter.State.RETRYING, next_try_at=timezone.now()
    )


def _drop(decision: Decision, letter: DeadLetter) -> None:
    """What was received stays where it is kept; it is only not tried again."""
    if letter.kind == "call":
        feeds.drop_run(letter.subject_id)
    if letter.kind == "work":
        item = WorkItem.objects.get(pk=letter.subject_id)
        WorkItem.objects.filter(pk=item.pk).exclude(state="running").update(state="done")
        if item.kind == "revision":
            letters.release_row(item)
        elif item.kind == "act":
            letters.stop_act(item)
    if letter.batch_id is not None and not _is_rows_work(letter):
        _cancel(decision)
    letters.settle_letter(letter.production_id, letter.kind, letter.subject_id, "dropped")


def _is_rows_work(letter: DeadLetter) -> bool:
    return (
        letter.kind == "work"
        and not WorkItem.objects.filter(pk=letter.subject_id, kind="import").exists()
    )


def _cancel(decision: Decision) -> None:
    """The import of a dropped letter ends as cancelled."""
    batch = decision.batch
    assert batch is not None
    if letters.move_to_cancelled(decision.made_by, batch, decision.reason):
        _log_cancelled(batch)


def _log_cancelled(batch: ImportBatch) -> bool:
    """Write into the log that an import was cancelled, once; whether it was now."""
    # The mark says that the log has its entry: a decision carried out twice adds no second.
    unsaid = ImportBatch.objects.filter(pk=batch.pk, state=ImportState.CANCELLED, code="")
    if unsaid.update(code="E_CANCELLED") != 1:
        return False
    batch.refresh_from_db()
    log_end(batch)
    return True


def _end_cancelled(decision: Decision) -> None:
    """What is left to do for an import that was cancelled: its entry in the log, its letters."""
    batch = decision.batch
    assert batch is not None
    if not _log_cancelled(batch):
        return
    item = WorkItem.objects.get(kind="import", subject_id=batch.pk)
    WorkItem.objects.filter(pk=item.pk, state="dead").update(state="done")
    for kind, subject_id in (("file", batch.pk), ("work", item.pk)):
        letters.settle_letter(batch.production_id, kind, subject_id, "dropped")

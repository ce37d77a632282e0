"""The quarantine desk: fix a held row and resubmit it through the same gate, or reject it."""

import json
import re
from collections.abc import Sequence

from django.db import transaction

from access import context
from access.errors import Invalid
from access.models import User
from access.selectors import actions_on
from ingestion import selectors
from ingestion.desk import undoing
from ingestion.desk.settling import Asked, Readers, reject, settle
from ingestion.gate import likeness
from ingestion.layouts.mapping import ALL_FIELDS
from ingestion.models import HeldRow, RevisionOutcome, RowRevision, WorkItem
from ingestion.services import NoLongerAllowed
from ledger import services as posting

# What PostgreSQL cannot keep: NUL and halves of a surrogate pair.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@transaction.atomic
def revise_row(
    *,
    actor: User,
    row: HeldRow,
    action: str,
    values: dict[str, str],
    reason: str,
    mapping: str = "",
) -> RowRevision:
    """Record what a person decided of a held row, and queue it for the gate.

    `mapping` names the version it is read again by, where that is not its import's own.
    `release` says that it is no duplicate of the invoice it is like. Raises Invalid when the row
    does not wait any more, or is rejected or released without a reason.
    """
    _check_asked(row, action, values, reason)
    if action == "undo":
        step = undoing.check_undo(row, actions_on(actor, row.production), reason)
        values, from_state = step.was, "" if step.kind == "posting" else row.state
    else:
        from_state = "held"
    revision = RowRevision.objects.create(
        production_id=row.production_id,
        held_row=row,
        action=action,
        values=values,
        was={name: (row.cells or {}).get(name, "") for name in values},
        reason=reason.strip(),
        mapping=mapping,
        made_by=actor,
    )
    if from_state:
        # After the revision: the database lets a rejected row go back only where one says so.
        moved = HeldRow.objects.filter(pk=row.pk, state=from_state).update(state="resubmitted")
        if moved != 1:
            raise Invalid(
                f"row {row.row} is not {from_state} any more; open it again to see what became "
                "of it"
            )
    WorkItem.objects.create(
        production_id=row.production_id, kind="revision", subject_id=revision.pk, priority=50
    )
    return revision


def _check_asked(row: HeldRow, action: str, values: dict[str, str], reason: str) -> None:
    if action not in {"resubmit", "reject", "release", "undo"}:
        raise Invalid(f"action: expected resubmit, reject, release or undo, found {action!r}")
    if action == "reject" and not reason.strip():
        raise Invalid("reason: say why the row is rejected; it stays on record")
    if action == "release":
        check_release(row.codes, values, reason)
    unknown = sorted(set(values) - set(ALL_FIELDS))
    if unknown:
        raise Invalid(f"fields: {', '.join(unknown)} is no field of such a row")
    for name, text in {**values, "reason": reason}.items():
        if UNSTORABLE.search(text):
            raise Invalid(f"{name}: delete the invisible character and resubmit")


def check_release(codes: Sequence[str], values: dict[str, str], reason: str) -> None:
    """Raises Invalid unless this can be said to be no duplicate: as it stands, and why."""
    if likeness.CODE not in codes:
        raise Invalid("action: only what is held as a near duplicate is released as none")
    if values:
        raise Invalid(
            "fields: released is the row as it is held. Resubmit what you have changed; it is "
            "compared again"
        )
    if not reason.strip():
        raise Invalid("reason: say why it is not a duplicate; it stays on record")


def run_revision(*, revision_id: int, production_id: int, user_id: int) -> None:
    """Carry out one decision. A revision has one outcome, so doing it twice changes nothing."""
    with context.acting(user_id=user_id, production_id=production_id):
        _carry_out(revision_id)


def _carry_out(revision_id: int) -> None:
    revision = RowRevision.objects.select_related("made_by", "production").get(pk=revision_id)
    if RevisionOutcome.objects.filter(pk=revision.pk).exists():
        return
    row = selectors.held_row(revision.production, revision.held_row_id)
    assert row is not None
    if "resolve_quarantine" not in actions_on(revision.made_by, row.production):
        raise NoLongerAllowed(f"{revision.made_by} may no longer resolve held rows here")
    if revision.action == "undo":
        log_outcome(revision, row, undoing.carry_undo(revision, row).outcome)
        return
    is_released = revision.action == "release"
    asked = [Asked(row, revision.pk, revision.values, revision.mapping, is_released)]
    if revision.action == "reject":
        ends = reject(production=row.production, asked=asked)
    else:
        ends = settle(
            actor=revision.made_by, production=row.production, asked=asked,
            name=f"revision|{revision.pk}", readers=Readers(),
        )  # fmt: skip
    if ends[0].outcome != "held":
        # A row held again is at no end yet.
        log_outcome(revision, row, ends[0].outcome)


def log_outcome(revision: RowRevision, row: HeldRow, outcome: str) -> None:
    """What became of the row, in its unit's log."""
    said = {
        "action": revision.action,
        "import": str(row.batch_id),
        "outcome": outcome,
        "payload": bytes(row.payload_sha256).hex(),
        "person": str(revision.made_by_id),
        "reason": revision.reason,
        "row": str(row.row),
        "values": revision.values,
    }
    posting.append_entry(
        production=row.production,
        unit=row.batch.unit,
        entry_type="resolve",
        data=json.dumps(said, sort_keys=True, separators=(",", ":")),
    )

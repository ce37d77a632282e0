"""The quarantine desk: fix a held row and resubmit it through the same gate, or reject it."""

import json
import re

from access import context
from access.errors import Invalid
from access.models import User
from access.selectors import actions_on
from ingestion import selectors
from ingestion.mapping import ALL_FIELDS
from ingestion.models import HeldRow, RevisionOutcome, RowRevision, WorkItem
from ingestion.services import NoLongerAllowed
from ingestion.settling import Asked, End, Readers, reject, settle
from ledger import services as posting

# What PostgreSQL cannot keep: NUL and halves of a surrogate pair.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


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
    Raises Invalid when the row does not wait any more, or is rejected without a reason.
    """
    if action not in {"resubmit", "reject"}:
        raise Invalid(f"action: expected resubmit or reject, found {action!r}")
    if action == "reject" and not reason.strip():
        raise Invalid("reason: say why the row is rejected; it stays on record")
    unknown = sorted(set(values) - set(ALL_FIELDS))
    if unknown:
        raise Invalid(f"fields: {', '.join(unknown)} is no field of such a row")
    for name, text in {**values, "reason": reason}.items():
        if UNSTORABLE.search(text):
            raise Invalid(f"{name}: delete the invisible character and resubmit")
    moved = HeldRow.objects.filter(pk=row.pk, state="held").update(state="resubmitted")
    if moved != 1:
        raise Invalid(f"row {row.row} is not held any more; open it again to see what became of it")
    revision = RowRevision.objects.create(
        production_id=row.production_id,
        held_row=row,
        action=action,
        values=values,
        reason=reason.strip(),
        mapping=mapping,
        made_by=actor,
    )
    WorkItem.objects.create(
        production_id=row.production_id, kind="revision", subject_id=revision.pk, priority=50
    )
    return revision


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
    asked = [Asked(row, revision.pk, revision.values, revision.mapping)]
    if revision.action == "reject":
        ends = reject(production=row.production, asked=asked)
    else:
        ends = settle(
            actor=revision.made_by, production=row.production, asked=asked,
            name=f"revision|{revision.pk}", readers=Readers(),
        )  # fmt: skip
    _say(revision, ends[0])


def _say(revision: RowRevision, end: End) -> None:
    """What became of the row, in its unit's log; a row held again is at no end yet."""
    if end.outcome == "held":
        return
    row = end.asked.row
    said = {
        "action": revision.action,
        "import": str(row.batch_id),
        "outcome": end.outcome,
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

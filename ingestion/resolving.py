"""The quarantine desk: fix a held row and resubmit it through the same gate, or reject it."""

import hashlib
import json
import re

from django.db import IntegrityError
from django.utils import timezone

from access import context
from access.errors import Invalid
from access.models import User
from access.selectors import actions_on
from ingestion import selectors
from ingestion.formats.records import Record, RejectedFile
from ingestion.identity import Identities
from ingestion.mapping import FIELDS
from ingestion.models import (
    HeldRow,
    ImportBatch,
    ImportState,
    RevisionOutcome,
    RowRevision,
    WorkItem,
)
from ingestion.pipeline import cause_of
from ingestion.reading import gate_and_drafter, mapping_of_import
from ingestion.schema import CleanLine, Violation, codes_of
from ingestion.services import NoLongerAllowed
from ledger import selectors as ledger
from ledger import services as posting
from ledger.rates import log_conversions
from ledger.services import BatchHeader

# What PostgreSQL cannot keep: NUL and halves of a surrogate pair.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def revise_row(
    *, actor: User, row: HeldRow, action: str, values: dict[str, str], reason: str
) -> RowRevision:
    """Record what a person decided of a held row, and queue it for the gate.

    Raises Invalid when the row does not wait any more, or is rejected without a reason.
    """
    if action not in {"resubmit", "reject"}:
        raise Invalid(f"action: expected resubmit or reject, found {action!r}")
    if action == "reject" and not reason.strip():
        raise Invalid("reason: say why the row is rejected; it stays on record")
    unknown = sorted(set(values) - set(FIELDS))
    if unknown:
        raise Invalid(f"fields: {', '.join(unknown)} is not a field of a cost line")
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
        made_by=actor,
    )
    WorkItem.objects.create(
        production_id=row.production_id, kind="revision", subject_id=revision.pk, priority=50
    )
    return revision


def run_revision(*, revision_id: int, production_id: int, user_id: int) -> None:
    """Carry out one decision. A revision has one outcome, so doing it twice changes nothing."""
    with context.acting(user_id=user_id, production_id=production_id):
        revision = RowRevision.objects.select_related("made_by", "production").get(pk=revision_id)
        if RevisionOutcome.objects.filter(pk=revision.pk).exists():
            return
        row = selectors.held_row(revision.production, revision.held_row_id)
        assert row is not None
        if "resolve_quarantine" not in actions_on(revision.made_by, row.production):
            raise NoLongerAllowed(f"{revision.made_by} may no longer resolve held rows here")
        if revision.action == "reject":
            _end(row, revision, "rejected", [])
            return
        _resubmit(row, revision)


def _resubmit(row: HeldRow, revision: RowRevision) -> None:
    batch = row.batch
    mapping = mapping_of_import(batch)
    try:
        gate, drafter = gate_and_drafter(batch, mapping)
    except RejectedFile as refusal:
        fault = Violation("row", refusal.code, "a chart with its clearing accounts", "",
                          refusal.reason)  # fmt: skip
        _hold_again(row, revision, [fault])
        return
    cells = {**(row.cells or {}), **revision.values}
    line = gate.clean(tuple(cells.get(name, "") for name in FIELDS))
    if not isinstance(line, CleanLine):
        _hold_again(row, revision, line)
        return
    identities = Identities(mapping)
    key, facts = _free_identity(batch, identities, line)
    known = ledger.posted_documents(batch.production, [key]).get(key)
    if known is not None:
        if identities.is_same(line, facts, known[0]):
            _end(row, revision, "duplicate", [], known[1])
        else:
            conflict = Violation(
                "reference", "E_CONFLICT", "the facts already posted under this document's number",
                line.transaction_id or line.reference,
                "reverse and reissue the posted document, or reject this row",
            )  # fmt: skip
            _hold_again(row, revision, [conflict])
        return
    earlier = ledger.posted_rows(batch.production, batch.document, row.row, row.row)
    if earlier:
        # The same bytes read as another source: that reading has posted this row.
        _end(row, revision, "duplicate", [], earlier[row.row][0])
        return
    record = Record(row.row, row.line, row.byte_start, row.byte_end, None, None, b"")
    draft = drafter.draft(line, record, key, facts)
    posted = posting.post_batch(
        actor=revision.made_by,
        header=BatchHeader(
            production=batch.production,
            unit_id=line.unit_id,
            kind="import",
            key=hashlib.sha256(f"revision|{revision.pk}".encode()).digest(),
            document=batch.document,
            origin=f"{batch.mapping}, fixed",
        ),
        drafts=[draft],
    )
    log_conversions(posted, [draft], drafter.rates)
    _end(row, revision, "posted", [], posted.pk)


def _free_identity(
    batch: ImportBatch, identities: Identities, line: CleanLine
) -> tuple[bytes, bytes]:
    """The row's identity: the first of equal documents' numbers its own file has not taken.

    Rows held and fixed later come after their equals of the same file; a document posted from
    another file keeps its number, and this row is then its duplicate. A number the row itself
    states is never counted on: its key comes back the same.
    """
    before = b""
    while True:
        key, facts = identities.of(line)
        known = ledger.posted_documents(batch.production, [key]).get(key)
        if known is None or known[3] != batch.document_id or key == before:
            return key, facts
        before = key


def _hold_again(row: HeldRow, revision: RowRevision, violations: list[Violation]) -> None:
    said = [v._asdict() for v in violations]
    HeldRow.objects.filter(pk=row.pk, state="resubmitted").update(
        state="held",
        cells={**(row.cells or {}), **revision.values},
        violations=said,
        codes=codes_of(violations),
        cause=cause_of(violations[0]),
    )
    RevisionOutcome.objects.create(
        revision=revision, production_id=row.production_id, outcome="held", violations=said
    )


def _end(
    row: HeldRow,
    revision: RowRevision,
    outcome: str,
    violations: list[Violation],
    batch_id: int | None = None,
) -> None:
    """The row leaves the desk: its state, the import's counters and the log, together."""
    moved = HeldRow.objects.filter(pk=row.pk, state="resubmitted").update(
        state=outcome, resolved_at=timezone.now()
    )
    if moved != 1:
        raise IntegrityError(f"held row {row.pk} has left the desk already")
    RevisionOutcome.objects.create(
        revision=revision,
        production_id=row.production_id,
        outcome=outcome,
        violations=[v._asdict() for v in violations],
        batch_id=batch_id,
    )
    if outcome in {"posted", "duplicate"}:
        _count(row.batch, outcome)
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


def _count(batch: ImportBatch, outcome: str) -> None:
    """One row fewer is held, one more is posted or a duplicate; rejected rows stay counted."""
    now = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    now.quarantined -= 1
    now.posted += outcome == "posted"
    now.duplicate += outcome == "duplicate"
    if now.state == ImportState.POSTED_WITH_QUARANTINE and now.quarantined == 0:
        now.state = ImportState.POSTED
    now.save(update_fields=["quarantined", "posted", "duplicate", "state"])

"""Taking back what a person did with one held row: always by a step more, never by erasing one.

A fix that has not posted is offset: the fields say again what they said before. A rejection puts
the row back on the desk. What has posted is reversed in the ledger, once, in an open period: the
row stays settled, for its document stands with its reversal, and is not posted a second time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from access.errors import Invalid, Refused
from access.models import Production
from access.selectors import actions_on
from ingestion import banking, selectors
from ingestion.desk.settling import Asked, Readers, put_back
from ingestion.gate.schema import Violation
from ingestion.models import HeldRow, RevisionOutcome, RowRevision
from ingestion.reading import mapping_of_import
from ledger import corrections
from ledger import selectors as ledger
from ledger.models import Transaction
from overrides.models import Override
from overrides.states import EXECUTED
from purchasing import selectors as purchasing
from purchasing.papers import void_paper

# Reversing a posted document needs the right to, besides the right to settle held rows.
NEEDED = "post_entries"


@dataclass(frozen=True, slots=True)
class Step:
    """A step that can be taken back: `fix` (with what the fields said before), `rejection`, or
    `posting` (with the document it became)."""

    kind: str
    revision: RowRevision
    was: dict[str, str]
    document: Transaction | None = None


def last_step(row: HeldRow) -> Step | None:
    """The step of this row that can be taken back now, if there is one: the last, and only once
    it has its outcome."""
    steps = selectors.revisions(row)
    if not steps or steps[-1][1] is None:
        return None
    revision = steps[-1][0]
    if row.state == "rejected" and revision.action == "reject":
        return Step("rejection", revision, {})
    if row.state == "held" and revision.action == "resubmit" and revision.was:
        is_row = not (banking.is_banks(row.batch) or mapping_of_import(row.batch).paper)
        return Step("fix", revision, revision.was) if is_row else None
    became = _became(row, steps) if row.state == "posted" else None
    if _unratified(row) is not None:
        return None
    if became is None or ledger.reversal_of(row.production, *_key(became)) is not None:
        return None
    return Step("posting", revision, {}, became)


def _unratified(row: HeldRow) -> Override | None:
    """The override the row was posted under, while it may still be taken back unratified."""
    made = RowRevision.objects.filter(
        production_id=row.production_id, held_row=row, action="waive", override__state=EXECUTED
    )
    found = made.select_related("override").first()
    return found.override if found else None


def _became(
    row: HeldRow, steps: Sequence[tuple[RowRevision, RevisionOutcome | None]]
) -> Transaction | None:
    """The document a settled row became; None for a draft, a bank's line, or one that is hidden."""
    posted = [said.batch_id for _, said in steps if said is not None and said.outcome == "posted"]
    if not posted or not posted[-1]:
        return None
    return ledger.document_of_row(row.production, posted[-1], row.batch.document_id, row.row)


def _key(document: Transaction) -> tuple[int, int]:
    return document.batch_id, document.number


def check_undo(row: HeldRow, actions: frozenset[str] | set[str], reason: str) -> Step:
    """The step that is to be taken back. Raises Invalid where none can be, or nobody says why, and
    Refused where it takes a right the person has not."""
    under = _unratified(row)
    if under is not None:
        raise Refused(
            f"The row was posted under {under.reference}, which waits to be ratified: it is taken "
            "back by itself unless that is done in time."
        )
    step = last_step(row)
    if step is None:
        raise Invalid(
            "undo: nothing here can be taken back any more; open the row again to see what became "
            "of it"
        )
    if not reason.strip():
        raise Invalid("reason: say why it is taken back; it stays on record")
    if step.kind == "posting":
        if NEEDED not in actions:
            raise Refused(
                "The row is posted: to take it back is to reverse its document, and you may settle "
                "held rows but not enter corrections here. Ask a production accountant."
            )
        assert step.document is not None
        corrections.posted(row.production, *_key(step.document))
    return step


def carry_undo(revision: RowRevision, row: HeldRow) -> RevisionOutcome:
    """Take the step back, as the worker. What the ledger refuses is said as the outcome."""
    asked = Asked(row, revision.pk, revision.values)
    if row.state == "resubmitted":
        return put_back(row.production, asked, Readers())
    try:
        if NEEDED not in actions_on(revision.made_by, row.production):
            raise Refused(f"{revision.made_by} may no longer enter corrections here")
        with transaction.atomic():
            batch_id = _reverse(revision, row)
    except Refused as refusal:
        said = Violation("row", "E_REFUSED", "a document that can be reversed", "", refusal.message)
        return _ended(revision, "refused", [said])
    return _ended(revision, "undone", [], batch_id)


def _reverse(revision: RowRevision, row: HeldRow) -> int:
    """Reverse what the row became, on its own day or in the first period open since."""
    found = _became(row, selectors.revisions(row))
    if found is None:
        raise Refused("what it became is not there any more for whoever asks")
    reason = f"Undo of row {row.row} of {row.batch.file_name}: {revision.reason}"
    production: Production = row.production
    paper = purchasing.paper_of(production, *_key(found))
    if paper is not None and not paper.is_void:
        return void_paper(
            actor=revision.made_by, production=production, entry_id=paper.entry.pk,
            day=found.effective_date, reason=reason,
        ).pk  # fmt: skip
    return corrections.reverse_document(
        actor=revision.made_by, production=production, key=_key(found), day=found.effective_date,
        reason=reason,
    ).pk  # fmt: skip


def _ended(
    revision: RowRevision, outcome: str, said: list[Violation], batch_id: int | None = None
) -> RevisionOutcome:
    return RevisionOutcome.objects.create(
        revision=revision, production_id=revision.production_id, outcome=outcome,
        violations=[v._asdict() for v in said], batch_id=batch_id,
    )  # fmt: skip

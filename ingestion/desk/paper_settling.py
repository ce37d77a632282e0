"""Held rows of documents: one row put right has the whole document looked at again.

Its rows are found by what they say, so that a row whose number is corrected joins the document of
that number. Rows of it that nobody asked about move with it: entered with it, or held for the row
that is still wrong.
"""

from collections.abc import Sequence
from typing import NamedTuple

from access.models import User
from access.selectors import actions_on
from ingestion.formats.records import Record
from ingestion.gate.paper_check import NAMES
from ingestion.gate.paper_rows import Document, Part, key_of
from ingestion.gate.schema import Gate, Violation
from ingestion.models import HeldRow, ImportBatch
from ingestion.paper_import import NEEDED, desk_for


class Settled(NamedTuple):
    """What became of one held row of a document."""

    row: HeldRow
    outcome: str
    violations: list[Violation]
    batch_id: int | None


def settle_documents(
    actor: User, batch: ImportBatch, gate: Gate, asked: Sequence[tuple[HeldRow, dict[str, str]]]
) -> list[Settled]:
    """Look again at the documents of these rows, given with their fields as they are to be read.

    The caller holds the import's row, so that nobody settles another row of a document meanwhile.
    """
    if NEEDED not in actions_on(actor, batch.production):
        refusal = Violation(
            "row", "E_RIGHTS", "somebody who may enter documents", str(actor),
            f"ask a production accountant to resubmit it: a {NAMES[gate.mapping.paper]} is entered "
            "by its rows",
        )  # fmt: skip
        return [Settled(row, "held", [refusal], None) for row, _ in asked]
    desk = desk_for(actor, batch, gate, origin=f"{gate.mapping.name}, fixed", has_spans=True)
    fixed = {row.pk: cells for row, cells in asked}
    rows = {row.pk: row for row, _ in asked}
    settled: list[Settled] = []
    for key, mine in _by_document(asked).items():
        number = fixed[mine[0]].get("reference", "")
        others = _others(batch, key, number, set(fixed)) if key else []
        busy = next((row for row in others if row.state != "held"), None)
        if busy is not None:
            settled += [Settled(rows[pk], "held", [_waits(busy)], None) for pk in mine]
            continue
        rows |= {row.pk: row for row in others}
        cells = {row.pk: row.cells or {} for row in others} | {pk: fixed[pk] for pk in mine}
        members = sorted((rows[pk] for pk in cells), key=lambda row: row.row)
        document = Document(key, [Part(_record(row), cells[row.pk]) for row in members])
        verdict = desk.settle(document)
        faults = verdict.faults or [[] for _ in members]
        settled += [
            Settled(row, verdict.outcome, said, verdict.batch_id or None)
            for row, said in zip(members, faults, strict=True)
        ]
    return settled


def _by_document(asked: Sequence[tuple[HeldRow, dict[str, str]]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, cells in asked:
        found.setdefault(key_of(cells), []).append(row.pk)
    return found


def _others(batch: ImportBatch, key: str, number: str, asked: set[int]) -> list[HeldRow]:
    """The held rows of the import that are of this document and that nobody asked about."""
    waiting = HeldRow.objects.filter(
        production_id=batch.production_id, batch=batch, state__in=["held", "resubmitted"]
    ).exclude(pk__in=asked)
    if key.startswith("block "):
        waiting = waiting.filter(cells__block=key.removeprefix("block "))
    else:
        waiting = waiting.filter(cells__reference__iexact=number)
    return [row for row in waiting.order_by("row") if key_of(row.cells) == key]


def _record(row: HeldRow) -> Record:
    return Record(row.row, row.line, row.byte_start, row.byte_end, [], None, bytes(row.payload))


def _waits(busy: HeldRow) -> Violation:
    return Violation(
        "row", "E_DOCUMENT", "the other rows of the document settled", f"row {busy.row} is with "
        "the gate", "wait for that row; the document is looked at again with it",
    )  # fmt: skip

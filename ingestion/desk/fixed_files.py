"""The fixed list of held rows that came back: which lines are whose, and what they change."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from ingestion.desk import selectors as desk_selectors
from ingestion.desk.held_sheet import FixedLine, read_fixed, shown
from ingestion.desk.resolving import UNSTORABLE
from ingestion.formats.records import RejectedFile
from ingestion.models import DeskAct, DeskFinding, HeldRow
from ledger import selectors as ledger
from ledger import services as posting
from taxonomy import selectors as taxonomy

STATES = {
    "resubmitted": "was resubmitted",
    "posted": "was posted",
    "duplicate": "turned out to be posted before",
    "rejected": "was rejected",
}


class Taken(NamedTuple):
    """The next rows of an act with what is to be changed of each, where the act then stands, and
    how many of its lines are passed over."""

    rows: list[tuple[HeldRow, dict[str, str]]]
    position: int
    passed: int


def lines_of(act: DeskAct) -> Sequence[FixedLine]:
    """The lines of the act's file. The first time, their count becomes the act's."""
    assert act.document is not None, "an act of kind upload has a document"
    lines: list[FixedLine] = []
    try:
        lines = list(read_fixed(act.document.name, ledger.document_bytes(act.document)))
    except RejectedFile as refusal:
        if act.state == "waiting":
            _find(act, [(1, refusal.code, refusal.reason)])
    if act.state == "waiting":
        act.rows = len(lines)
        act.save(update_fields=["rows"])
        _log_upload(act)
    return lines


def _log_upload(act: DeskAct) -> None:
    """The file itself in the office's log: who sent it, and its hash."""
    assert act.document is not None
    said = {
        "act": str(act.pk),
        "document": bytes(act.document.sha256).hex(),
        "person": str(act.made_by_id),
        "rows": str(act.rows),
    }
    office = list(taxonomy.units(act.production))[-1]
    posting.append_entry(
        production=act.production, unit=office, entry_type="upload",
        data=json.dumps(said, sort_keys=True, separators=(",", ":")),
    )  # fmt: skip


def take(act: DeskAct, lines: Sequence[FixedLine], most: int) -> Taken:
    """The next lines: those that change a row that still waits, with what they change of it. What
    is wrong with the others is said by line, and stops none of the rest."""
    part = lines[act.position : act.position + most]
    held = desk_selectors.locked_rows(act, [line.row_id for line in part if not line.code])
    before = {line.row_id for line in lines[: act.position] if not line.code}
    rows: list[tuple[HeldRow, dict[str, str]]] = []
    wrong: list[tuple[int, str, str]] = []
    for line in part:
        fault = (line.code, line.said) if line.code else _fault(line, held, before)
        if fault is not None:
            wrong.append((line.line, *fault))
            continue
        before.add(line.row_id)
        row = held[line.row_id]
        if changed := _changed(line, row):
            rows.append((row, changed))
    _find(act, wrong)
    return Taken(rows, act.position + len(part), len(part) - len(rows))


def _fault(line: FixedLine, held: dict[int, HeldRow], before: set[int]) -> tuple[str, str] | None:
    """Why a line cannot be taken, as (code, words)."""
    row = held.get(line.row_id)
    if row is None:
        return "E_ROW_ID", (
            f"row {line.row_id} is not held here; leave the column Row id as it was exported"
        )
    if bytes(row.payload_sha256).hex() != line.check:
        return "E_CHECK", (
            f"row {line.row_id} was received with another content than the column Check says; "
            "keep each row's id and check together"
        )
    if line.row_id in before:
        return "E_REPEATED", f"row {line.row_id} stands in this file before; keep one line for it"
    if row.state != "held":
        return "E_SETTLED", (
            f"row {line.row_id} {STATES[row.state]} meanwhile; what this line says was not used"
        )
    for name, value in line.cells.items():
        if UNSTORABLE.search(value):
            return (
                "E_CONTROL_CHAR",
                f"{name}: delete the invisible character and send the line again",
            )
    return None


def _changed(line: FixedLine, row: HeldRow) -> dict[str, str]:
    """The fields that say something else than the row does now."""
    cells = row.cells or {}
    return {
        name: value for name, value in line.cells.items() if value != shown(cells.get(name, ""))
    }


def _find(act: DeskAct, wrong: Sequence[tuple[int, str, str]]) -> None:
    DeskFinding.objects.bulk_create(
        [
            DeskFinding(production=act.production, act=act, line=line, code=code, said=said)
            for line, code, said in wrong
        ]
    )

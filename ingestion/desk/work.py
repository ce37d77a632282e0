"""Acts on many held rows at once, as the worker carries them out.

In chunks, each one database transaction: the rows' revisions, postings, outcomes, the imports'
counters and the act's own move together or not at all, so that a killed worker's successor goes
on behind the last row that was settled.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import IntegrityError, OperationalError, connection
from django.utils import timezone

from access import context
from access.selectors import actions_on
from ingestion.desk import fixed_files
from ingestion.desk import selectors as desk_selectors
from ingestion.desk.fixed_files import Taken
from ingestion.desk.held_sheet import FixedLine
from ingestion.desk.settling import Asked, End, Readers, reject, settle
from ingestion.gate import pipeline
from ingestion.models import DeskAct, HeldRow, ImportBatch
from ingestion.services import CLASH_RETRIES, NoLongerAllowed, take_turn
from ledger import services as posting

MOST_ROWS = 10_000


@dataclass(slots=True)
class Work:
    """What a worker keeps from chunk to chunk of an act: what reads rows, and a fixed file's
    lines."""

    readers: Readers = field(default_factory=Readers)
    lines: Sequence[FixedLine] | None = None


def run_act(*, act_id: int, production_id: int, user_id: int) -> None:
    """Carry an act to its end, from wherever it stands. Safe to run twice and from two workers:
    each chunk holds the act's row, and begins where the one before it ended."""
    kept = Work()
    while _chunk(act_id, production_id, user_id, kept):
        posting.refresh_statistics()


def _chunk(act_id: int, production_id: int, user_id: int, kept: Work) -> bool:
    """Settle the next rows; whether there may be more. Again, alone, when others post the same
    documents at the same moment."""
    for attempt in range(CLASH_RETRIES):
        try:
            with context.acting(user_id=user_id, production_id=production_id):
                act = DeskAct.objects.select_for_update(of=("self",)).select_related(
                    "made_by", "production", "document"
                ).get(pk=act_id)  # fmt: skip
                if act.finished_at is not None:
                    return False
                if "resolve_quarantine" not in actions_on(act.made_by, act.production):
                    raise NoLongerAllowed(f"{act.made_by} may no longer resolve held rows here")
                take_turn(production_id, alone=attempt > 0)
                with pipeline.uncollected():
                    return _step(act, kept)
        except (IntegrityError, OperationalError) as clash:
            kept.lines = None  # what was said of the file went with the transaction
            lost_connection = getattr(clash.__cause__, "sqlstate", None) is None
            if lost_connection or attempt + 1 == CLASH_RETRIES:
                raise
    raise AssertionError("the last attempt returns or raises")


def _step(act: DeskAct, kept: Work) -> bool:
    if act.state == "stopped":
        _finish(act)
        return False
    most = min(MOST_ROWS, pipeline.CHUNK_ROWS)
    if act.kind == "upload":
        if kept.lines is None:
            kept.lines = fixed_files.lines_of(act)
        taken = fixed_files.take(act, kept.lines, most)
    else:
        left = act.rows - act.done
        rows = desk_selectors.rows_of_act(act, min(most, left)) if left else []
        taken = Taken([(row, act.values) for row in rows], rows[-1].pk if rows else act.position, 0)
    if not taken.rows and not taken.passed:
        _finish(act)
        return False
    _settle(act, taken, kept.readers)
    act.passed += taken.passed
    act.position = taken.position
    act.state = "working"
    act.heartbeat_at = timezone.now()
    act.save(
        update_fields=["posted", "duplicate", "held", "rejected", "passed", "position", "state",
                       "heartbeat_at", "rows"]
    )  # fmt: skip
    return True


def _settle(act: DeskAct, taken: Taken, readers: Readers) -> None:
    if not taken.rows:
        return
    asked = _revise(act, taken.rows)
    if act.action == "reject":
        ends = reject(production=act.production, asked=asked)
    else:
        ends = settle(
            actor=act.made_by, production=act.production, asked=asked,
            name=f"act|{act.pk}|{act.position}", readers=readers,
        )  # fmt: skip
    _log(act, ends)
    for end in ends:
        setattr(act, end.outcome, getattr(act, end.outcome) + 1)


_REVISE = """
INSERT INTO ingestion_rowrevision
    (production_id, held_row_id, action, values, was, reason, made_by_id, act_id)
SELECT a.production_id, h.row, a.action, coalesce(h.values, a.values), h.was, a.reason,
    a.made_by_id, a.id
FROM ingestion_deskact a CROSS JOIN
    jsonb_to_recordset(%s::jsonb) AS h (row bigint, values jsonb, was jsonb)
WHERE a.id = %s ORDER BY h.row
RETURNING held_row_id, id
"""


def _revise(act: DeskAct, rows: Sequence[tuple[HeldRow, dict[str, str]]]) -> list[Asked]:
    """A revision for each row, in one statement; what the act says of all of them is said once."""
    said = [
        {"row": row.pk, "was": {name: (row.cells or {}).get(name, "") for name in values}}
        | ({} if values is act.values else {"values": values})
        for row, values in rows
    ]
    with connection.cursor() as cursor:
        cursor.execute(_REVISE, [json.dumps(said), act.pk])
        made = dict(cursor.fetchall())
    is_released = act.action == "release"
    return [Asked(row, made[row.pk], values, "", is_released) for row, values in rows]


def _log(act: DeskAct, ends: Sequence[End]) -> None:
    """What became of the chunk's rows, in their units' logs: counts, and a digest over the rows in
    order, which their revisions bear out."""
    by_unit: dict[int, list[End]] = {}
    for end in sorted(ends, key=lambda e: e.asked.row.pk):
        by_unit.setdefault(end.asked.row.batch.unit_id, []).append(end)
    for unit_id in sorted(by_unit):
        mine = by_unit[unit_id]
        lines = hashlib.sha256()
        counts: dict[str, int] = {}
        for end in mine:
            row = end.asked.row
            payload = bytes(row.payload_sha256).hex()
            lines.update(f"{row.batch_id} {row.row} {payload} {end.outcome}\n".encode())
            counts[end.outcome] = counts.get(end.outcome, 0) + 1
        said = _said(act) | {
            "outcomes": {name: str(n) for name, n in counts.items()},
            "rows": str(len(mine)),
            "rows_sha256": lines.hexdigest(),
        }
        _append(act, mine[0].asked.row.batch, said)


def _said(act: DeskAct) -> dict[str, object]:
    return {
        "act": str(act.pk),
        "action": act.action,
        "cause": act.cause,
        "person": str(act.made_by_id),
        "reason": act.reason,
        **({"file": bytes(act.document.sha256).hex()} if act.document else {}),
        "values": act.values,
    }


def _append(act: DeskAct, batch: ImportBatch, said: dict[str, object]) -> None:
    posting.append_entry(
        production=act.production, unit=batch.unit, entry_type="resolve",
        data=json.dumps(said, sort_keys=True, separators=(",", ":")),
    )  # fmt: skip


def _finish(act: DeskAct) -> None:
    """The act is at its end. What it was to settle and did not find was dealt with by others, or
    is left as it was because the act was stopped."""
    act.finished_at = act.heartbeat_at = timezone.now()
    if act.state != "stopped":
        act.state = "done"
        act.passed = act.rows - act.posted - act.duplicate - act.held - act.rejected
    act.save(update_fields=["state", "passed", "finished_at", "heartbeat_at"])

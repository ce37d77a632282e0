"""Acts on many held rows at once: fixed, handed in again or rejected as one decision.

The act is one row. The worker carries it out in chunks, each one database transaction: the rows'
revisions, postings, outcomes, the imports' counters and the act's own move together or not at
all, so that a killed worker's successor goes on behind the last row that was settled.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from access import context
from access.errors import Invalid, Refused
from access.models import Production, User
from access.selectors import actions_on
from ingestion import desk_selectors, pipeline
from ingestion.mapping import FIELDS
from ingestion.models import DeskAct, HeldRow, ImportBatch, WorkItem
from ingestion.resolving import UNSTORABLE
from ingestion.services import CLASH_RETRIES, NoLongerAllowed, take_turn
from ingestion.settling import Asked, End, Readers, reject, settle
from ledger import services as posting

# Above either of these the count is typed, not only looked at.
UNTYPED_ROWS = 25
UNTYPED_MONEY = Decimal(10_000)
MOST_ROWS = 10_000
# These ask for something else in every row, or for nothing that could be written into one.
SETTLED_ONE_BY_ONE = frozenset({"E_CONFLICT", "E_NET_PAY"})


@dataclass(frozen=True, slots=True)
class CauseAsked:
    """What a person asks of a whole cause. `count` is what the page showed them, `typed` what they
    wrote to confirm it."""

    cause: str
    batch: ImportBatch | None
    action: str
    value: str
    reason: str
    count: str
    typed: str


def field_of(cause: str) -> str:
    """The field that can be written into every row of a cause; '' when none can."""
    code, field, *_ = [*cause.split("|", 2), "", ""]
    return field if field in FIELDS and code not in SETTLED_ONE_BY_ONE else ""


def needs_typing(rows: int, money: Decimal) -> bool:
    """Whether so much is confirmed by typing the count."""
    return rows > UNTYPED_ROWS or money > UNTYPED_MONEY


@transaction.atomic
def act_on_cause(*, actor: User, production: Production, asked: CauseAsked) -> DeskAct:
    """Fix all rows of a cause with one value, hand them in again as they are, or reject them.

    Returns at once; a worker does the rest. Raises Invalid where something is missing, or where
    there are other rows now than the person saw.
    """
    reason = asked.reason.strip()
    values = _values(asked)
    if asked.action == "reject" and not reason:
        raise Invalid("reason: say why the rows are rejected; it stays on record")
    for name, text in {**values, "reason": reason}.items():
        if UNSTORABLE.search(text):
            raise Invalid(f"{name}: delete the invisible character and try again")
    now = desk_selectors.extent(production, asked.cause, asked.batch.pk if asked.batch else None)
    _confirm(asked, now)
    try:
        with transaction.atomic():
            act = DeskAct.objects.create(
                production=production, kind="cause", cause=asked.cause, batch=asked.batch,
                action="reject" if asked.action == "reject" else "resubmit", values=values,
                reason=reason, rows=now.rows, last_row=now.last, made_by=actor,
            )  # fmt: skip
    except IntegrityError as error:
        if "one_act_on_a_cause" not in str(error):
            raise
        raise Refused(
            "Somebody is settling this cause already; see below how far it is. What is left "
            "afterwards can be settled then."
        ) from None
    WorkItem.objects.create(production=production, kind="act", subject_id=act.pk, priority=60)
    return act


def _values(asked: CauseAsked) -> dict[str, str]:
    if asked.action not in {"fix", "again", "reject"}:
        raise Invalid(f"action: expected fix, again or reject, found {asked.action!r}")
    if asked.action != "fix":
        return {}
    field = field_of(asked.cause)
    if not field:
        raise Invalid("value: these rows have no field in common to fix; open them one by one")
    if not asked.value.strip():
        raise Invalid("value: write what all these rows should say; nothing was changed")
    return {field: asked.value.strip()}


def _confirm(asked: CauseAsked, now: desk_selectors.Extent) -> None:
    if not now.rows:
        raise Refused("No row waits for this cause any more: somebody has dealt with them.")
    if _number(asked.count) != now.rows:
        raise Refused(
            f"{now.rows:,} rows wait for this cause now, and the page showed {asked.count or 0}. "
            "Look at them again; nothing was changed."
        )
    if needs_typing(now.rows, now.money) and _number(asked.typed) != now.rows:
        raise Invalid(
            f"count: type how many rows this is about to confirm it: {now.rows}, found "
            f"{asked.typed[:20]!r}"
        )


def _number(text: str) -> int:
    digits = text.replace(",", "").replace(" ", "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1


def stop_act(*, actor: User, act: DeskAct) -> None:
    """Leave the rows that are not settled yet as they are. What is posted stays posted.

    Raises Refused when nothing is left to stop.
    """
    assert actor.is_active
    moved = DeskAct.objects.filter(pk=act.pk, state__in=desk_selectors.OPEN_ACTS).update(
        state="stopped"
    )
    if moved != 1:
        raise Refused("All its rows are settled; what was posted is taken back by a reversal.")


def run_act(*, act_id: int, production_id: int, user_id: int) -> None:
    """Carry an act to its end, from wherever it stands. Safe to run twice and from two workers:
    each chunk holds the act's row, and begins where the one before it ended."""
    readers = Readers()
    while _chunk(act_id, production_id, user_id, readers):
        posting.refresh_statistics()


def _chunk(act_id: int, production_id: int, user_id: int, readers: Readers) -> bool:
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
                    return _step(act, readers)
        except (IntegrityError, OperationalError) as clash:
            lost_connection = getattr(clash.__cause__, "sqlstate", None) is None
            if lost_connection or attempt + 1 == CLASH_RETRIES:
                raise
    raise AssertionError("the last attempt returns or raises")


def _step(act: DeskAct, readers: Readers) -> bool:
    most = min(MOST_ROWS, pipeline.CHUNK_ROWS, act.rows - act.done)
    rows = [] if act.state == "stopped" or not most else desk_selectors.rows_of_act(act, most)
    if not rows:
        _finish(act)
        return False
    asked = [Asked(row, number, act.values) for row, number in _revise(act, rows)]
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
    act.position = rows[-1].pk
    act.state = "working"
    act.heartbeat_at = timezone.now()
    act.save(
        update_fields=["posted", "duplicate", "held", "rejected", "position", "state",
                       "heartbeat_at"]
    )  # fmt: skip
    return True


_REVISE = """
INSERT INTO ingestion_rowrevision
    (production_id, held_row_id, action, values, reason, made_by_id, act_id)
SELECT a.production_id, h.id, a.action, a.values, a.reason, a.made_by_id, a.id
FROM ingestion_deskact a CROSS JOIN unnest(%s::bigint[]) AS h (id)
WHERE a.id = %s ORDER BY h.id
RETURNING held_row_id, id
"""


def _revise(act: DeskAct, rows: Sequence[HeldRow]) -> list[tuple[HeldRow, int]]:
    """A revision for each row, said as the act says it: one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_REVISE, [[row.pk for row in rows], act.pk])
        made = dict(cursor.fetchall())
    return [(row, made[row.pk]) for row in rows]


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

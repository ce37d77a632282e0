"""The queue: rows of work claimed with SKIP LOCKED, done once, found again when a worker dies.

A worker holds a session lock on its item for as long as it works. A running item whose lock is
free is an orphan: its worker was killed, or its connection was. No lease has to run out.
"""

import logging
import os
import socket
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, connection, transaction

from access import context
from access.errors import Refused
from ingestion import deciding, dry_runs, feeds, letters, mappings, services
from ingestion.alerting import alerts
from ingestion.backoff import TryLater
from ingestion.desk import resolving
from ingestion.desk import work as desk_work

LOCK_CLASS = 0x77726B  # "wrk": the class of these advisory locks
MOST_FAILURES = 8
MOST_LOSSES = 100
log = logging.getLogger(__name__)

# Lost workers are no fault of the item: after many kills it must not be taken for poison.
_SWEEP = """
WITH lost AS (
    SELECT id FROM ingestion_workitem
    WHERE state = 'running' AND pg_try_advisory_xact_lock(%(lock)s, id::int)
    FOR UPDATE SKIP LOCKED)
UPDATE ingestion_workitem w
SET state = CASE WHEN w.attempts >= %(most)s THEN 'dead' ELSE 'ready' END,
    error = 'the worker was lost', claimed_at = NULL,
    run_after = clock_timestamp() + least(interval '0.1 s' * power(1.5, least(w.attempts, 12)),
                                          interval '10 s')
FROM lost WHERE w.id = lost.id
RETURNING w.id
"""
_CLAIM = """
UPDATE ingestion_workitem SET state = 'running', attempts = attempts + 1,
    claimed_at = clock_timestamp(), worker = %(worker)s
WHERE id = (SELECT id FROM ingestion_workitem
            WHERE state = 'ready' AND run_after <= clock_timestamp()
              AND (%(only)s::bigint IS NULL OR id = %(only)s)
            ORDER BY attempts, priority, id FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING id, kind, subject_id, production_id, attempts, failures, letter
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """An item this process works on. `attempts` fences off whoever claims it later."""

    id: int
    kind: str
    subject_id: int
    production_id: int
    attempts: int
    failures: int
    letter: str


def worker_name() -> str:
    """Which process does the work, for people."""
    return f"{socket.gethostname()}:{os.getpid()}"[:80]


def sweep() -> int:
    """Put orphaned work back into the queue; how many items. What was given up gets its letter."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SWEEP, {"lock": LOCK_CLASS, "most": MOST_LOSSES})
        found = len(cursor.fetchall())
    letters.bury_dead_work()
    return found


def claim(only: int | None = None) -> Claim | None:
    """Take the next item, or the one asked for; None when there is none to take."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"worker": worker_name(), "only": only})
        row = cursor.fetchone()
        if row is None:
            return None
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, row[0]])
    return Claim(*row)


def _settle(item: Claim, state: str, error: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ingestion_workitem SET state = %s, error = %s,"
            " failures = failures + (%s <> '')::int,"
            " run_after = clock_timestamp() + interval '1 s' * power(2, least(attempts, 6))"
            " WHERE id = %s AND attempts = %s AND state = 'running'",
            [state, error[:2000], error[:1], item.id, item.attempts],
        )


def _put_off(item: Claim, seconds: float) -> None:
    """Ready again after a while: it was not the item's fault, so nothing is counted against it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ingestion_workitem SET state = 'ready',"
            " run_after = clock_timestamp() + make_interval(secs => %s)"
            " WHERE id = %s AND attempts = %s AND state = 'running'",
            [seconds, item.id, item.attempts],
        )


def _say_done(item: Claim) -> None:
    """What was dead and was taken up again has gone through."""
    with context.acting(user_id=context.NOBODY, production_id=item.production_id):
        letters.settle_letter(item.production_id, "work", item.id, "done")


def _release(item: Claim) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, item.id])


def do(item: Claim) -> None:
    """Do one claimed item. A fault puts it back with its error, and is raised all the same."""
    try:
        _dispatch(item)
    except mappings.TakenOver:
        pass
    except TryLater as wait:
        _put_off(item, wait.seconds)
    except Exception as fault:
        # A server away, full or busy is no fault of the item, however often. Where the lock went
        # with the connection, the sweep finds the item.
        is_passing = isinstance(fault, OperationalError | InterfaceError)
        is_poison = item.failures + 1 >= MOST_FAILURES and not is_passing
        if _is_connected():
            _settle(item, "dead" if is_poison else "ready", repr(fault))
            if is_poison:
                letters.bury_dead_work()
        raise
    else:
        _settle(item, "done", "")
        if item.letter == "redriven":
            _say_done(item)
    finally:
        # Even when the item's own row could not be written: the sweep needs the lock free.
        if _is_connected():
            _release(item)


def _is_connected() -> bool:
    return connection.connection is not None and not connection.connection.closed


def _dispatch(item: Claim) -> None:
    if item.kind == "notice":
        alerts.run_notice(
            notice_id=item.subject_id, production_id=item.production_id, attempts=item.attempts
        )
        return
    user_id = _asked_by(item)
    if item.kind == "feed":
        feeds.run_feed(run_id=item.subject_id, production_id=item.production_id, user_id=user_id)
    elif item.kind == "import":
        services.run_import(
            import_id=item.subject_id, production_id=item.production_id, user_id=user_id
        )
    elif item.kind == "decision":
        deciding.run_decision(
            decision_id=item.subject_id, production_id=item.production_id, user_id=user_id
        )
    elif item.kind == "act":
        desk_work.run_act(act_id=item.subject_id, production_id=item.production_id, user_id=user_id)
    elif item.kind == "dry_run":
        dry_runs.run_dry_run(
            dry_run_id=item.subject_id, production_id=item.production_id, user_id=user_id
        )
    else:
        resolving.run_revision(
            revision_id=item.subject_id, production_id=item.production_id, user_id=user_id
        )


def _asked_by(item: Claim) -> int:
    """The person on whose behalf the item is done: what they may no longer do is not done."""
    table, column = {
        "import": ("ingestion_importbatch", "created_by_id"),
        "revision": ("ingestion_rowrevision", "made_by_id"),
        "decision": ("ingestion_decision", "made_by_id"),
        "act": ("ingestion_deskact", "made_by_id"),
        "dry_run": ("ingestion_dryrun", "made_by_id"),
        "feed": ("ingestion_feedrun", "made_by_id"),
    }[item.kind]
    with (
        context.acting(user_id=context.NOBODY, production_id=item.production_id),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT {column} FROM {table} WHERE id = %s", [item.subject_id])  # noqa: S608
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def drain(only: int | None = None) -> int:
    """Do work until none is ready; how many items were done. Raises what the one asked for raises.
    In a round over all, an item at fault is put back and the others go on."""
    done = 0
    while (item := claim(only)) is not None:
        try:
            do(item)
        except Refused as refusal:
            if only is not None:
                raise
            log.warning("%s %s is refused: %s", item.kind, item.subject_id, refusal)
        except Exception:
            # Without the database there is no next item: the sweep begins again.
            if only is not None or not _is_connected():
                raise
            log.exception("%s %s failed and is put back", item.kind, item.subject_id)
        done += 1
    return done

"""A worker is killed at random moments, over and over: nothing is lost and nothing posts twice."""

import os
import random
import signal
import time
from decimal import Decimal

from django.db import connection

from ingestion import selectors, work
from ingestion.models import ImportBatch
from ledger.verify import verify_production
from tests.factories import Film, acting, cost_line, cost_lines, receive, role
from tests.ingestion.books import log_types
from tests.ingestion.workers import Workers, workers
from tests.lengths import times

ROWS = 3_000
CHUNK_ROWS = 50
KILLS = times(50, promised=200)


class Week:
    """A file of many rows, some of them wrong and some of them twice, and what it must come to."""

    def __init__(self, film: Film, number: int) -> None:
        rows = []
        self.held = self.duplicate = 0
        self.total = Decimal(0)
        for n in range(ROWS):
            name = f"W{number}-{n}"
            amount = Decimal(n % 997 + 1) / 100
            if n % 50 == 7:
                rows.append(cost_line(name, amount="x"))
                self.held += 1
            elif n % 70 == 9:
                rows.append(rows[n - 3])
                self.duplicate += 1
            else:
                rows.append(cost_line(name, amount=str(amount)))
                self.total += amount
        self.film = film
        self.batch = receive(film, cost_lines(rows), name=f"week {number}.csv").batch
        with acting(film, "amir"):
            self.item = selectors.work_of("import", [self.batch.pk]).get()

    def look(self) -> tuple[str, int]:
        """(state of the work, rows accounted for)."""
        with acting(self.film, "amir"):
            self.item.refresh_from_db()
            self.batch.refresh_from_db()
        return self.item.state, self.batch.rows

    def due(self) -> None:
        """Turn the clock on to when the item may be tried again."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE ingestion_workitem SET run_after = clock_timestamp() WHERE id = %s",
                [self.item.pk],
            )


def start(crew: Workers, week: Week) -> int:
    """A worker that has taken the week's file up; its pid."""
    (pid,) = crew.fork({"do": "drain", "items": [week.item.pk]})
    deadline = time.monotonic() + 60
    while week.look()[0] == "ready" and time.monotonic() < deadline:
        time.sleep(0.002)
    return pid


def put_back(week: Week) -> None:
    """As soon as the server has noticed the loss, the sweep finds the item."""
    deadline = time.monotonic() + 60
    while week.look()[0] == "running" and time.monotonic() < deadline:
        work.sweep()
        time.sleep(0.005)
    week.due()


def undisturbed(crew: Workers, week: Week) -> float:
    """How long the file takes a worker nobody kills."""
    began = time.monotonic()
    pid = start(crew, week)
    while week.look()[0] != "done":
        time.sleep(0.01)
    took = time.monotonic() - began
    os.kill(pid, signal.SIGKILL)
    assert crew.wait(pid) == [-signal.SIGKILL]
    return took


def assert_whole_chunks_only(week: Week) -> None:
    # One statement, one look: the server may be about to commit what the killed worker last sent.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(t.source_row), count(DISTINCT t.source_row), b.posted, b.rows,"
            " b.posted + b.duplicate + b.quarantined,"
            " (SELECT count(*) FROM ingestion_heldrow h WHERE h.batch_id = b.id), b.quarantined"
            " FROM ingestion_importbatch b LEFT JOIN ledger_transaction t"
            " ON t.production_id = b.production_id AND t.document_id = b.document_id"
            " WHERE b.id = %s GROUP BY b.id",
            [week.batch.pk],
        )
        lines, distinct, posted, rows, accounted, held, quarantined = cursor.fetchone()
    assert lines == distinct == posted
    assert rows == accounted
    assert held == quarantined
    assert rows % CHUNK_ROWS == 0 or rows == ROWS


def assert_right(week: Week) -> None:
    assert_whole_chunks_only(week)
    batch = ImportBatch.objects.get(pk=week.batch.pk)
    assert batch.state == "posted_with_quarantine"
    assert (batch.rows, batch.quarantined, batch.duplicate) == (ROWS, week.held, week.duplicate)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(p.amount) FROM ledger_posting p JOIN ledger_batch b ON b.id = p.batch_id"
            " WHERE b.document_id = %s",
            [week.batch.document_id],
        )
        assert cursor.fetchone() == (week.total,)
        cursor.execute(
            "SELECT count(*), count(DISTINCT row) FROM ingestion_heldrow WHERE batch_id = %s",
            [week.batch.pk],
        )
        assert cursor.fetchone() == (week.held, week.held)


def test_a_worker_killed_at_any_moment_loses_nothing_and_doubles_nothing(film: Film) -> None:
    dice = random.Random(int(os.environ.get("PRODACCT_SEED", "1912")))
    in_flight = part_way = 0
    with workers(CHUNK_ROWS) as crew, role("worker"):
        weeks = [Week(film, 0)]
        took = undisturbed(crew, weeks[0])
        weeks.append(Week(film, 1))
        for _ in range(KILLS):
            if weeks[-1].look()[0] == "done":
                weeks.append(Week(film, len(weeks)))
            week = weeks[-1]
            pid = start(crew, week)
            time.sleep(dice.uniform(0, took / 5))
            os.kill(pid, signal.SIGKILL)
            assert crew.wait(pid) == [-signal.SIGKILL]
            # Nobody else could have settled it: still running means it died at work.
            state, rows = week.look()
            in_flight += state == "running"
            part_way += state == "running" and 0 < rows < ROWS
            with role("owner"):
                assert_whole_chunks_only(week)
            put_back(week)
        last = start(crew, weeks[-1])
        deadline = time.monotonic() + 120
        while weeks[-1].look()[0] != "done" and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(last, signal.SIGKILL)
        crew.wait(last)
    print(f"{KILLS} kills, {in_flight} at work, {part_way} part way, {len(weeks)} files")
    assert in_flight > KILLS * 3 // 4
    assert part_way > KILLS // 3
    for week in weeks:
        assert_right(week)
    assert log_types(film).count("upload") == len(weeks)
    assert verify_production(film.production).findings == []

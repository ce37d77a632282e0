"""A real Celery worker on the broker that BROKER_URL names, the embedded one by default: a message
wakes it, a lost one is made up for."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from access.models import Production
from ingestion.models import ImportBatch
from ledger.verify import verify_production
from prodacct import server
from tests.factories import Film, cost_line, cost_lines, receive, role
from tests.ingestion.books import counts, money, put_others_work_away
from tests.ingestion.brokers import EMBEDDED, OwnQueue
from tests.ingestion.test_kill import ROWS, Week, assert_right
from tests.ingestion.workers import ROOT, Workers, worker_environment, workers


@pytest.fixture(scope="module")
def crew(own_queue: OwnQueue) -> Iterator[Workers]:
    """Processes that send wake-ups to that queue."""
    with workers(20_000, **own_queue.environment) as made:
        yield made


def wake(crew: Workers, **asked: object) -> int:
    """A process sends a wake-up; its exit code."""
    (pid,) = crew.fork({"do": "wake", **asked})
    (code,) = crew.wait(pid)
    return code


@contextmanager
def celery(film: Film, own_queue: OwnQueue, folder: Path, **environment: str) -> Iterator[None]:
    """A worker with its beat, on this test's database. Its log must hold no traceback."""
    put_others_work_away(film)
    log = folder / f"celery{len(list(folder.iterdir()))}.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [sys.executable, "-m", "tests.ingestion.workers", "celery", "-A", "prodacct", "worker",
             "-P", "solo", "-B", "-s", str(folder / "beat"), "--without-mingle"],
            cwd=ROOT, env={**worker_environment(), **own_queue.environment, **environment},
            stdout=out, stderr=out, start_new_session=True,
        ) as process,
    ):  # fmt: skip
        yield
        os.killpg(process.pid, signal.SIGKILL)  # its beat with it
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture
def celery_worker(film: Film, own_queue: OwnQueue, tmp_path: Path) -> Iterator[None]:
    with celery(film, own_queue, tmp_path):
        yield


def ended(batch: ImportBatch, seconds: float) -> ImportBatch:
    """The import once it has ended, or as it stands when the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = ImportBatch.objects.get(pk=batch.pk)
        if found.state in {"posted", "posted_with_quarantine", "rejected"}:
            return found
        time.sleep(0.02)
    return ImportBatch.objects.get(pk=batch.pk)


def hand_in(film: Film, number: int) -> ImportBatch:
    """As the web does it, before anybody is woken."""
    with role("web"):
        return receive(film, cost_lines([cost_line(f"C{number}"), cost_line(f"D{number}")])).batch


def test_a_worker_imports_a_file_when_woken_and_the_sweep_finds_what_no_message_told(
    film: Film, crew: Workers, celery_worker: None
) -> None:
    # Handed in before the worker stands: it begins with a look at the queue.
    first = ended(hand_in(film, 1), 90)
    assert (first.state, counts(first)) == ("posted", (2, 2, 0, 0))
    sweep_seconds = settings.CELERY_BEAT_SCHEDULE["find work a lost message left"]["schedule"]
    unsent = hand_in(film, 2)
    assert ended(unsent, sweep_seconds * 6).state == "posted"
    # A sweep has just gone by, so whoever is quicker than the next was woken; on a machine with
    # other work to do one of three may be.
    for number in (3, 4, 5):
        woken = hand_in(film, number)
        sent = time.monotonic()
        assert wake(crew) == 0
        assert ended(woken, 60).state == "posted"
        if (took := time.monotonic() - sent) < sweep_seconds * 0.9:
            break
    assert took < sweep_seconds * 0.9
    assert len(money(film)) == 2 * number


def test_only_a_transaction_that_commits_wakes_a_worker(own_queue: OwnQueue, crew: Workers) -> None:
    assert wake(crew) == 0
    before = len(own_queue.tasks())
    assert wake(crew, commit=False) == 0
    assert len(own_queue.tasks()) == before
    assert wake(crew) == 0
    # One, or more: a message sent twice wakes a worker twice, which is harmless.
    assert len(own_queue.tasks()) > before


def test_each_production_is_verified_by_a_task_of_its_own(
    own_queue: OwnQueue, crew: Workers, film: Film, other_film: Film
) -> None:
    own_queue.wipe()
    assert crew.wait(*crew.fork({"do": "task", "name": "ledger.tasks.verify_each"})) == [0]
    asked = [args for task, args in own_queue.tasks() if task == "ledger.tasks.verify"]
    with role("owner"):
        productions = {f"({pk},)" for pk in Production.objects.values_list("pk", flat=True)}
    assert {f"({f.production.pk},)" for f in (film, other_film)} <= productions
    assert sorted(asked) == sorted(productions)


def test_with_the_broker_away_a_wake_up_is_given_up_soon_and_breaks_nothing(
    own_queue: OwnQueue, crew: Workers
) -> None:
    before = len(own_queue.tasks())
    began = time.monotonic()
    assert wake(crew, **own_queue.away()) == 0
    assert time.monotonic() - began < 15  # nobody waits half a minute for a page
    assert len(own_queue.tasks()) == before


@pytest.mark.skipif(not EMBEDDED, reason="RabbitMQ and Redis make a queue when it is first used")
def test_with_the_queue_not_prepared_a_wake_up_breaks_nothing(crew: Workers) -> None:
    assert wake(crew, broker=server.connection_string("broker", "template1")) == 0


def test_with_the_broker_wiped_and_each_message_sent_thrice_every_row_is_accounted_for(
    film: Film, own_queue: OwnQueue, crew: Workers, tmp_path: Path
) -> None:
    # Three files; the worker is killed and the queue wiped while the first is under way, and what
    # is sent afterwards comes three times, in any order, with other tasks' messages between.
    with role("worker"):
        weeks = [Week(film, number) for number in range(3)]
    first = weeks[0]
    with celery(film, own_queue, tmp_path, TEST_CHUNK_ROWS="50"):
        deadline = time.monotonic() + 90
        while not 0 < first.look()[1] < ROWS and time.monotonic() < deadline:
            time.sleep(0.002)
    state, rows = first.look()
    assert (state, 0 < rows < ROWS) == ("running", True)
    own_queue.wipe()
    assert own_queue.tasks() == []
    # The other task is a light one: the checkpoints of every other test's production are not.
    sent = ["ingestion.tasks.drain", "ingestion.tasks.sweep", "ingestion.tasks.sweep_uploads"] * 3
    random.Random(1912).shuffle(sent)
    for name in sent:
        assert crew.wait(*crew.fork({"do": "send", "name": name})) == [0]
    assert len(own_queue.tasks()) == len(sent)
    with celery(film, own_queue, tmp_path), role("worker"):
        deadline = time.monotonic() + 120
        while {week.look()[0] for week in weeks} != {"done"} and time.monotonic() < deadline:
            time.sleep(0.05)
        while own_queue.tasks() and time.monotonic() < deadline:
            time.sleep(0.05)
    for week in weeks:
        assert_right(week)
    assert verify_production(film.production).findings == []

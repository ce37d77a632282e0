"""A real Celery worker on the embedded broker: a message wakes it, a lost one is made up for."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from access.models import Production
from ingestion.models import ImportBatch
from prodacct import server
from tests.factories import Film, cost_line, cost_lines, receive, role
from tests.ingestion.books import counts, money
from tests.ingestion.workers import ROOT, Workers, worker_environment, workers

pytestmark = pytest.mark.skipif(
    settings.CELERY_BROKER_URL != "pgmq://", reason="BROKER_URL names another broker"
)


@pytest.fixture(scope="module")
def crew(broker: str) -> Iterator[Workers]:
    """Processes that send wake-ups to that broker."""
    with workers(20_000, TEST_BROKER=broker) as made:
        yield made


def wake(crew: Workers, **asked: object) -> int:
    """A process sends a wake-up; its exit code."""
    (pid,) = crew.fork({"do": "wake", **asked})
    (code,) = crew.wait(pid)
    return code


def messages(broker: str) -> int:
    with psycopg.connect(broker) as connection:
        row = connection.execute("SELECT count(*) FROM pgmq.q_celery").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def celery_worker(broker: str, tmp_path: Path) -> Iterator[None]:
    """A worker with its beat, on this test's database. Its log must hold no traceback."""
    log = tmp_path / "celery.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [sys.executable, "-m", "tests.ingestion.workers", "celery", "-A", "prodacct", "worker",
             "-P", "solo", "-B", "-s", str(tmp_path / "beat"), "--without-mingle"],
            cwd=ROOT, env={**worker_environment(), "TEST_BROKER": broker}, stdout=out, stderr=out,
        ) as process,
    ):  # fmt: skip
        yield
        process.kill()
    assert "Traceback" not in log.read_text(), log.read_text()


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


def test_only_a_transaction_that_commits_wakes_a_worker(broker: str, crew: Workers) -> None:
    assert wake(crew) == 0
    before = messages(broker)
    assert wake(crew, commit=False) == 0
    assert messages(broker) == before
    assert wake(crew) == 0
    # One, or more: a message sent twice wakes a worker twice, which is harmless.
    assert messages(broker) > before


def test_each_production_is_verified_by_a_task_of_its_own(
    broker: str, crew: Workers, film: Film, other_film: Film
) -> None:
    assert crew.wait(*crew.fork({"do": "task", "name": "ledger.tasks.verify_each"})) == [0]
    with psycopg.connect(broker) as connection:
        asked = connection.execute(
            "SELECT message -> 'headers' ->> 'argsrepr' FROM pgmq.q_celery"
            " WHERE message -> 'headers' ->> 'task' = 'ledger.tasks.verify'"
        ).fetchall()
    with role("owner"):
        productions = {f"({pk},)" for pk in Production.objects.values_list("pk", flat=True)}
    assert {f"({f.production.pk},)" for f in (film, other_film)} <= productions
    assert sorted(args for (args,) in asked) == sorted(productions)


def test_with_the_broker_away_a_wake_up_is_given_up_soon_and_breaks_nothing(
    crew: Workers,
) -> None:
    began = time.monotonic()
    assert wake(crew, broker="host=127.0.0.1 port=9 user=nobody connect_timeout=1") == 0
    assert time.monotonic() - began < 15  # nobody waits half a minute for a page


def test_with_the_queue_not_prepared_a_wake_up_breaks_nothing(crew: Workers) -> None:
    assert wake(crew, broker=server.connection_string("broker", "template1")) == 0

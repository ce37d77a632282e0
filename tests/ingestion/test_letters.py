"""Files over their limit, work that was given up, and imports that were cancelled."""

import os
import time
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from access.errors import Invalid
from ingestion import letters, selectors, waiting, work
from ingestion.models import ImportBatch, WorkItem
from ingestion.services import NoLongerAllowed
from ingestion.tables.letters import DeadLetter
from ledger.verify import verify_production
from tests.factories import Cast, Film, acting, cost_line, cost_lines, make_film, receive, role
from tests.ingestion.books import given, log_types
from tests.ingestion.workers import workers
from tests.signing_in import sign_in


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    with role("owner"):
        return make_film(cast)


@pytest.fixture(autouse=True)
def worker(database: None) -> Iterator[None]:
    with role("worker"):
        yield


def file_of(name: str, rows: int) -> bytes:
    return cost_lines([cost_line(f"{name}{n}") for n in range(rows)])


def handed_in(film: Film, name: str, rows: int) -> ImportBatch:
    """A file that waits for a worker."""
    return receive(film, file_of(name, rows), name=f"{name}.csv").batch


def drained(film: Film, kind: str, subject_id: int) -> None:
    with acting(film, "amir"):
        item = selectors.work_of(kind, [subject_id]).get()
    work.drain(only=item.pk)


def seen(film: Film, batch: ImportBatch) -> ImportBatch:
    with acting(film, "amir"):
        found = selectors.import_by_id(film.production, batch.pk)
    assert found is not None
    return found


def letter_of(film: Film, batch: ImportBatch) -> DeadLetter:
    with acting(film, "amir"):
        return waiting.dead_letters(film.production).filter(batch=batch).get()


def decided(film: Film, letter: DeadLetter, action: str) -> None:
    """Amir decides on the web, a worker carries it out."""
    with role("web"), acting(film, "amir"):
        (decision,) = letters.decide(
            actor=film.cast["amir"], letters=[letter], action=action, reason="known and meant"
        )
    drained(film, "decision", decision.pk)


def limit(film: Film, rows: int, size: int, source: str = "cost-lines") -> None:
    with role("web"), acting(film, "amir"):
        letters.set_threshold(
            actor=film.cast["amir"], production=film.production, source=source,
            most=(rows, size), reason="a small film",
        )  # fmt: skip


@pytest.mark.parametrize(("rows", "size", "why"), [(3, 10_000, "more than 3 rows"),
                                                   (100, 300, "up to 300")])  # fmt: skip
def test_a_file_over_its_limit_waits_and_the_rest_goes_on(
    film: Film, rows: int, size: int, why: str
) -> None:
    limit(film, rows, size)
    large, small = handed_in(film, f"L{rows}-", 4), handed_in(film, f"S{rows}-", 1)
    for batch in (large, small):
        drained(film, "import", batch.pk)
    now, letter = seen(film, large), letter_of(film, large)
    assert (now.state, now.rows, now.code) == ("over_limit", 0, "E_OVER_LIMIT")
    assert why in now.reason
    assert (letter.kind, letter.state, letter.attempts) == ("file", "waiting", 1)
    assert letter.document == large.document
    assert seen(film, small).state == "posted"
    drained(film, "import", large.pk)  # again: it still waits, and is not counted twice
    assert letter_of(film, large).attempts == 1
    decided(film, letter, "redrive")
    drained(film, "import", large.pk)
    now = seen(film, large)
    assert (now.state, now.rows, now.posted, now.past_limit) == ("posted", 4, 4, True)
    assert letter_of(film, large).state == "done"
    limit(film, 100, 10_000)


def test_a_limit_of_rows_is_held_to_beyond_the_first_chunk(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.gate.pipeline.CHUNK_ROWS", 5)
    limit(film, 12, 10_000)
    over, under = handed_in(film, "O", 13), handed_in(film, "U", 12)
    for batch in (over, under):
        drained(film, "import", batch.pk)
    assert (seen(film, over).state, seen(film, under).state) == ("over_limit", "posted")
    assert seen(film, under).rows_per_second > 0
    decided(film, letter_of(film, over), "drop")
    now = seen(film, over)
    assert (now.state, now.posted) == ("cancelled", 0)
    assert "Cancelled by Amir: known and meant" in now.reason
    assert letter_of(film, over).state == "dropped"
    with acting(film, "amir"):
        assert bytes(now.document.sha256) == bytes(over.document.sha256)
    limit(film, 100, 10_000)


def test_a_decision_needs_a_reason_and_is_made_once(film: Film) -> None:
    limit(film, 1, 10_000)
    batch = handed_in(film, "D", 2)
    drained(film, "import", batch.pk)
    letter = letter_of(film, batch)
    amir = film.cast["amir"]
    with role("web"), acting(film, "amir"):
        with pytest.raises(Invalid, match="reason: say why"):
            letters.decide(actor=amir, letters=[letter], action="redrive", reason=" \n")
        with pytest.raises(Invalid, match="expected redrive or drop"):
            letters.decide(actor=amir, letters=[letter], action="post", reason="x")
        assert len(letters.decide(actor=amir, letters=[letter], action="drop", reason="x")) == 1
        with pytest.raises(Invalid, match="not waiting any more"):
            letters.decide(actor=amir, letters=[letter], action="redrive", reason="x")
    limit(film, 100, 10_000)


def test_a_limit_is_a_figure_above_zero_of_a_known_source(film: Film) -> None:
    for source, most, why in (("faxes", (1, 1), "source: expected"), ("", (0, 5), "above zero"),
                              ("", (5, 1 << 50), "above zero")):  # fmt: skip
        with acting(film, "amir"), pytest.raises(Invalid, match=why):
            letters.set_threshold(
                actor=film.cast["amir"], production=film.production, source=source, most=most,
                reason="x",
            )  # fmt: skip


def test_work_that_was_given_up_has_a_letter_and_is_taken_up_again(cast: Cast) -> None:
    with role("owner"):
        film = make_film(cast)
    batch = handed_in(film, "G", 2)
    with acting(film, "amir"):
        item = selectors.work_of("import", [batch.pk]).get()
    given(film, "amir", "studio_executive")
    due(item, failures=work.MOST_FAILURES - 1)
    with pytest.raises(NoLongerAllowed):
        work.drain(only=item.pk)
    given(film, "amir", "production_accountant")
    now, letter = seen(film, batch), letter_of(film, batch)
    assert (now.state, now.rows, now.code) == ("failed", 0, "E_WORK")
    assert (letter.kind, letter.state, letter.code) == ("work", "given_up", "E_WORK")
    assert "NoLongerAllowed" in letter.cause
    assert letters.bury_dead_work() == 0, "it is buried once"
    decided(film, letter, "redrive")
    assert letter_of(film, batch).state == "retrying"
    work.drain(only=item.pk)
    assert (seen(film, batch).state, seen(film, batch).posted) == ("posted", 2)
    assert letter_of(film, batch).state == "done"
    with role("owner"):
        assert verify_production(film.production).findings == []


def due(item: WorkItem, **changed: int) -> None:
    with role("owner"):
        WorkItem.objects.filter(pk=item.pk).update(**changed)


def cancelled(film: Film, batch: ImportBatch) -> None:
    with role("web"), acting(film, "amir"):
        decision = letters.cancel_import(
            actor=film.cast["amir"], batch=batch, reason="the wrong week"
        )
    drained(film, "decision", decision.pk)


def test_an_import_that_waits_is_cancelled_and_the_file_may_come_again(film: Film) -> None:
    batch = handed_in(film, "C", 2)
    cancelled(film, batch)
    drained(film, "import", batch.pk)
    now = seen(film, batch)
    assert (now.state, now.rows, now.code) == ("cancelled", 0, "E_CANCELLED")
    assert now.reason == "Cancelled by Amir: the wrong week"
    with role("web"), acting(film, "amir"), pytest.raises(Invalid, match="has ended already"):
        letters.cancel_import(actor=film.cast["amir"], batch=batch, reason="again")
    again = receive(film, file_of("C", 2), name="C.csv")
    assert not again.is_repeat
    drained(film, "import", again.batch.pk)
    assert seen(film, again.batch).posted == 2


def test_an_import_that_runs_is_cancelled_between_two_chunks(cast: Cast) -> None:
    """A real worker posts chunk by chunk; what it has posted by then stays, and no more comes."""
    with role("owner"):
        film = make_film(cast)
    rows = 3_000
    batch = handed_in(film, "R", rows)
    with acting(film, "amir"):
        item = selectors.work_of("import", [batch.pk]).get()
    with workers(50) as crew:
        (pid,) = crew.fork({"do": "drain", "items": [item.pk], "parent": os.getpid()})
        deadline = time.monotonic() + 30
        while seen(film, batch).rows == 0:
            assert time.monotonic() < deadline, "the worker does not begin"
            time.sleep(0.01)
        cancelled(film, batch)
        counted = seen(film, batch)
        while WorkItem.objects.get(pk=item.pk).state != "done":
            assert time.monotonic() < deadline, "the worker does not stop"
            time.sleep(0.05)
        os.kill(pid, 9)
    now = seen(film, batch)
    assert (now.state, now.rows, now.posted) == ("cancelled", counted.rows, counted.posted)
    assert 0 < now.rows < rows
    assert now.rows == now.posted
    with role("owner"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_posting WHERE production_id = %s",
                       [film.production.pk])  # fmt: skip
        assert cursor.fetchone() == (now.posted,)
        assert log_types(film).count("upload") == 1
        assert verify_production(film.production).findings == []


def test_the_database_keeps_an_import_that_has_ended_and_a_letter_that_is_settled(
    film: Film,
) -> None:
    batch, fresh = handed_in(film, "E", 1), handed_in(film, "F", 1)
    cancelled(film, batch)
    limit(film, 1, 10_000)
    over = handed_in(film, "G", 2)
    drained(film, "import", over.pk)
    decided(film, letter_of(film, over), "drop")
    settled = letter_of(film, over).pk
    limit(film, 100, 10_000)
    for name, statement in (
        ("worker", f"UPDATE ingestion_importbatch SET state = 'posting' WHERE id = {batch.pk}"),
        ("worker", f"UPDATE ingestion_deadletter SET state = 'waiting' WHERE id = {settled}"),
        ("worker", f"UPDATE ingestion_deadletter SET cause = '' WHERE id = {settled}"),
        ("owner", f"DELETE FROM ingestion_deadletter WHERE id = {settled}"),
        ("owner", "DELETE FROM ingestion_decision"),
        ("owner", "UPDATE ingestion_threshold SET most_rows = 1"),
    ):
        with role(name), pytest.raises(DatabaseError), acting(film, "amir"):
            run(statement)
    with role("web"), acting(film, "amir"):
        for column in ("posted = 5", "rows = 5", "created_by_id = 1"):
            with pytest.raises(DatabaseError), transaction.atomic():
                run(f"UPDATE ingestion_importbatch SET {column}")
        with pytest.raises(DatabaseError), transaction.atomic():
            run(f"UPDATE ingestion_importbatch SET state = 'posted' WHERE id = {fresh.pk}")
        assert run("UPDATE ingestion_importbatch SET state = 'cancelled' WHERE state = 'posted'"
                   " RETURNING id") == []  # fmt: skip


def run(statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_the_screen_re_drives_those_ticked_and_cancels_with_a_reason(film: Film) -> None:
    limit(film, 1, 10_000)
    batch = handed_in(film, "V", 2)
    drained(film, "import", batch.pk)
    here = f"/p/{film.code}/dead-letters/"
    with role("web"):
        client = Client(raise_request_exception=False, SERVER_NAME="localhost")
        sign_in(client, film.cast["amir"])
        shown = client.get(here).content.decode()
        assert "V.csv" in shown
        assert "Waiting for a person" in shown
        assert client.post(here, {"action": "redrive", "reason": "x"}).status_code == 422
        assert client.post(here, {"letter": "9" * 12, "action": "drop", "reason": "x"}).status_code
        letter = letter_of(film, batch)
        sent = {"letter": str(letter.pk), "action": "redrive", "reason": "expected"}
        assert client.post(here, sent).status_code == 302
        assert "Re-driven by Amir" in client.get(here).content.decode()
        limits = {"source": "", "rows": "500", "megabytes": "5", "reason": "all small"}
        assert client.post(f"{here}limit/", limits).status_code == 302
        refused = client.post(f"{here}limit/", {**limits, "rows": "many"})
        assert (refused.status_code, b"rows: expected" in refused.content) == (422, True)
        page = f"/p/{film.code}/imports/{batch.pk}/"
        assert b"Cancel this import" in client.get(page).content
        assert client.post(f"{page}cancel/", {"reason": ""}).status_code == 422
        assert client.post(f"{page}cancel/", {"reason": "not ours"}).status_code == 302
        assert b"Cancelled by Amir: not ours" in client.get(page).content
    limit(film, 100, 10_000)

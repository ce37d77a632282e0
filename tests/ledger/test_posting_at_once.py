"""Several workers post at the same moment, each by a database session of its own."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection
from django.db.utils import DatabaseError, IntegrityError, OperationalError

from access import context
from ledger import journal, services
from ledger.verify import verify_production
from prodacct import server
from tests.factories import Film, acting, role
from tests.ledger.raw_batches import Words, draft, fresh_key, header, query, words, write_batch

WORKERS = 6
ROUNDS = 5


def post(film: Film, w: Words, unit: str = "MAIN", key: bytes | None = None) -> None:
    """One batch of three documents by the service; half a second of waiting fails it."""
    with acting(film, "amir"):
        query("SET LOCAL lock_timeout = '10s'")
        services.post_batch(
            actor=film.cast["amir"],
            header=header(film, w, unit=unit, key=key),
            drafts=[draft(w, unit=unit) for _ in range(3)],
        )


def at_once(jobs: list[Callable[[], None]]) -> list[BaseException | None]:
    """Run each job in a thread with its own session, all starting together."""
    start = threading.Barrier(len(jobs))

    def run(job: Callable[[], None]) -> None:
        try:
            connection.ensure_connection()
            start.wait()
            job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        waiting: list[Future[None]] = [pool.submit(run, job) for job in jobs]
        return [future.exception() for future in waiting]


def sequences(film: Film) -> dict[str, list[int]]:
    with role("owner"):
        return dict(
            query(
                "SELECT u.code, array_agg(e.seq ORDER BY e.seq) FROM ledger_logentry e"
                " JOIN taxonomy_unit u ON u.id = e.unit_id WHERE e.production_id = %s GROUP BY 1",
                film.production.pk,
            )
        )


def is_whole(film: Film) -> bool:
    with role("owner"):
        return verify_production(film.production).findings == []


@contextmanager
def another_session(name: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    database = str(connection.settings_dict["NAME"])
    with psycopg.connect(server.connection_string(name, database)) as session:
        session.execute("SET lock_timeout = '150ms'")
        session.commit()
        yield session
        session.rollback()


def test_workers_on_one_unit_give_a_log_without_gaps(film: Film) -> None:
    w = words(film)

    def several() -> None:
        for _ in range(ROUNDS):
            post(film, w)

    with role("worker"):
        assert at_once([several] * WORKERS) == [None] * WORKERS
    assert sequences(film) == {"MAIN": list(range(WORKERS * ROUNDS))}
    assert is_whole(film)


def test_workers_on_two_units_give_two_logs_without_gaps(film: Film) -> None:
    w = words(film)

    def several(unit: str) -> Callable[[], None]:
        def run() -> None:
            for _ in range(ROUNDS):
                post(film, w, unit)

        return run

    with role("worker"):
        jobs = [several(unit) for unit in ("MAIN", "SECOND") * (WORKERS // 2)]
        assert at_once(jobs) == [None] * WORKERS
    each = list(range(WORKERS // 2 * ROUNDS))
    assert sequences(film) == {"MAIN": each, "SECOND": each}
    assert is_whole(film)


def test_one_of_several_workers_with_the_same_batch_posts_it(film: Film) -> None:
    w = words(film)
    key = fresh_key()
    with role("worker"):
        ended = at_once([lambda: post(film, w, key=key)] * WORKERS)
    assert ended.count(None) == 1
    assert all(isinstance(e, IntegrityError) and "batch_key" in str(e) for e in ended if e)
    assert sequences(film) == {"MAIN": [0]}


def test_the_same_documents_in_any_order_never_wait_in_a_circle(film: Film) -> None:
    w = words(film)
    drafts = [draft(w) for _ in range(40)]

    def shuffled(shift: int) -> Callable[[], None]:
        order = drafts[shift:] + drafts[:shift]

        def run() -> None:
            with acting(film, "amir"):
                services.post_batch(
                    actor=film.cast["amir"], header=header(film, w), drafts=order[::-1]
                )

        return run

    with role("worker"):
        ended = at_once([shuffled(n * 7) for n in range(WORKERS)])
    assert ended.count(None) == 1
    assert all("transaction_identity" in str(e) for e in ended if e), "and none of them a deadlock"
    assert sequences(film) == {"MAIN": [0]}


def test_documents_are_written_in_the_order_of_their_keys_and_keep_their_numbers(
    film: Film,
) -> None:
    w = words(film)
    drafts = [draft(w, reference=f"R{n}") for n in range(1, 31)]
    by_key = sorted(drafts, key=lambda d: d.document_key)
    for order in (drafts, drafts[::-1], drafts[7:] + drafts[:7]):
        lines = [
            line.split("\t")
            for line in services.transaction_lines(order, w.production, 1, journal.NULL)
        ]
        assert [line[10] for line in lines] == [d.reference for d in by_key]
        assert all(order[int(line[2]) - 1].reference == line[10] for line in lines)


def refused_for_waiting(job: Callable[[], None]) -> bool:
    """Whether a job in a session of its own met a lock that another held."""

    def impatient() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '150ms'")
        job()

    (ended,) = at_once([impatient])
    if ended is None:
        return False
    assert isinstance(ended, OperationalError), ended
    assert "lock timeout" in str(ended)
    return True


def hurried(film: Film, w: Words, unit: str) -> Callable[[], None]:
    def run() -> None:
        with acting(film, "amir"):
            values = {"unit_id": w.units[unit]}
            write_batch(w, batch=values, postings=[values])

    return run


def test_a_unit_waits_for_its_own_head_and_for_no_other(film: Film, other_film: Film) -> None:
    w, o = words(film), words(other_film)
    with role("worker"):
        with acting(film, "amir"):
            write_batch(w)
            assert not refused_for_waiting(hurried(film, w, "MAIN")), "nothing is locked before"
            query("SET CONSTRAINTS ALL IMMEDIATE")
            assert refused_for_waiting(hurried(film, w, "MAIN"))
            assert not refused_for_waiting(hurried(film, w, "SECOND"))
            assert not refused_for_waiting(hurried(other_film, o, "MAIN"))
        assert not refused_for_waiting(hurried(film, w, "MAIN"))
    assert sequences(film) == {"MAIN": [0, 1, 2], "SECOND": [0]}
    assert is_whole(film)


def test_a_batch_that_is_rolled_back_leaves_no_gap(film: Film) -> None:
    w = words(film)
    with role("worker"):
        for _ in range(2):
            with acting(film, "amir"):
                write_batch(w)
            with pytest.raises(RuntimeError), acting(film, "amir"):
                write_batch(w)
                query("SET CONSTRAINTS ALL IMMEDIATE")
                raise RuntimeError
    assert sequences(film) == {"MAIN": [0, 1]}


CLOSE = "UPDATE ledger_period SET state = 'closed' WHERE id = %s"


def close(closer: psycopg.Connection[tuple[object, ...]], film: Film, w: Words, week: int) -> None:
    """Close a week and those before it in another session's transaction, as Amir."""
    signed = context.signed_context(
        user_id=film.cast["amir"].pk,
        production_id=film.production.pk,
        backend_pid=closer.info.backend_pid,
        expires=int(time.time()) + 60,
    )
    closer.execute("SELECT set_config('prodacct.context', %s, true)", [signed])
    for number in range(1, week + 1):
        closer.execute(CLOSE, [w.periods[number]])


def test_closing_a_period_waits_for_whoever_posts_to_it(film: Film) -> None:
    w = words(film)
    with role("worker"), another_session("owner") as closer:
        with acting(film, "amir"):
            write_batch(w)
            query("SET CONSTRAINTS ALL IMMEDIATE")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                close(closer, film, w, 2)
            closer.rollback()
            close(closer, film, w, 1)
            closer.rollback()
        close(closer, film, w, 2)
        closer.commit()
        with pytest.raises(DatabaseError, match="not open: wk 2"), acting(film, "amir"):
            write_batch(w)
    assert sequences(film) == {"MAIN": [0], "OFFICE": [0, 1]}


def test_whoever_posts_waits_for_a_period_that_is_being_closed_and_is_refused(film: Film) -> None:
    w = words(film)
    with role("worker"), another_session("owner") as closer:
        close(closer, film, w, 2)
        assert refused_for_waiting(hurried(film, w, "MAIN"))
        waits = threading.Thread(target=closer.commit)

        def poster() -> None:
            with acting(film, "amir"):
                write_batch(w)
                threading.Timer(0.2, waits.start).start()

        (ended,) = at_once([poster])
        waits.join()
    assert isinstance(ended, DatabaseError)
    assert "not open: wk 2" in str(ended)
    assert sequences(film) == {"OFFICE": [0, 1]}


def test_a_period_that_is_reopened_by_a_rollback_takes_the_batch_that_waited(film: Film) -> None:
    w = words(film)
    with role("worker"), another_session("owner") as closer:
        close(closer, film, w, 2)
        undo = threading.Timer(0.2, closer.rollback)

        def poster() -> None:
            with acting(film, "amir"):
                write_batch(w)
                undo.start()

        assert at_once([poster]) == [None]
        undo.join()
    assert sequences(film) == {"MAIN": [0]}

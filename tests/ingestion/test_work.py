"""The queue: claimed once, found again after a loss, given up on with a reason."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import DatabaseError, connection

from ingestion import selectors, work
from ingestion.models import WorkItem
from ingestion.services import NoLongerAllowed
from tests.factories import Film, acting, cost_line, cost_lines, receive, role
from tests.ingestion.books import given, money, put_others_work_away


@pytest.fixture
def item(film: Film) -> WorkItem:
    """A file that waits for a worker."""
    with role("worker"):
        receipt = receive(film, cost_lines([cost_line(1), cost_line(2), "x"]))
        with acting(film, "amir"):
            return selectors.work_of("import", [receipt.batch.pk]).get()


@pytest.fixture(autouse=True)
def worker(database: None) -> Iterator[None]:
    with role("worker"):
        yield


@contextmanager
def another_worker() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A session of its own, as another process has it."""
    settings = connection.get_connection_params()
    wanted = ("host", "port", "user", "dbname", "password")
    names = {name: settings[name] for name in wanted if settings.get(name)}
    with psycopg.connect(**names, autocommit=True) as session:
        yield session


def lock(session: psycopg.Connection[tuple[object, ...]], item: WorkItem) -> bool:
    """Whether the item's lock could be taken by this session."""
    row = session.execute(
        "SELECT pg_try_advisory_lock(%s, %s)", [work.LOCK_CLASS, item.pk]
    ).fetchone()
    assert row is not None
    return bool(row[0])


def break_the_import(film: Film) -> None:
    """From now on whatever Amir asked for is refused: a fault that no retry mends."""
    given(film, "amir", "studio_executive")


def make_due(item: WorkItem, **changed: object) -> None:
    """Turn the clock on to when the item may be tried again."""
    with role("owner"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ingestion_workitem SET run_after = clock_timestamp() WHERE id = %s", [item.pk]
        )
        for column, value in changed.items():
            cursor.execute(f"UPDATE ingestion_workitem SET {column} = %s WHERE id = %s",
                           [value, item.pk])  # fmt: skip


def test_an_item_is_claimed_once(item: WorkItem) -> None:
    claimed = work.claim(only=item.pk)
    assert claimed is not None
    assert (claimed.kind, claimed.attempts) == ("import", 1)
    assert work.claim(only=item.pk) is None
    item.refresh_from_db()
    assert (item.state, item.worker) == ("running", work.worker_name())
    work._release(claimed)


def test_an_item_in_work_is_locked_and_one_done_is_not(item: WorkItem, film: Film) -> None:
    claimed = work.claim(only=item.pk)
    assert claimed is not None
    with another_worker() as other:
        assert not lock(other, item)
        work.do(claimed)
        assert lock(other, item)
    item.refresh_from_db()
    assert (item.state, item.error, len(money_as_owner(film))) == ("done", "", 2)
    assert work.drain(only=item.pk) == 0


def money_as_owner(film: Film) -> list[tuple[str, str, str, str]]:
    with role("owner"):
        return money(film)


def test_the_sweep_leaves_alone_what_a_living_worker_holds(item: WorkItem) -> None:
    assert work.claim(only=item.pk) is not None
    with another_worker() as other:
        other.execute(work._SWEEP.replace("%(lock)s", str(work.LOCK_CLASS)).replace(
            "%(most)s", str(work.MOST_LOSSES)))  # fmt: skip
    item.refresh_from_db()
    assert item.state == "running"
    connection.close()


def test_the_sweep_finds_what_a_lost_worker_left(item: WorkItem, film: Film) -> None:
    assert work.claim(only=item.pk) is not None
    connection.close()  # the worker is gone, and its lock with it
    assert work.sweep() >= 1
    item.refresh_from_db()
    assert (item.state, item.error, item.claimed_at) == ("ready", "the worker was lost", None)
    make_due(item)
    assert work.drain(only=item.pk) == 1
    item.refresh_from_db()
    assert (item.state, item.attempts, len(money_as_owner(film))) == ("done", 2, 2)


def test_an_item_is_not_tried_again_at_once(item: WorkItem, film: Film) -> None:
    break_the_import(film)
    with pytest.raises(NoLongerAllowed):
        work.drain(only=item.pk)
    assert work.claim(only=item.pk) is None
    make_due(item)
    claimed = work.claim(only=item.pk)
    assert claimed is not None
    work._settle(claimed, "done", "")
    work._release(claimed)


def test_a_late_worker_cannot_settle_what_another_has_claimed_since(item: WorkItem) -> None:
    late = work.claim(only=item.pk)
    assert late is not None
    work._release(late)
    assert work.sweep() >= 1
    make_due(item)
    second = work.claim(only=item.pk)
    assert second is not None
    assert second.attempts == late.attempts + 1
    work._settle(late, "done", "")
    item.refresh_from_db()
    assert item.state == "running"
    work._settle(second, "done", "")
    work._release(second)
    item.refresh_from_db()
    assert item.state == "done"


def test_one_item_that_is_refused_or_at_fault_does_not_keep_the_round_from_the_others(
    film: Film, caplog: pytest.LogCaptureFixture
) -> None:
    given(film, "lena", "production_accountant")
    items = []
    for name, lines in (("amir", 1), ("lena", 2), ("lena", 3)):
        data = cost_lines([cost_line(f"{lines}-{n}") for n in range(lines)])
        receipt = receive(film, data, person=name)
        with acting(film, "amir"):
            items.append(selectors.work_of("import", [receipt.batch.pk]).get())
    refused, broken = items[:2]
    make_due(broken, subject_id=0)  # no such import
    break_the_import(film)
    put_others_work_away(film)
    assert work.drain() == 3
    for item in items:
        item.refresh_from_db()
    assert [item.state for item in items] == ["ready", "ready", "done"]
    assert len(money_as_owner(film)) == 3
    said = {record.levelname: record for record in caplog.records if record.name == work.__name__}
    assert "may no longer import files here" in said["WARNING"].getMessage()
    assert said["WARNING"].exc_info is None, "a refusal is no fault of the program"
    assert said["ERROR"].exc_info is not None
    assert (refused.failures, broken.failures) == (1, 1)


def test_poison_is_given_up_after_so_many_failures_and_says_why(item: WorkItem, film: Film) -> None:
    break_the_import(film)
    for attempt in range(1, work.MOST_FAILURES + 1):
        make_due(item)
        with pytest.raises(NoLongerAllowed):
            work.drain(only=item.pk)
        item.refresh_from_db()
        assert (item.state, item.attempts) == (
            "ready" if attempt < work.MOST_FAILURES else "dead", attempt,
        )  # fmt: skip
    assert "may no longer import files here" in item.error
    make_due(item)
    assert work.claim(only=item.pk) is None
    assert money_as_owner(film) == []


def test_lost_workers_alone_never_make_poison(item: WorkItem, film: Film) -> None:
    for _ in range(work.MOST_FAILURES + 4):
        make_due(item)
        assert work.claim(only=item.pk) is not None
        connection.close()
        work.sweep()
    make_due(item)
    assert work.drain(only=item.pk) == 1
    item.refresh_from_db()
    assert (item.state, len(money_as_owner(film))) == ("done", 2)


def test_lost_workers_are_not_counted_when_the_item_fails_at_last(
    item: WorkItem, film: Film
) -> None:
    make_due(item, attempts=work.MOST_FAILURES + 4)
    break_the_import(film)
    with pytest.raises(NoLongerAllowed):
        work.drain(only=item.pk)
    item.refresh_from_db()
    assert item.state == "ready"


def test_an_item_lost_a_hundred_times_is_given_up(item: WorkItem) -> None:
    make_due(item, attempts=work.MOST_LOSSES - 1)
    assert work.claim(only=item.pk) is not None
    connection.close()
    work.sweep()
    item.refresh_from_db()
    assert (item.state, item.error) == ("dead", "the worker was lost")


@contextmanager
def broken_table(item: WorkItem, table: str, sqlstate: str, condition: str) -> Iterator[None]:
    """While it lasts, writing such a row of the table fails as a full or faulty server would."""
    name = f"broken_{item.pk}"
    with role("owner"), connection.cursor() as cursor:
        cursor.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF {condition} THEN RAISE EXCEPTION 'no space left on device' USING ERRCODE ="
            f" '{sqlstate}'; END IF; RETURN NEW; END $$;"
            f"CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW"
            f" EXECUTE FUNCTION {name}()"
        )
    try:
        yield
    finally:
        with role("owner"), connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}()")


@pytest.mark.parametrize("table", ["ledger_batch", "ledger_transaction", "ingestion_heldrow"])
def test_a_full_disk_is_no_fault_of_the_item_however_long_it_lasts(
    item: WorkItem, film: Film, table: str
) -> None:
    own = f"NEW.production_id = {film.production.pk}"
    with broken_table(item, table, "53100", own):
        make_due(item, attempts=work.MOST_FAILURES)
        for _ in range(2):
            make_due(item)
            with pytest.raises(DatabaseError):
                work.drain(only=item.pk)
        item.refresh_from_db()
        assert item.state == "ready"
        assert "no space left" in item.error
    make_due(item)
    assert work.drain(only=item.pk) == 1
    assert len(money_as_owner(film)) == 2


def test_a_fault_of_the_data_that_only_the_database_sees_is_poison_in_the_end(
    item: WorkItem, film: Film
) -> None:
    own = f"NEW.production_id = {film.production.pk}"
    with broken_table(item, "ledger_batch", "22003", own):
        for _ in range(work.MOST_FAILURES):
            make_due(item)
            with pytest.raises(DatabaseError):
                work.drain(only=item.pk)
    item.refresh_from_db()
    assert item.state == "dead"


def test_when_not_even_the_item_s_own_row_can_be_written_the_sweep_still_finds_it(
    item: WorkItem, film: Film
) -> None:
    full = f"NEW.id = {item.pk} AND NEW.state IN ('ready', 'done')"
    with broken_table(item, "ingestion_workitem", "53100", full):
        with pytest.raises(DatabaseError):
            work.drain(only=item.pk)
        item.refresh_from_db()
        assert item.state == "running"
        with another_worker() as other:
            assert lock(other, item)
    assert work.sweep() >= 1
    make_due(item)
    assert work.drain(only=item.pk) == 1
    item.refresh_from_db()
    assert (item.state, len(money_as_owner(film))) == ("done", 2)


def test_a_worker_that_loses_its_connection_loses_no_work(item: WorkItem, film: Film) -> None:
    # The server ends the worker's session at the moment it would post.
    own = (
        f"NEW.production_id = {film.production.pk} AND pg_terminate_backend(pg_backend_pid())"
        " AND pg_sleep(5) IS NOT NULL"
    )
    with broken_table(item, "ledger_batch", "53100", own), pytest.raises(DatabaseError):
        work.drain(only=item.pk)
    # Put back on a connection of its own, or left for the sweep: the next worker finds it.
    work.sweep()
    item.refresh_from_db()
    assert item.state == "ready"
    make_due(item)
    assert work.drain(only=item.pk) == 1
    assert len(money_as_owner(film)) == 2


def test_fresh_work_comes_before_what_has_failed_and_the_desk_before_files(film: Film) -> None:
    with role("owner"):
        WorkItem.objects.filter(state="ready").update(state="done")
        made = [
            WorkItem.objects.create(
                production=film.production,
                kind="import",
                subject_id=-number - 10 * film.production.pk,
                priority=priority,
                attempts=attempts,
            )
            for number, (priority, attempts) in enumerate([(100, 1), (100, 0), (50, 0)])
        ]
    claims = [work.claim() for _ in made]
    assert [c.id for c in claims if c] == [made[2].pk, made[1].pk, made[0].pk]
    for claim in claims:
        assert claim is not None
        work._settle(claim, "done", "")
        work._release(claim)

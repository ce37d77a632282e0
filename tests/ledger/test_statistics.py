"""What the planner is told of tables that have grown."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.utils import ProgrammingError

from ledger.services import refresh_statistics
from tests.factories import role

ROWS = 20_000


def run(sql: str) -> None:
    with role("owner"), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def grown(database: None) -> Iterator[None]:
    run("CREATE TABLE public.grown (i int, filler text) WITH (autovacuum_enabled = off)")
    yield
    run("DROP TABLE public.grown")


def grow(rows: int) -> None:
    run(f"INSERT INTO public.grown SELECT i, repeat('x', 50) FROM generate_series(1, {rows}) i")


def known_after_a_look() -> int:
    """How many rows the planner takes the table to have, once the worker has asked."""
    with role("worker"):
        refresh_statistics()
    with role("owner"), connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'public.grown'::regclass")
        ((rows,),) = cursor.fetchall()
    return int(rows)


@pytest.mark.usefixtures("grown")
def test_a_table_is_looked_at_when_it_has_doubled_and_not_before() -> None:
    assert known_after_a_look() == -1, "an empty table is not worth a look"
    grow(ROWS)
    assert known_after_a_look() == ROWS
    grow(1)
    assert known_after_a_look() == ROWS, "nor is one row more"
    grow(2 * ROWS)
    assert known_after_a_look() == pytest.approx(3 * ROWS + 1, rel=0.01)


@pytest.mark.usefixtures("database")
def test_only_the_worker_may_ask() -> None:
    with role("web"), pytest.raises(ProgrammingError, match="permission denied"):
        refresh_statistics()

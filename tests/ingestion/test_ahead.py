"""Reading ahead: in order, one ahead, with each fault at its place, and without the database."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from ingestion import ahead
from ingestion.ahead import PIECE_BYTES, copied, read_ahead
from tests.factories import role


def silent() -> None:
    """Nobody is told that an item is waited for."""


class Source:
    """Items as a reader makes them, in whatever thread asks."""

    def __init__(self, items: list[Any], fault_after: int | None = None) -> None:
        self.items, self.fault_after = items, fault_after
        self.made: list[Any] = []
        self.threads: set[int] = set()

    def __iter__(self) -> Iterator[Any]:
        for number, item in enumerate(self.items):
            if number == self.fault_after:
                raise ValueError("an open quote")
            self.threads.add(threading.get_ident())
            self.made.append(item)
            yield item


def test_items_come_in_order_from_another_thread_and_one_ahead() -> None:
    items = [[], 0, None, "a", "b", "c"]  # what is empty or nothing is no end
    source = Source(items)
    given: list[Any] = []
    with read_ahead(iter(source), silent) as coming:
        for item in coming:
            given.append(item)
            assert len(source.made) <= len(given) + 1
    assert given == items
    assert source.threads.isdisjoint({threading.get_ident()})


def test_what_reading_raises_is_raised_after_what_was_read_before() -> None:
    given: list[Any] = []
    with (
        pytest.raises(ValueError, match="an open quote"),
        read_ahead(iter(Source([1, 2, 3], fault_after=2)), silent) as coming,
    ):
        given.extend(coming)
    assert given == [1, 2]


def test_who_stops_half_way_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with (
        pytest.raises(KeyError),
        read_ahead(iter(Source(list(range(9)))), silent) as coming,
    ):
        assert next(coming) == 0
        raise KeyError
    assert threading.active_count() == before


def test_a_beat_is_given_while_an_item_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "HEARTBEAT_SECONDS", 0.01)
    beaten = threading.Event()

    def slow() -> Iterator[int]:
        assert beaten.wait(60)
        yield 1

    with read_ahead(slow(), beaten.set) as coming:
        assert list(coming) == [1]


def test_a_timeout_of_the_item_itself_is_raised_and_not_waited_for() -> None:
    def late() -> Iterator[int]:
        yield 1
        raise TimeoutError("the item's own")

    with (
        pytest.raises(TimeoutError, match="the item's own"),
        read_ahead(late(), silent) as coming,
    ):
        list(coming)


def test_the_reading_thread_asks_the_database_nothing(database: None) -> None:
    def asking() -> Iterator[int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        yield 1

    with (
        role("worker"),
        pytest.raises(AssertionError, match="asks the database nothing"),
        read_ahead(asking(), silent) as coming,
    ):
        list(coming)


def test_a_copy_is_read_as_often_as_asked_each_reader_at_its_own_place() -> None:
    data = bytes(range(256)) * (PIECE_BYTES // 100)
    with copied([data[:1000], b"", data[1000:]]) as copy:
        first, second = copy.pieces(), copy.pieces()
        begun = [next(first), next(second), next(second)]
        assert begun[0] == begun[1] == data[:PIECE_BYTES]
        assert b"".join([*begun[1:], *second]) == b"".join(copy.pieces()) == data
        assert begun[0] + b"".join(first) == data

"""A chunk is read while the one before it is posted: the database works, and so does the reader."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import connection

Item = TypeVar("Item")
HEARTBEAT_SECONDS = 2.0
PIECE_BYTES = 1024 * 1024


class Copy:
    """A document's bytes beside the worker, for as often as they are read. The reading thread has
    no connection to fetch them with: whose rows it may see is said in the worker's own."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def pieces(self) -> Iterator[bytes]:
        """The bytes from the first on, each reader at its own place. One thread at a time."""
        place = 0
        while data := os.pread(self._file.fileno(), PIECE_BYTES, place):
            yield data
            place += len(data)


@contextmanager
def copied(pieces: Iterable[bytes]) -> Iterator[Copy]:
    """A copy in a file without a name: it goes with the worker, however that ends."""
    with tempfile.TemporaryFile() as file:
        file.writelines(pieces)
        file.flush()
        yield Copy(file)


@contextmanager
def read_ahead(items: Iterator[Item], beat: Callable[[], None]) -> Iterator[Iterator[Item]]:
    """The items in order, each made in a thread while the one before it is used.

    `beat` is called in this thread every few seconds that an item is waited for. What making an
    item raises is raised where it would have been given.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="reader") as reader:
        yield _given(reader, items, beat)


def _given(
    reader: ThreadPoolExecutor, items: Iterator[Item], beat: Callable[[], None]
) -> Iterator[Item]:
    coming = reader.submit(_next, items)
    while item := _waited_for(coming, beat):
        coming = reader.submit(_next, items)
        yield item[0]


def _next(items: Iterator[Item]) -> tuple[Item] | None:
    with connection.execute_wrapper(_refuse):
        for item in items:
            return (item,)
    return None


def _waited_for(coming: "Future[tuple[Item] | None]", beat: Callable[[], None]) -> Any:
    while True:
        try:
            return coming.result(HEARTBEAT_SECONDS)
        except TimeoutError:
            if coming.done():
                raise  # the item's own
            beat()


def _refuse(*_: object) -> None:
    raise AssertionError("the reading thread asks the database nothing: it would see other rows")

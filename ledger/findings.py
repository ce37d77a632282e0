"""What a verification finds, and how it reads: rows a few at a time, however many there are."""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

FEW = 16  # a batch's leaves are a megabyte and more
_number = itertools.count()


@dataclass(frozen=True, slots=True)
class Finding:
    """One record that is not as it was sealed: which, and what is wrong with it."""

    record: str
    problem: str


@dataclass(slots=True)
class Verified:
    """How much was recomputed, and what was found."""

    entries: int = 0
    batches: int = 0
    transactions: int = 0
    postings: int = 0
    documents: int = 0
    nodes: int = 0
    checkpoints: int = 0
    findings: list[Finding] = field(default_factory=list)
    logs: dict[int, tuple[int, bytes]] = field(default_factory=dict)


def rows(sql: str, asked: Sequence[Any] | dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Every row of a statement, read at once."""
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        yield from cursor.fetchall()


def rows_in_turn(sql: str, asked: Sequence[Any] | dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Every row of a statement, a few in memory at a time. Inside a transaction.

    In the driver's binary form, which Django does not ask for: most of what is read are hashes,
    and as text they are sent at twice their length and read digit by digit.
    """
    connection.ensure_connection()
    name = f"in_turn_{next(_number)}"
    with (
        connection.wrap_database_errors,
        connection.connection.cursor(name, binary=True) as cursor,
    ):
        cursor.execute(sql, asked)
        while some := cursor.fetchmany(FEW):
            yield from some


def parsed(line: bytes) -> dict[str, Any] | None:
    """The entry, or None: an altered line may be anything, and is a finding, not a crash."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("data"), dict) else None

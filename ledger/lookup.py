"""Looking up by the start of a hash, and the entries of the logs as people read them.

Both go through functions of the database that answer only for what the asker may see.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection

from access.models import Production
from ledger.models import Transaction
from ledger.seal import leaf_hash

LEAST_DIGITS, MOST_DIGITS = 6, 64
PAGE_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class Found:
    """Something whose hash begins as asked: what it is, and where it stands."""

    kind: str
    hash: bytes
    unit: str
    seq: int | None
    batch_id: int | None
    number: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A log entry. `line` is None where the asker may not see all costs."""

    unit: str
    seq: int
    action: str
    at: str
    actor: str
    leaf: bytes
    batch_id: int | None
    line: str | None

    @property
    def is_as_hashed(self) -> bool | None:
        """Whether the line hashes to the leaf; None where the line is not shown."""
        return None if self.line is None else leaf_hash(self.line.encode()) == self.leaf


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries are asked for: an empty text asks for all. Days are ISO 8601, both included.

    `kind` is the type of an entry, whatever `action` asks for; `says` what its line says, in any
    case; `batch_id` the batch it seals, with a document or a posting that the asker may see.
    """

    kind: str = ""
    says: tuple[str, ...] = ()
    batch_id: int | None = None
    document: int | None = None
    posting: int | None = None
    actor: str = ""
    action: str = ""
    first_day: str = ""
    last_day: str = ""
    before: str = ""


_FOUND = """
SELECT f.kind, f.hash, coalesce(u.code, ''), f.seq, f.batch_id, f.number
FROM journal.found_by_hash(%s, %s) f LEFT JOIN taxonomy_unit u ON u.id = f.unit_id
ORDER BY f.kind, f.batch_id, f.number
"""
_ENTRIES = """
SELECT u.code, e.seq, e.type, e.at, coalesce(a.name, ''), e.leaf, e.batch_id, e.line
FROM journal.entries_seen(NULL, NULL, NULL) e
JOIN taxonomy_unit u ON u.id = e.unit_id
LEFT JOIN access_user a ON a.id = e.actor_id
WHERE (%(actor)s = '' OR strpos(lower(a.name || ' ' || a.email), lower(%(actor)s)) > 0)
  AND (%(action)s = '' OR e.type = %(action)s)
  AND (%(first_day)s = '' OR e.at >= %(first_day)s)
  AND (%(last_day)s = '' OR left(e.at, 10) <= %(last_day)s)
  AND (%(before)s = '' OR e.at < %(before)s)
  AND (%(kind)s = '' OR e.type = %(kind)s)
  AND (%(says)s::text[] = '{}' OR e.line IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM unnest(%(says)s::text[]) AS s(said)
        WHERE strpos(lower(e.line), lower(s.said)) = 0))
  AND (%(batch)s::bigint IS NULL OR e.batch_id = %(batch)s)
  AND (%(document)s::int IS NULL OR EXISTS (
        SELECT 1 FROM ledger_transaction t WHERE t.production_id = u.production_id
        AND t.batch_id = e.batch_id AND t.number = %(document)s))
  AND (%(posting)s::int IS NULL OR EXISTS (
        SELECT 1 FROM ledger_posting p WHERE p.production_id = u.production_id
        AND p.batch_id = e.batch_id AND p.line_no = %(posting)s))
ORDER BY e.at DESC, u.code, e.seq DESC LIMIT %(limit)s
"""
_NEAR = """
SELECT u.code, e.seq, e.type, e.at, coalesce(a.name, ''), e.leaf, e.batch_id, e.line
FROM taxonomy_unit u
CROSS JOIN LATERAL journal.entries_seen(u.id, %(first)s, %(last)s) e
LEFT JOIN access_user a ON a.id = e.actor_id
WHERE u.production_id = %(production)s AND u.code = %(unit)s ORDER BY e.seq
"""


# Every state of some records, by unit and in the order they were logged.
_STATES = """
SELECT u.code, e.seq, e.line
FROM journal.entries_seen(NULL, NULL, NULL) e JOIN taxonomy_unit u ON u.id = e.unit_id
WHERE e.type = 'row' AND (substring(e.line FROM '"table": "([a-z_]+)"'),
                          substring(e.line FROM '"id": "([0-9]+)"'))
    IN (SELECT * FROM unnest(%(tables)s::text[], %(ids)s::text[]))
ORDER BY u.code, e.seq
"""


def row_says(column: str, value: str) -> str:
    """What the line of a record's state says when a column of it has this value."""
    return f"{json.dumps(column)}: {json.dumps(value, ensure_ascii=False)}"


def states_of(records: Collection[tuple[str, str]]) -> list[tuple[str, int, str]]:
    """(unit, seq, line) of every state of these (table, id), as far as the asker may see them."""
    tables, ids = [table for table, _ in records], [row_id for _, row_id in records]
    with connection.cursor() as cursor:
        cursor.execute(_STATES, {"tables": tables, "ids": ids})
        return [(unit, seq, line) for unit, seq, line in cursor.fetchall()]


def found_by_hash(prefix: str) -> list[Found]:
    """What begins with these hex digits, in the production of the context; at most 100."""
    assert LEAST_DIGITS <= len(prefix) <= MOST_DIGITS, "the screen asks for six digits and more"
    low = bytes.fromhex(prefix.ljust(MOST_DIGITS, "0"))
    high = bytes.fromhex(prefix.ljust(MOST_DIGITS, "f"))
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, [low, high])
        return [Found(r[0], bytes(r[1]), *r[2:]) for r in cursor.fetchall()]


def _entry(*row: Any) -> Entry:
    unit, seq, action, at, actor, leaf, batch_id, line = row
    return Entry(unit, seq, action, at, actor, bytes(leaf), batch_id, line)


def entries(asked: EntryFilter) -> list[Entry]:
    """The entries asked for, newest first: one more than a page holds, where there are more."""
    values: dict[str, Any] = {
        "actor": asked.actor,
        "action": asked.action,
        "first_day": asked.first_day,
        "last_day": asked.last_day,
        "before": asked.before,
        "kind": asked.kind,
        "says": list(asked.says),
        "batch": asked.batch_id,
        "document": asked.document,
        "posting": asked.posting,
        "limit": PAGE_ENTRIES + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES, values)
        return [_entry(*row) for row in cursor.fetchall()]


def entries_near(production: Production, unit: str, seq: int) -> list[Entry]:
    """An entry with its two neighbours in the unit's log, as far as the asker may see them."""
    values: dict[str, Any] = {
        "production": production.pk,
        "unit": unit,
        "first": seq - 1,
        "last": seq + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, values)
        return [_entry(*row) for row in cursor.fetchall()]


def documents_of(production: Production, batch_id: int, most: int) -> list[Transaction]:
    """The first documents of a batch, of those the asker may see."""
    found = Transaction.objects.filter(production=production, batch_id=batch_id)
    return list(found.order_by("number")[:most])

"""Batches and their rows, recomputed from live rows and compared with their seals."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import connection

from ledger import seal
from ledger.findings import Finding, Verified, rows, rows_in_turn

Sealed = dict[int, dict[str, Any]]  # batch -> what its log entry says of it, and the entry's name
# The database writes the lines; they are hashed here, on another processor than the one that
# writes the next batch's, and by nothing that whoever altered a row could have altered with it.
# A batch at a time: the driver needs as long for a message of one line as the hash does. A row
# with a NULL where none may be has no line, and is one of no batch: it is not passed over.
_LINES = {
    "transaction": "COPY (SELECT t.batch_id,"
    " string_agg(coalesce(journal.transaction_line(t), ''), E'\\n' ORDER BY t.number)"
    " FROM ledger_transaction t WHERE t.production_id = %s GROUP BY t.batch_id"
    " ORDER BY t.batch_id) TO STDOUT (FORMAT BINARY)",
    "posting": "COPY (SELECT p.batch_id,"
    " string_agg(coalesce(journal.posting_line(p), ''), E'\\n' ORDER BY p.line_no)"
    " FROM ledger_posting p WHERE p.production_id = %s GROUP BY p.batch_id"
    " ORDER BY p.batch_id) TO STDOUT (FORMAT BINARY)",
}
_LINES_OF = {
    "transaction": "SELECT t.number, convert_to(journal.transaction_line(t), 'UTF8')"
    " FROM ledger_transaction t WHERE t.production_id = %s AND t.batch_id = %s",
    "posting": "SELECT p.line_no, convert_to(journal.posting_line(p), 'UTF8')"
    " FROM ledger_posting p WHERE p.production_id = %s AND p.batch_id = %s",
}
# COPY's binary form: a header of 19 bytes before the first row; a row is the number of its
# fields (2 bytes), then each field behind its length (4 bytes).
_HEADER_BYTES = 19
_BATCH_AT, _LINES_AT = 6, 18


def live_lines(word: str, production_id: int) -> Iterator[tuple[int, list[bytes]]]:
    """Each batch of a production and the lines of its rows in order, as COPY sends them."""
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(_LINES[word], [production_id]) as copy,
    ):
        is_first = True
        for sent in copy:
            row = bytes(sent)[_HEADER_BYTES:] if is_first else bytes(sent)
            is_first = False
            if len(row) >= _LINES_AT:  # else the mark of the end
                batch = int.from_bytes(row[_BATCH_AT : _BATCH_AT + 8], "big", signed=True)
                yield batch, row[_LINES_AT:].split(b"\n")


@dataclass(slots=True)
class Live:
    """The leaves of a batch's live rows: how many, and a hash over all of them in order."""

    count: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


Leaves = dict[int, Live]  # batch -> the leaves of its live rows


def live_leaves(word: str, production_id: int) -> Leaves:
    """batch -> its leaves, computed from the rows as they are."""
    sha256 = hashlib.sha256
    return {
        batch: Live(len(lines), sha256(b"".join([sha256(b"\0" + line).digest() for line in lines])))
        for batch, lines in live_lines(word, production_id)
    }


_BATCHES = """
SELECT b.id, journal.batch_data(b, '\\x'), s.leaves, b.transaction_count,
    coalesce(d.sha256, '') = b.document_sha256 AND (d.id IS NULL) = (b.document_id IS NULL),
    ARRAY(SELECT k.bucket FROM ledger_leafbucket k
          WHERE k.batch_id = b.id AND k.production_id = b.production_id ORDER BY k.bucket),
    ARRAY(SELECT k.entries FROM ledger_leafbucket k
          WHERE k.batch_id = b.id AND k.production_id = b.production_id ORDER BY k.bucket)
FROM ledger_batch b LEFT JOIN ledger_sealedleaves s
    ON s.batch_id = b.id AND s.production_id = b.production_id
LEFT JOIN ledger_sourcedocument d
    ON d.id = b.document_id AND d.production_id = b.production_id
WHERE b.production_id = %s ORDER BY b.id
"""


def verify_batches(
    production_id: int, sealed: Sealed, found: tuple[Leaves, Leaves], result: Verified
) -> Iterator[Finding]:
    """Every batch against its log entry, and every row against the leaf it was sealed with.

    found: the leaves of the transactions and of the postings there are.
    """
    transactions, postings = found
    result.transactions = sum(live.count for live in transactions.values())
    result.postings = sum(live.count for live in postings.values())
    seen = set()
    for batch_id, data, kept, count, same_document, buckets, entries in rows_in_turn(
        _BATCHES, [production_id]
    ):
        seen.add(batch_id)
        result.batches += 1
        entry, leaves = sealed.get(batch_id), bytes(kept or b"")
        if entry is None:
            yield Finding(f"batch {batch_id}", "no log entry seals it")
            transactions.pop(batch_id, None), postings.pop(batch_id, None)
            continue
        yield from _differences(batch_id, entry, json.loads(data))
        if seal.leaves_root(leaves).hex() != entry.get("root"):
            yield Finding(f"batch {batch_id}", "its sealed leaves are not those of its log entry")
        if not same_document:
            yield Finding(f"batch {batch_id}", "the file it came from is gone, or is another")
        live = transactions.pop(batch_id, Live()), postings.pop(batch_id, Live())
        if not _agree(leaves, count, live):
            yield from _altered_rows(production_id, batch_id, leaves)
        if not _found_by_hash(leaves, buckets, entries):
            yield Finding(f"look-up of batch {batch_id}", "it does not lead to the batch's leaves")
    for batch_id, entry in sealed.items():
        if batch_id not in seen:
            yield Finding(entry["name"], f"the batch it seals, {batch_id}, is gone")
    yield from _ownerless_rows(production_id, found)


def _differences(batch_id: int, entry: dict[str, Any], now: dict[str, Any]) -> Iterator[Finding]:
    for name in sorted((set(entry) | set(now)) - {"root", "name"}):
        if entry.get(name) != now.get(name):
            yield Finding(
                f"batch {batch_id}",
                f"{name} was sealed as {entry.get(name)!r} and is now {now.get(name)!r}",
            )


def _agree(leaves: bytes, transactions: int, live: tuple[Live, Live]) -> bool:
    cut = 32 * max(transactions, 0)
    parts = (leaves[:cut], leaves[cut:])
    return all(
        32 * found.count == len(part) and found.digest.digest() == hashlib.sha256(part).digest()
        for found, part in zip(live, parts, strict=True)
    )


# A leaf begins with the byte that names its bucket and the four bytes the look-up keeps of it.
_LEAF = np.dtype([("bucket", "u1"), ("start", ">u4"), ("rest", "V27")])
_KEPT = np.dtype([("start", ">u4"), ("place", ">u4")])


def _found_by_hash(leaves: bytes, buckets: list[int], entries: list[bytes]) -> bool:
    """Whether the look-up of a batch holds each of its leaves once, at its place."""
    if len(leaves) % 32 or any(len(packed) % 8 for packed in entries):
        return False
    sealed = np.frombuffer(leaves, _LEAF)
    kept = np.frombuffer(b"".join(entries), _KEPT)
    bucket_of = np.repeat(np.array(buckets, np.int64), [len(packed) // 8 for packed in entries])
    places = kept["place"].astype(np.int64)
    if len(places) != len(sealed) or (places >= len(sealed)).any():
        return False
    found = sealed[places]
    return bool(
        (found["bucket"] == bucket_of).all()
        and (found["start"] == kept["start"]).all()
        and (np.bincount(places, minlength=len(sealed)) == 1).all()
    )


def _altered_rows(production_id: int, batch_id: int, leaves: bytes) -> Iterator[Finding]:
    """Name the rows of one batch that are not as they were sealed."""
    said = next(
        rows("SELECT transaction_count, line_count FROM ledger_batch WHERE id = %s", [batch_id])
    )
    known = {leaves[i : i + 32] for i in range(0, len(leaves), 32)}
    for word, said_count in (("transaction", said[0]), ("posting", said[1])):
        count = min(said_count, len(known))  # a count that was altered may say anything
        live = {
            number: seal.leaf_hash(bytes(line or b""))
            for number, line in rows(_LINES_OF[word], [production_id, batch_id])
        }
        for number in range(1, count + 1):
            if number not in live:
                yield Finding(f"{word} {batch_id}/{number}", "it was sealed and is gone")
            elif live[number] not in known:
                yield Finding(f"{word} {batch_id}/{number}", "it is not as it was sealed")
        for number in sorted(set(live) - set(range(1, count + 1))):
            yield Finding(f"{word} {batch_id}/{number}", "it was added after the seal")


def _ownerless_rows(production_id: int, left: tuple[Leaves, Leaves]) -> Iterator[Finding]:
    """Rows of batches that are not there, given the leaves that no batch has asked for."""
    for word, table, key, unasked in (
        ("transaction", "ledger_transaction", "number", left[0]),
        ("posting", "ledger_posting", "line_no", left[1]),
    ):
        if not unasked:
            continue
        named = list(rows(
            f"SELECT x.batch_id, x.{key} FROM {table} x WHERE x.production_id = %s"  # noqa: S608
            " AND NOT EXISTS (SELECT 1 FROM ledger_batch b WHERE b.id = x.batch_id"
            " AND b.production_id = x.production_id) LIMIT 100",
            [production_id],
        ))  # fmt: skip
        for batch_id, number in named or [(batch_id, "*") for batch_id in unasked]:
            yield Finding(f"{word} {batch_id}/{number}", "it belongs to no batch")


def strays(production_id: int) -> Iterator[Finding]:
    """Leaves, look-ups and pieces of files whose owner is gone."""
    for word, owner_id, number in rows(_STRAYS, {"p": production_id}):
        yield Finding(word.format(owner_id, number), "what it belongs to is gone")


# The seal checked it once, and nothing holds it in place since.
_STRAYS = """
SELECT 'leaves of batch {0}', s.batch_id, 0 FROM ledger_sealedleaves s
    WHERE s.production_id = %(p)s AND NOT EXISTS (
        SELECT 1 FROM ledger_batch b WHERE b.id = s.batch_id AND b.production_id = %(p)s)
UNION ALL
SELECT 'look-up of batch {0}', k.batch_id, 0 FROM ledger_leafbucket k
    WHERE k.production_id = %(p)s AND NOT EXISTS (
        SELECT 1 FROM ledger_batch b WHERE b.id = k.batch_id AND b.production_id = %(p)s)
UNION ALL
SELECT 'document {0}, piece {1}', x.document_id, x.number FROM ledger_sourcepiece x
    WHERE x.production_id = %(p)s AND NOT EXISTS (
        SELECT 1 FROM ledger_sourcedocument d
        WHERE d.id = x.document_id AND d.production_id = %(p)s)
LIMIT 100
"""

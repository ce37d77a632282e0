"""The journal recomputed from live rows: what does not agree with what was sealed is named."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connection, transaction

from access import context
from access.errors import Refused
from access.models import Production
from ledger import seal, verify_batches, verify_checkpoints
from ledger.findings import Finding, Verified, parsed, rows, rows_in_turn
from ledger.models import PIECE_BYTES
from ledger.verification_tables import Alteration, Verification
from ledger.verify_batches import Leaves, live_leaves
from ledger.verify_checkpoints import Promises
from ledger.verify_masters import verify_masters
from ledger.verify_payees import verify_payees
from ledger.verify_rows import verify_appended, verify_audited
from ledger.verify_statements import verify_statements
from ledger.verify_totals import verify_totals
from taxonomy.digest import first_fault, trace
from taxonomy.trees import tree_of

__all__ = ["Finding", "Verified", "record_result", "verify_production"]
Found = TypeVar("Found")
# How long one production may take. The database forgets who asks when it is over, and a worker
# would see no more rows.
LONGEST_SECONDS = 6 * 3600
MOST_NAMED = 100

# Every unit that is there, and every unit that has left a trace in the logs.
_UNITS = """
SELECT x.id, u.code FROM (
    SELECT id FROM taxonomy_unit WHERE production_id = %(p)s
    UNION SELECT unit_id FROM ledger_loghead WHERE production_id = %(p)s
    UNION SELECT unit_id FROM ledger_logentry WHERE production_id = %(p)s
    UNION SELECT unit_id FROM ledger_checkpoint WHERE production_id = %(p)s) x
LEFT JOIN taxonomy_unit u ON u.id = x.id AND u.production_id = %(p)s ORDER BY x.id
"""


class TookTooLong(Refused):
    """The database forgot who asks before everything was recomputed."""

    code = "E_TOOK_TOO_LONG"


def verify_production(production: Production) -> Verified:
    """Recompute everything of a production: as the owner, or as a worker that sees all of it.

    All of it as of one moment, so that what is posted meanwhile is no finding; inside a
    transaction, as of that transaction and of what whoever asks in it may see. Raises TookTooLong.
    """
    result = Verified()
    if connection.in_atomic_block:
        result.findings += _verify_seals(
            production,
            result,
            live_leaves("transaction", production.pk),
            live_leaves("posting", production.pk),
        )
        result.findings += _verify_rest(production, result)
        return result
    with transaction.atomic(), ThreadPoolExecutor(2) as others:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT pg_export_snapshot()")
            ((snapshot,),) = cursor.fetchall()
        _enter(production)
        # Three server processes: one writes documents to be hashed, one their postings, and one
        # adds up sums. In turn, a processor stands idle for a quarter of the time.
        rest = others.submit(
            _beside, production, snapshot, lambda: _verify_rest(production, result)
        )
        postings = others.submit(
            _beside, production, snapshot, lambda: live_leaves("posting", production.pk)
        )
        transactions = live_leaves("transaction", production.pk)
        result.findings += _verify_seals(production, result, transactions, postings.result())
        result.findings += rest.result()
        _still_asked(production)
    return result


def _enter(production: Production) -> None:
    """The rows of this production are what is asked about, in the name of nobody."""
    context.enter(
        user_id=context.NOBODY, production_id=production.pk, lifetime_seconds=LONGEST_SECONDS
    )


def _still_asked(production: Production) -> None:
    """The owner sees all rows whoever asks, on a machine with another secret too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user = 'prodacct_owner' OR sec.production_id() = %s", [production.pk]
        )
        if cursor.fetchone() != (True,):
            raise TookTooLong(f"{production.code}: what was found last was not of all its rows")


def _beside(production: Production, snapshot: str, found_by: Callable[[], Found]) -> Found:
    """What is found in this thread's own connection, as of the moment of the first."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
            _enter(production)
            found = found_by()
            _still_asked(production)
            return found
    finally:
        connection.close()


def _verify_seals(
    production: Production,
    result: Verified,
    transactions: Leaves,
    postings: Leaves,
) -> list[Finding]:
    """Logs and checkpoints, and every batch and row against what the logs seal."""
    found: list[Finding] = []
    sealed: dict[int, dict[str, Any]] = {}
    for unit_id, unit in list(rows(_UNITS, {"p": production.pk})):
        if unit is None:
            found.append(Finding(f"unit {unit_id}", "it has a log and is gone"))
        name = unit or str(unit_id)
        promises = verify_checkpoints.promises(production, unit_id, name)
        found.extend(promises.findings)
        result.checkpoints += promises.checkpoints
        found.extend(_verify_log(production.pk, (unit_id, name), promises, sealed, result))
    found.extend(
        verify_batches.verify_batches(production.pk, sealed, (transactions, postings), result)
    )
    return found


def _verify_rest(production: Production, result: Verified) -> list[Finding]:
    """What stands beside the seals: owners, totals, files, nodes, audited rows, masters, banks."""
    with connection.cursor() as cursor:
        # Sums of many batches outgrow the usual 4 MB. And of a film posted today the planner has
        # no statistics: it would look up the five owners of every posting one by one.
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("SET LOCAL enable_nestloop = off")
        # Both processors have their work already.
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
    found = list(verify_batches.strays(production.pk))
    found.extend(verify_totals(production.pk))
    found.extend(_verify_documents(production.pk, result))
    found.extend(_verify_nodes(production, result))
    found.extend(verify_audited(production.pk))
    found.extend(verify_masters(production.pk))
    found.extend(verify_statements(production.pk))
    found.extend(verify_payees(production.pk))
    return found


def record_result(production: Production, result: Verified) -> None:
    """Write down how far the logs were found whole, or what was not, for the screens that say so.

    Twice is harmless: the later one says it of a later moment.
    """
    with transaction.atomic():
        _enter(production)
        if result.findings:
            named = [f"{f.record}: {f.problem}" for f in result.findings[:MOST_NAMED]]
            Alteration.objects.create(
                production=production, count=len(result.findings), findings="\n".join(named)
            )
            return
        Verification.objects.bulk_create(
            Verification(production=production, unit_id=unit_id, size=size, root=root)
            for unit_id, (size, root) in result.logs.items()
            if size
        )


def _verify_log(
    production_id: int,
    unit: tuple[int, str],
    promises: Promises,
    sealed: dict[int, dict[str, Any]],
    result: Verified,
) -> Iterator[Finding]:
    unit_id, code = unit
    tree = seal.Tree()
    for seq, entry_type, line, leaf, batch_id in rows_in_turn(
        "SELECT seq, type, convert_to(line, 'UTF8'), leaf, batch_id FROM ledger_logentry"
        " WHERE production_id = %s AND unit_id = %s ORDER BY seq",
        [production_id, unit_id],
    ):
        name = f"log entry {code}#{seq}"
        result.entries += 1
        if seq != tree.size:
            yield Finding(name, f"entry {code}#{tree.size} is missing before it")
        computed = seal.leaf_hash(bytes(line))
        if computed != bytes(leaf):
            yield Finding(name, "its line does not hash to its leaf: the line was altered")
        tree.append(computed)
        yield from promises.compared(tree.size, tree.root)
        entry = parsed(bytes(line))
        if entry is None or entry.get("type") != entry_type or entry.get("seq") != str(seq):
            yield Finding(name, "its line does not say what its columns say")
        elif (batch_id is not None) != (entry_type == "post"):
            yield Finding(name, "an entry of type post names a batch, and no other entry does")
        elif batch_id is not None:
            sealed[batch_id] = {**entry["data"], "name": name}
    yield from promises.beyond(tree.size)
    yield from _verify_head(production_id, unit_id, code, tree)
    result.logs[unit_id] = (tree.size, tree.root())


def _verify_head(production_id: int, unit_id: int, unit: str, tree: seal.Tree) -> Iterator[Finding]:
    head = next(
        rows(
            "SELECT size, root, edge IS NOT DISTINCT FROM %s::bytea[] FROM ledger_loghead"
            " WHERE production_id = %s AND unit_id = %s",
            [tree.edge, production_id, unit_id],
        ),
        None,
    )
    if head is None:
        yield Finding(f"log of unit {unit}", "the head is missing")
    elif head[0] != tree.size:
        yield Finding(f"log of unit {unit}", f"the head says {head[0]} entries, {tree.size} exist")
    elif bytes(head[1]) != tree.root():
        yield Finding(
            f"log of unit {unit}", f"the entries' root is {tree.root().hex()[:16]}, the head's is "
            f"{bytes(head[1]).hex()[:16]}"
        )  # fmt: skip
    elif not head[2]:
        yield Finding(f"log of unit {unit}", "the head's edge is not the edge of its entries")


_DOCUMENTS = """
SELECT d.id, d.sha256, d.name, d.byte_size, coalesce(sum(length(p.data)), 0),
    sha256(coalesce(string_agg(p.data, ''::bytea ORDER BY p.number), ''::bytea)),
    count(*) FILTER (WHERE length(p.data) = 0 OR length(p.data)
        <> least(%(piece)s, d.byte_size - p.number::bigint * %(piece)s))
FROM ledger_sourcedocument d LEFT JOIN ledger_sourcepiece p
    ON p.document_id = d.id AND p.production_id = d.production_id
WHERE d.production_id = %(p)s GROUP BY d.id ORDER BY d.id
"""


def _verify_documents(production_id: int, result: Verified) -> Iterator[Finding]:
    for document_id, sha256, name, size, computed_size, computed, irregular in rows(
        _DOCUMENTS, {"p": production_id, "piece": PIECE_BYTES}
    ):
        result.documents += 1
        record = f"document {document_id} {name}"
        if bytes(computed) != bytes(sha256):
            yield Finding(
                record,
                f"its bytes hash to {bytes(computed).hex()[:16]}, received were "
                f"{bytes(sha256).hex()[:16]}",
            )
        elif computed_size != size:
            yield Finding(record, f"it has {computed_size} bytes, received were {size}")
        elif irregular:
            yield Finding(record, f"{irregular} of its pieces are not where they were cut")


# Dates PostgreSQL knows and Python does not: the tree could not even be read.
_UNREADABLE_NODES = """
SELECT id, code FROM taxonomy_costnode WHERE production_id = %(p)s AND NOT (
    window_start BETWEEN '0001-01-01' AND '9999-12-31'
    AND window_end BETWEEN '0001-01-01' AND '9999-12-31'
    AND recorded_at BETWEEN '0001-01-02' AND '9999-12-30') ORDER BY id
"""


def _verify_nodes(production: Production, result: Verified) -> Iterator[Finding]:
    unreadable = list(rows(_UNREADABLE_NODES, {"p": production.pk}))
    if unreadable:
        for node_id, code in unreadable:
            yield Finding(f"cost node {node_id}, {code}", "its dates are outside the calendar")
        return
    nodes = tree_of(production)
    result.nodes = len(nodes)
    for node_id, node in nodes.items():
        fault = first_fault(trace(node, nodes)[:1])
        if fault:
            yield Finding(f"cost node {node_id}, {node.facts.code}", fault)
    yield from verify_appended(production.pk)

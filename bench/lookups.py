"""Looking up digests: the mapped snapshot beside a dictionary and beside SQL, on one tree."""

import gc
import hashlib
import random
import statistics
import time
from collections.abc import Callable
from datetime import date
from typing import Any

from django.db import connection

from access import context
from access.models import Production, User
from access.selectors import production_by_code
from access.services import console_person
from taxonomy import shelf
from taxonomy.digest import NodeFacts, node_digest
from taxonomy.models import CostNode
from taxonomy.selectors import all_nodes
from taxonomy.snapshot import Snapshot, open_newest

BATCH = 1_000
REPEATS = 5
SQL_LOOKUPS = 1_000
_BY_DIGEST = "SELECT id FROM taxonomy_costnode WHERE production_id = %s AND digest = %s"


def _production(code: str) -> tuple[Production, User]:
    found = production_by_code(code)
    assert found is not None, f"the bench makes {code} before it measures on it"
    return found, console_person()


def grow_tree(code: str, nodes: int) -> dict[str, Any]:
    """Plant accounts below the departments of the first unit until the tree has `nodes` nodes."""
    production, _ = _production(code)
    homes = list(all_nodes(production).filter(kind="department").select_related("unit"))
    missing = nodes - all_nodes(production).count()
    waiting: list[CostNode] = []
    start = time.perf_counter()
    for number in range(missing):
        home = homes[number % len(homes)]
        waiting.append(_account(home, f"X{number}"))
        if len(waiting) == BATCH or number == missing - 1:
            CostNode.objects.bulk_create(waiting)
            waiting = []
    return {"seconds": time.perf_counter() - start, "planted": missing}


def _account(home: CostNode, code: str) -> CostNode:
    assert home.unit is not None
    window: tuple[date, date] = (home.window_start, home.window_end)
    facts = NodeFacts("account", code, home.unit.code, home.line, *window)
    return CostNode(
        production=home.production, parent=home, kind="account", code=code, name=code,
        line=home.line, unit=home.unit, window_start=window[0], window_end=window[1],
        digest=node_digest(facts, bytes(home.digest)),
    )  # fmt: skip


def write_snapshot(code: str) -> dict[str, Any]:
    """Write the tree's snapshot as `snapshot_taxonomy` does."""
    production, person = _production(code)
    start = time.perf_counter()
    with context.acting(user_id=person.pk, production_id=production.pk):
        manifest = shelf.write_snapshot(actor=person, production=production)
    return {"seconds": time.perf_counter() - start, "rows": manifest.rows}


def digest_lookup(code: str) -> dict[str, Any]:
    """Microseconds a digest and bytes a process, the same digests asked in the same order."""
    production, person = _production(code)
    folder = shelf.folder_of(production)
    start = time.perf_counter()
    opened, _ = open_newest(folder, code)
    assert opened is not None
    del opened  # the first opening warms what every later one finds warm
    gc.collect()
    before = private_bytes()
    opens = [_seconds(lambda: open_newest(folder, code)) for _ in range(REPEATS)]
    snapshot, _ = open_newest(folder, code)
    assert snapshot is not None
    asked = _digests(snapshot)
    snapshot.ids_of(b"".join(asked[:BATCH]))
    gc.collect()
    snapshot_bytes = private_bytes() - before - _size_of_digests(asked)
    with context.acting(user_id=person.pk, production_id=production.pk):
        before = private_bytes()
        from_sql = _seconds(lambda: _dictionary(production))
        known = _dictionary(production)
        dictionary_bytes = private_bytes() - before
        said = _compare(snapshot, known, asked, production)
    return {
        "seconds": time.perf_counter() - start,
        "nodes": len(snapshot),
        "open_ms": statistics.median(opens) * 1e3,
        "from_sql_ms": from_sql * 1e3,
        "snapshot_bytes": max(snapshot_bytes, 0),
        "dictionary_bytes": dictionary_bytes,
        **said,
    }


def _compare(
    snapshot: Snapshot, known: dict[bytes, int], asked: list[bytes], production: Production
) -> dict[str, float]:
    """Microseconds a digest of each way; all of them must give the same answer."""
    expected = [known.get(digest, 0) for digest in asked]
    assert snapshot.ids_of(b"".join(asked)).tolist() == expected
    few = asked[:SQL_LOOKUPS]
    assert _by_sql(production, few) == expected[:SQL_LOOKUPS]
    ways: dict[str, tuple[Callable[[list[bytes]], object], list[bytes]]] = {
        "batch": (lambda keys: snapshot.ids_of(b"".join(keys)), asked),
        "small_batch": (lambda keys: _in_batches(snapshot, keys), asked),
        "single": (lambda keys: [snapshot.position_of(key) for key in keys], asked),
        "dict": (lambda keys: [known.get(key, 0) for key in keys], asked),
        "sql": (lambda keys: _by_sql(production, keys), few),
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, (look_up, keys) in ways.items():
            # A digest that has just been read is a new object, whose hash nobody has kept yet.
            fresh = [bytes(bytearray(key)) for key in keys]
            took[name].append(_seconds(lambda: look_up(fresh)) / len(fresh))  # noqa: B023
    return {f"{name}_us": statistics.median(seconds) * 1e6 for name, seconds in took.items()}


def _in_batches(snapshot: Snapshot, keys: list[bytes]) -> None:
    for at in range(0, len(keys), BATCH):
        snapshot.ids_of(b"".join(keys[at : at + BATCH]))


def _by_sql(production: Production, keys: list[bytes]) -> list[int]:
    found = []
    with connection.cursor() as cursor:
        for key in keys:
            cursor.execute(_BY_DIGEST, [production.pk, key])
            row = cursor.fetchone()
            found.append(row[0] if row else 0)
    return found


def _digests(snapshot: Snapshot) -> list[bytes]:
    """Every digest of the tree and one in twenty that is not there, in no order."""
    asked = [snapshot.digest_at(at) for at in range(len(snapshot))]
    asked += [hashlib.sha256(b"none%d" % n).digest() for n in range(len(asked) // 20)]
    random.Random(2026).shuffle(asked)
    return asked


def _dictionary(production: Production) -> dict[bytes, int]:
    rows = all_nodes(production).values_list("digest", "pk")
    return {bytes(digest): pk for digest, pk in rows}


def _size_of_digests(asked: list[bytes]) -> int:
    return sum(key.__sizeof__() for key in asked) + asked.__sizeof__()


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def private_bytes() -> int:
    """What belongs to this process alone: mapped files are shared and do not count."""
    with open("/proc/self/smaps_rollup") as lines:
        found = {line.split(":")[0]: line.split()[1] for line in lines if line.endswith("kB\n")}
    return int(found["Anonymous"]) * 1024

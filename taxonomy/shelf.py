"""Where the snapshots of the cost trees of this machine stand, and who has one open.

A process opens every snapshot as it starts, sums checked, one that comes later when it is first
needed, and each again when a newer generation has been written. A snapshot is a faster way to what
the database says, never another truth: what it does not have is looked for in the database.
"""

import json
import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from access.models import Production, User
from taxonomy.models import CostNode
from taxonomy.selectors import all_nodes, nodes_by_digest
from taxonomy.snapshot import (
    DIGEST_BYTES,
    Fault,
    Manifest,
    Row,
    Snapshot,
    generations,
    open_newest,
    write_generation,
)

log = logging.getLogger(__name__)

_FAULTS = "faults.json"
_opened: dict[Path, tuple[int, Snapshot | None]] = {}
_opening = threading.Lock()


@dataclass(frozen=True, slots=True)
class Status:
    """How a production's snapshot stands: `newer` nodes were recorded after it was written."""

    used: Manifest | None
    newer: int
    faults: list[dict[str, Any]]


def folder_of(production: Production) -> Path:
    """Where a production's generations stand."""
    return Path(settings.SNAPSHOT_FOLDER) / str(production.pk)


def write_snapshot(*, actor: User, production: Production) -> Manifest:
    """Write the production's tree as the next generation; processes open it when next they look.

    The whole tree goes in, whatever the actor may see: the owner's or a worker's connection.
    """
    assert actor.is_active
    rows = [
        Row(
            bytes(node.digest),
            node.pk,
            node.parent_id or 0,
            node.kind,
            node.code,
            node.unit.code if node.unit else "",
            node.line,
            node.flag,
        )
        for node in all_nodes(production).select_related("unit")
    ]
    return write_generation(folder_of(production), production.code, rows)


def keep_snapshot(*, actor: User, production: Production) -> bool:
    """Write the tree if it has grown since its snapshot, or the newest is damaged; whether it did.

    Not while nodes of the snapshot are gone: whatever was altered would be in the next one too.
    """
    snapshot = snapshot_of(production)
    if snapshot is not None:
        version = snapshot.manifest.version
        now = {bytes(d) for d in all_nodes(production).values_list("digest", flat=True)}
        gone = sum(snapshot.digest_at(at) not in now for at in range(len(snapshot)))
        if gone:
            log.critical(
                "%s: %s cost nodes of snapshot %s are not as they were: no new one is written",
                production.code, gone, snapshot.manifest.generation,
            )  # fmt: skip
            return False
        is_newest = snapshot.manifest.generation == max(generations(folder_of(production)))
        if is_newest and not all_nodes(production).filter(pk__gt=version).exists():
            return False
    write_snapshot(actor=actor, production=production)
    return True


def open_all() -> int:
    """Open the snapshots of all productions, every sum checked, as a process starts; how many.

    Asks the database nothing, so whose each is its manifest says, until somebody asks for it.
    """
    shelf = Path(settings.SNAPSHOT_FOLDER)
    folders = [path for path in shelf.glob("[0-9]*") if path.name.isdecimal()]
    with _opening:
        return sum(_open(folder, "") is not None for folder in sorted(folders))


def _open(folder: Path, code: str) -> Snapshot | None:
    """Open the newest good generation of a production, or of whichever its manifest names."""
    newest = max(generations(folder), default=0)
    snapshot, faults = open_newest(folder, code)
    if faults:
        _report(folder, code, faults, snapshot)
    _opened[folder] = (newest, snapshot)
    return snapshot


def snapshot_of(production: Production) -> Snapshot | None:
    """The production's snapshot, as this process has it open; None where there is none to trust.

    A generation that does not agree with its manifest is passed over for the one before it; that
    is logged, and kept for `status`.
    """
    folder = folder_of(production)
    newest = max(generations(folder), default=0)
    with _opening:
        known = _opened.get(folder)
        if known is None or known[0] != newest:
            return _open(folder, production.code)
        snapshot = known[1]
        if snapshot is not None and snapshot.manifest.production != production.code:
            return _open(folder, production.code)
    return snapshot


def _report(folder: Path, code: str, faults: Sequence[Fault], used: Snapshot | None) -> None:
    instead = used.manifest.generation if used else None
    kept = {fault["generation"]: fault for fault in _faults(folder)}
    for fault in faults:
        log.error(
            "snapshot %s of %s is not used: %s; %s",
            fault.generation,
            code or f"production {folder.name}",
            fault.problem,
            f"generation {instead} is used instead" if instead else "none is used",
        )
        kept[fault.generation] = {
            "generation": fault.generation,
            "problem": fault.problem,
            "used": instead,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    newest = sorted(kept.values(), key=lambda fault: -fault["generation"])[:20]
    beside = folder / f".{_FAULTS}.{os.getpid()}"
    beside.write_text(json.dumps(newest, indent=1))
    beside.replace(folder / _FAULTS)


def _faults(folder: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads((folder / _FAULTS).read_text())
    except FileNotFoundError:
        return []
    except ValueError:
        log.error("the list of snapshot faults in %s cannot be read and is begun anew", folder)
        return []
    return list(found)


def status(production: Production) -> Status:
    """Which generation this process uses, how far it is behind, and what was found wrong."""
    snapshot = snapshot_of(production)
    newer = 0
    if snapshot is not None:
        newer = all_nodes(production).filter(pk__gt=snapshot.manifest.version).count()
    used = snapshot.manifest if snapshot else None
    return Status(used, newer, _faults(folder_of(production)))


def nodes_starting_with(production: Production, prefix: bytes) -> list[CostNode]:
    """The nodes whose digest begins with these bytes, as the database has them now.

    A whole digest that the snapshot has costs one row by its number; everything else, and every
    node the asker may not see, is the database's to answer.
    """
    snapshot = snapshot_of(production) if len(prefix) == DIGEST_BYTES else None
    if snapshot is not None and (at := snapshot.position_of(prefix)) >= 0:
        found = all_nodes(production).filter(pk=int(snapshot.ids[at]))
        rows = list(found.select_related("unit", "production"))
        if rows and bytes(rows[0].digest) == prefix:
            return rows
    return nodes_by_digest(production, prefix)

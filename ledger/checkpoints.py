"""Signed checkpoints of the units' logs, and their way out of the house."""

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from access import context
from access.errors import Refused
from access.models import Production
from ledger import notes, signing
from ledger.models import Checkpoint
from ledger.seal import Tree, leaf_hash
from ledger.selectors import standings
from ledger.signing import Signed
from taxonomy.models import Unit

log = logging.getLogger(__name__)
TASK = "ledger.tasks.checkpoint"


class InconsistentLog(Refused):
    """The log is not the one that was signed before, grown: no signature is given."""

    code = "E_INCONSISTENT_LOG"


def origin_of(production: Production, unit: Unit) -> str:
    """The name of a unit's log in its checkpoints."""
    return f"{settings.LOG_ORIGIN}/{production.code}/{unit.code}"


def checkpoint_production(*, production: Production) -> list[Checkpoint]:
    """Sign every log of a production that has grown since its last checkpoint; the new ones.

    Twice is harmless: a log that has not grown is not signed again. In the name of nobody: the
    house signs, not a person. Must not run inside a transaction, whose entries could still be
    undone after they were signed. Raises the refusal of a log that is not what was signed.
    """
    with context.acting(user_id=context.NOBODY, production_id=production.pk):
        units = list(Unit.objects.filter(production=production).order_by("pk"))
    made, refused = [], []
    for unit in units:
        try:
            made.append(sign_checkpoint(production=production, unit=unit))
        except Refused as refusal:  # the other units' logs are signed all the same
            refused.append(refusal)
        publish(production=production, unit=unit)
    if refused:
        raise refused[0]
    return [checkpoint for checkpoint in made if checkpoint is not None]


def checkpoint_productions(productions: list[Production]) -> tuple[int, list[Refused]]:
    """Sign the logs of several productions; how many were signed, and what was refused."""
    made, refused = 0, []
    for production in productions:
        try:
            made += len(checkpoint_production(production=production))
        except Refused as refusal:
            refused.append(refusal)
    return made, refused


def sign_checkpoint(*, production: Production, unit: Unit) -> Checkpoint | None:
    """Sign where a unit's log stands; None when it is empty or that was signed already.

    Raises InconsistentLog when the log is not what was signed last, grown by new entries.
    """
    assert not connection.in_atomic_block, "what is signed must have been committed"
    origin = origin_of(production, unit)
    with (
        signing.turn(),
        context.acting(user_id=context.NOBODY, production_id=production.pk),
    ):
        size, root = _held_head(production, unit)
        last = _last(production, unit)
        if size == 0 or (last is not None and last.size == size and bytes(last.root) == root):
            return None
        edge = _grown(production, unit, (size, root), signing.memory().get(origin), last)
        note = notes.signed_note(signing.private_key(), origin=origin, size=size, root=root)
        signing.remember(origin, Signed(size, root, edge))
        return Checkpoint.objects.create(
            production=production, unit=unit, size=size, root=root, note=note
        )


def _last(production: Production, unit: Unit) -> Checkpoint | None:
    return Checkpoint.objects.filter(production=production, unit=unit).order_by("-size").first()


def _held_head(production: Production, unit: Unit) -> tuple[int, bytes]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT size, root FROM journal.held_head(%s, %s)", [production.pk, unit.pk])
        row = cursor.fetchone()
    if row is None:
        raise InconsistentLog(f"unit {unit.code} has no log: restore it from a backup")
    return int(row[0]), bytes(row[1])


def _grown(
    production: Production,
    unit: Unit,
    head: tuple[int, bytes],
    remembered: Signed | None,
    last: Checkpoint | None,
) -> tuple[bytes, ...]:
    """The right edge of the tree, grown from what was signed. Raises InconsistentLog."""
    size, root = head
    tree = Tree()
    if remembered is not None:
        tree.size, tree.edge = remembered.size, list(remembered.edge)
        if tree.root() != remembered.root:
            raise signing.SignerUnusable("what the signer remembers contradicts itself")
    if tree.size > size:
        raise InconsistentLog(
            f"log of unit {unit.code}: a checkpoint over {tree.size} entries was signed, and the "
            f"log says it has {size}. Entries were removed; do not post, and keep this database"
        )
    for leaf in _leaves(production, unit, tree.size):
        tree.append(leaf)
        if last is not None and tree.size == last.size and tree.root() != bytes(last.root):
            raise InconsistentLog(
                f"log of unit {unit.code}: its first {last.size} entries have another root than "
                "the checkpoint kept in the database. Run verify_journal"
            )
    if (tree.size, tree.root()) != (size, root):
        raise InconsistentLog(
            f"log of unit {unit.code}: the entries after the last checkpoint give root "
            f"{tree.root().hex()[:16]} at {tree.size}, the head says {root.hex()[:16]} at {size}. "
            "Something signed was altered; run verify_journal"
        )
    return tuple(tree.edge)


def _leaves(production: Production, unit: Unit, first: int) -> Iterator[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT convert_to(line, 'UTF8') FROM ledger_logentry"
            " WHERE production_id = %s AND unit_id = %s AND seq >= %s ORDER BY seq",
            [production.pk, unit.pk, first],
        )
        for (line,) in cursor:
            yield leaf_hash(bytes(line))


def folder_of(production: Production, unit: Unit) -> Path:
    """Where the checkpoints of a log are put for others to fetch."""
    return Path(settings.CHECKPOINT_FOLDER) / production.code / unit.code


def publish(*, production: Production, unit: Unit) -> int:
    """Write every checkpoint that is not out yet as a file of its own; how many."""
    folder = folder_of(production, unit)
    folder.mkdir(parents=True, exist_ok=True)
    there = {path.name for path in folder.iterdir()}
    with context.acting(user_id=context.NOBODY, production_id=production.pk):
        kept = Checkpoint.objects.filter(production=production, unit=unit).order_by("size")
        missing = [(c.size, c.note) for c in kept if f"{c.size}.note" not in there]
    for size, note in missing:
        # A name that ends otherwise until it is whole: who mirrors the folder sees whole notes.
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".part", delete=False) as fresh:
            fresh.write(note)
        Path(fresh.name).chmod(0o644)
        os.replace(fresh.name, folder / f"{size}.note")
    return len(missing)


def checkpoint_after_commit(production: Production) -> None:
    """Ask a worker for checkpoints once this transaction has committed, as when a period closes.

    Best effort: the checkpoint made every quarter of an hour stands over the same entries.
    """
    production_id = production.pk

    def ask() -> None:
        try:
            current_app.send_task(TASK, [production_id])
        except (OperationalError, psycopg.Error) as fault:
            log.warning("no checkpoint asked for, the next quarter of an hour makes it: %s", fault)

    transaction.on_commit(ask)


def last_checkpoints(production: Production) -> list[str]:
    """The last note of every unit that has one."""
    with context.acting(user_id=context.NOBODY, production_id=production.pk):
        return [s.checkpoint.note for s in standings(production) if s.checkpoint is not None]

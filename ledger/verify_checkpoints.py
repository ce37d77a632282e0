"""What was signed of a unit's log, wherever it is kept: table, signer's memory, folder.

Whoever cuts a log's tail can cut the table of checkpoints as well. The memory beside the key and
the files that left the house are out of their reach, or should be.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from access.errors import Refused
from access.models import Production
from ledger import notes, signing
from ledger.findings import Finding, rows


@dataclass(slots=True)
class Promises:
    """size -> the roots a log must have there, each with who says so."""

    unit: str
    roots: dict[int, list[tuple[str, bytes]]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    checkpoints: int = 0

    def add(self, size: int, root: bytes, who: str) -> None:
        """The log must have this root at this size."""
        self.roots.setdefault(size, []).append((who, root))

    def compared(self, size: int, root: Callable[[], bytes]) -> Iterator[Finding]:
        """What contradicts the log's own root at a size."""
        for who, promised in self.roots.get(size, ()):
            if promised != root():
                yield Finding(
                    f"log of unit {self.unit}",
                    f"its first {size} entries have root {root().hex()[:16]}; {who} was over "
                    f"{promised.hex()[:16]}",
                )

    def beyond(self, size: int) -> Iterator[Finding]:
        """What was signed over more entries than there are."""
        for signed in sorted(s for s in self.roots if s > size):
            who = self.roots[signed][0][0]
            yield Finding(
                f"log of unit {self.unit}",
                f"{who} was over {signed} entries and {size} exist: its tail was cut",
            )


def promises(production: Production, unit_id: int, unit: str) -> Promises:
    """Everything that was ever signed of a unit's log, and what is wrong with it by itself."""
    made = Promises(unit)
    try:
        public, memory = signing.public_key(), signing.memory()
    except Refused as refusal:
        made.findings.append(Finding("signer", refusal.message))
        return made
    origin = f"{settings.LOG_ORIGIN}/{production.code}/{unit}"
    kept = _from_table(made, production, unit_id, public, origin)
    _from_folder(made, production, public, origin, kept)
    if origin in memory:
        made.add(memory[origin].size, memory[origin].root, "what the signer remembers")
    for size, root in rows(
        "SELECT size, root FROM ledger_verification WHERE production_id = %s AND unit_id = %s",
        [production.pk, unit_id],
    ):
        made.add(size, bytes(root), f"verification {unit}@{size}")
    return made


def _from_table(
    made: Promises, production: Production, unit_id: int, public: bytes | None, origin: str
) -> set[int]:
    kept = set()
    for size, root, text in rows(
        "SELECT size, root, note FROM ledger_checkpoint"
        " WHERE production_id = %s AND unit_id = %s ORDER BY size",
        [production.pk, unit_id],
    ):
        name = f"checkpoint {made.unit}@{size}"
        note = public and notes.note_of(text.encode(), public, origin=origin)
        made.checkpoints += 1
        kept.add(size)
        if not note or (note.size, note.root) != (size, bytes(root)):
            made.findings.append(Finding(name, "it is not what this installation's key signed"))
        else:
            made.add(size, note.root, name)
    return kept


def _from_folder(
    made: Promises, production: Production, public: bytes | None, origin: str, kept: set[int]
) -> None:
    folder = Path(settings.CHECKPOINT_FOLDER) / production.code / made.unit
    for path in sorted(folder.glob("*.note")) if folder.is_dir() else ():
        note = public and notes.note_of(path.read_bytes(), public, origin=origin)
        name = f"checkpoint file {production.code}/{made.unit}/{path.name}"
        if not note or path.name != f"{note.size}.note":
            made.findings.append(Finding(name, "it is not what this installation's key signed"))
            continue
        made.add(note.size, note.root, name)
        if note.size not in kept:
            made.findings.append(
                Finding(
                    f"checkpoint {made.unit}@{note.size}",
                    "it was given out as a file and is no longer in the database",
                )
            )

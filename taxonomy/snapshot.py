"""The cost tree of one production as Arrow files that every process of a machine maps and shares.

A generation is three files: the nodes sorted by digest, an index over the first bits of a digest,
and a manifest with the SHA-256 of both. The manifest comes last and is renamed into place, so a
generation is there whole or not at all. Whoever opens one recomputes every sum before reading a
row; where one does not agree the generation before it is used, and the fault is handed back to be
reported. Pages are mapped read-only: a process holds next to nothing of its own.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

FORM = 1  # raise it when the files change: an older reader then refuses them
KEPT_GENERATIONS = 3
DIGEST_BYTES = 32
MOST_BITS = 24  # what the first three bytes of a digest can tell apart
NOWHERE = -1
_WORD = np.dtype("<u8")
_SMALL = pa.dictionary(pa.int32(), pa.string())
_NODES = pa.schema(
    [
        ("digest", pa.binary(DIGEST_BYTES)),
        ("id", pa.int64()),
        ("parent", pa.int32()),
        ("kind", _SMALL),
        ("code", _SMALL),
        ("unit", _SMALL),
        ("line", _SMALL),
        ("flag", _SMALL),
    ]
)
_INDEX = pa.schema([("start", pa.uint32())])


class Row(NamedTuple):
    """A node as it goes into a snapshot; `parent_id` is 0 for the root."""

    digest: bytes
    id: int
    parent_id: int
    kind: str
    code: str
    unit: str
    line: str
    flag: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation says of itself. `version` is the newest node's number in it."""

    production: str
    generation: int
    version: int
    rows: int
    roots: tuple[str, ...]
    written_at: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A generation that was not used, and what is wrong with it."""

    generation: int
    problem: str


class Unusable(Exception):
    """A generation whose files do not agree with its manifest."""


class Snapshot:
    """A mapped generation. Positions are rows of the file, in the order of digests."""

    def __init__(self, manifest: Manifest, nodes: pa.RecordBatch, index: pa.RecordBatch) -> None:
        self.manifest = manifest
        self._nodes = nodes
        self.ids = nodes.column("id").to_numpy(zero_copy_only=True)
        self._parents = nodes.column("parent").to_numpy(zero_copy_only=True)
        self._bytes = memoryview(nodes.column("digest").buffers()[1]).cast("B")
        self._words = np.frombuffer(self._bytes, dtype=_WORD)[: len(self.ids) * 4].reshape(-1, 4)
        self._start = index.column("start").to_numpy(zero_copy_only=True)
        self._bucket_start = memoryview(self._start)
        self._shift = MOST_BITS - (len(self._start) - 1).bit_length() + 1

    def __len__(self) -> int:
        return len(self.ids)

    def position_of(self, digest: bytes) -> int:
        """Where the node with this digest stands, or NOWHERE. The first of several equal ones."""
        bucket = int.from_bytes(digest[:3], "big") >> self._shift
        for at in range(self._bucket_start[bucket], self._bucket_start[bucket + 1]):
            if self._bytes[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES] == digest:
                return at
        return NOWHERE

    def positions_of(self, digests: bytes) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Where each of many digests stands, or NOWHERE.

        `digests` is n digests of 32 bytes one after the other; the answer has n positions.
        Raises ValueError when it is no whole number of digests.
        """
        asked = np.frombuffer(digests, dtype=np.uint8).reshape(-1, DIGEST_BYTES)
        words = asked.view(_WORD)
        high = asked[:, 0].astype(np.uint32) << np.uint32(16)
        bucket = (high | asked[:, 1].astype(np.uint32) << np.uint32(8) | asked[:, 2]) >> np.uint32(
            self._shift
        )
        at = self._start[bucket].astype(np.int64)
        end = self._start[bucket + np.uint32(1)]
        found = np.full(len(asked), NOWHERE, dtype=np.int64)
        left = np.flatnonzero(at < end)
        while left.size:
            here = at[left]
            # The first word settles nearly all; only what agrees in it is compared whole.
            alike = np.flatnonzero(self._words[here, 0] == words[left, 0])
            same = alike[(self._words[here[alike]] == words[left[alike]]).all(axis=1)]
            found[left[same]] = here[same]
            at[left[same]] = end[left[same]]
            at[left] += 1
            left = left[at[left] < end[left]]
        return found

    def ids_of(self, digests: bytes) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The number of each digest's node, 0 where there is none; as `positions_of` takes them."""
        positions = self.positions_of(digests)
        return np.where(positions == NOWHERE, 0, self.ids[positions])

    def starting_with(self, prefix: bytes, most: int = 20) -> list[int]:
        """The positions of at most `most` nodes whose digest begins with these bytes."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if bytes(self._bytes[middle * DIGEST_BYTES : (middle + 1) * DIGEST_BYTES]) < prefix:
                low = middle + 1
            else:
                high = middle
        found: list[int] = []
        while low < len(self) and len(found) < most and self.digest_at(low).startswith(prefix):
            found.append(low)
            low += 1
        return found

    def digest_at(self, position: int) -> bytes:
        """The digest that stands at a position."""
        return bytes(self._bytes[position * DIGEST_BYTES : (position + 1) * DIGEST_BYTES])

    def row_at(self, position: int) -> Row:
        """The node that stands at a position, as it was recorded in the snapshot."""
        parent = int(self._parents[position])
        words = (
            self._nodes.column(name)[position].as_py()
            for name in ("kind", "code", "unit", "line", "flag")
        )
        parent_id = 0 if parent == NOWHERE else int(self.ids[parent])
        return Row(self.digest_at(position), int(self.ids[position]), parent_id, *words)

    def way_up(self, position: int) -> list[Row]:
        """The node and the nodes above it as the snapshot has them, the root last."""
        way: list[Row] = []
        while position != NOWHERE and len(way) <= len(self):
            way.append(self.row_at(position))
            position = int(self._parents[position])
        return way


def write_generation(folder: Path, production: str, rows: Sequence[Row]) -> Manifest:
    """Write the next generation and drop those nobody needs any more.

    Raises ValueError for no rows, for a digest that is none, and for a parent not among the rows.
    """
    if not rows or any(len(row.digest) != DIGEST_BYTES for row in rows):
        raise ValueError("a snapshot holds at least one node, and every node a digest")
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(rows, key=lambda row: (row.digest, row.id))
    with _one_writer(folder):
        manifest = Manifest(
            production,
            max(generations(folder), default=0) + 1,
            max(row.id for row in rows),
            len(rows),
            tuple(row.digest.hex() for row in ordered if not row.parent_id),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        files = {
            "nodes": _write_batch(folder, manifest.generation, "nodes", _nodes_batch(ordered)),
            "index": _write_batch(folder, manifest.generation, "index", _index_batch(ordered)),
        }
        said = {"form": FORM, **_plain(manifest), "files": files}
        text = json.dumps({**said, "seal": _seal(said)}, indent=1, sort_keys=True) + "\n"
        _replace(folder / f"{manifest.generation:06d}.json", text.encode())
        _drop_old(folder)
    return manifest


def generations(folder: Path) -> list[int]:
    """The generations there are, the newest first. Only a manifest makes one."""
    names = (path.stem for path in folder.glob("[0-9]*.json"))
    return sorted((int(name) for name in names if name.isdecimal()), reverse=True)


def open_newest(folder: Path, production: str) -> tuple[Snapshot | None, list[Fault]]:
    """The newest generation that agrees with its manifest, and what is wrong with newer ones.

    Of this production, or of any where "" stands for it.
    """
    faults: list[Fault] = []
    for generation in generations(folder):
        try:
            return open_generation(folder, generation, production), faults
        except Unusable as fault:
            faults.append(Fault(generation, str(fault)))
    return None, faults


def open_generation(folder: Path, generation: int, production: str) -> Snapshot:
    """Map one generation, every sum recomputed first. Raises Unusable, saying what is wrong."""
    try:
        said = json.loads((folder / f"{generation:06d}.json").read_bytes())
        seal = said.pop("seal")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unusable(f"its manifest cannot be read: {error!r}") from None
    if not isinstance(said, dict) or _seal(said) != seal:
        raise Unusable("its manifest is not as it was written")
    if said.get("form") != FORM or said.get("generation") != generation:
        raise Unusable(f"its manifest is of form {said.get('form')}, for another generation")
    manifest = Manifest(
        **{name: said[name] for name in Manifest.__slots__ if name != "roots"},
        roots=tuple(said["roots"]),
    )
    if production not in {"", manifest.production}:
        raise Unusable(f"it is of production {manifest.production}, not of {production}")
    nodes = _open_batch(folder, said["files"]["nodes"], _NODES)
    index = _open_batch(folder, said["files"]["index"], _INDEX)
    if nodes.num_rows != manifest.rows or index.column("start")[-1].as_py() != manifest.rows:
        raise Unusable(f"it holds {nodes.num_rows} nodes, its manifest says {manifest.rows}")
    return Snapshot(manifest, nodes, index)


def _open_batch(folder: Path, said: dict[str, Any], schema: pa.Schema) -> pa.RecordBatch:
    try:
        data = pa.memory_map(str(folder / said["name"])).read_buffer()
    except (OSError, pa.ArrowException) as error:
        raise Unusable(f"{said['name']} cannot be mapped: {error}") from None
    found = hashlib.sha256(data).hexdigest()
    if found != said["sha256"]:
        raise Unusable(f"{said['name']} hashes to {found[:16]}, written was {said['sha256'][:16]}")
    reader = pa.ipc.open_file(data)
    if reader.schema != schema or reader.num_record_batches != 1:
        raise Unusable(f"{said['name']} has other columns than this version reads")
    return reader.get_batch(0)


def _nodes_batch(ordered: Sequence[Row]) -> pa.RecordBatch:
    position = {row.id: at for at, row in enumerate(ordered)}
    try:
        parents = [position[row.parent_id] if row.parent_id else NOWHERE for row in ordered]
    except KeyError as missing:
        raise ValueError(f"node {missing} is a parent and is not in the tree") from None
    words = {
        name: pa.array([getattr(row, name) for row in ordered]).dictionary_encode()
        for name in ("kind", "code", "unit", "line", "flag")
    }
    digests = pa.array([row.digest for row in ordered], _NODES.field("digest").type)
    ids = pa.array([row.id for row in ordered], pa.int64())
    columns = [digests, ids, pa.array(parents, pa.int32()), *words.values()]
    return pa.record_batch(columns, schema=_NODES)


def _index_batch(ordered: Sequence[Row]) -> pa.RecordBatch:
    """Where each bucket begins, and last where the last one ends: about half a node a bucket."""
    bits = min(MOST_BITS, max(1, len(ordered).bit_length() + 1))
    heads = np.array([int.from_bytes(row.digest[:3], "big") for row in ordered], dtype=np.int64)
    edges = np.arange((1 << bits) + 1, dtype=np.int64) << (MOST_BITS - bits)
    starts = np.searchsorted(heads, edges).astype(np.uint32)
    return pa.record_batch([pa.array(starts)], schema=_INDEX)


def _write_batch(
    folder: Path, generation: int, name: str, batch: pa.RecordBatch
) -> dict[str, str | int]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    data = sink.getvalue()
    file_name = f"{generation:06d}.{name}.arrow"
    _replace(folder / file_name, data)
    return {
        "name": file_name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": data.size,
    }


def _replace(path: Path, data: Any) -> None:
    """Write beside, make it durable, rename: a reader sees the old file or the whole new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _drop_old(folder: Path) -> None:
    """Keep the newest generations. Whoever still maps an older one keeps its pages."""
    for generation in generations(folder)[KEPT_GENERATIONS:]:
        for path in [folder / f"{generation:06d}.json", *folder.glob(f"{generation:06d}.*.arrow")]:
            path.unlink(missing_ok=True)


def _plain(manifest: Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in Manifest.__slots__}


def _seal(said: dict[str, Any]) -> str:
    plain = json.dumps(said, sort_keys=True, separators=(",", ":"), default=list)
    return hashlib.sha256(plain.encode()).hexdigest()


@contextmanager
def _one_writer(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

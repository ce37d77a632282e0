"""The tree over a unit's log, as RFC 6962 section 2.1 defines it. Pure.

leaf = SHA-256(0x00 || line), node = SHA-256(0x01 || left || right), and the left side of every
split is the largest power of two below the number of leaves.
"""

import hashlib
from collections.abc import Iterable, Sequence


def leaf_hash(line: bytes) -> bytes:
    """The leaf of one log line, hashed as the exact bytes stored."""
    return hashlib.sha256(b"\0" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The parent of two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


EMPTY_ROOT = hashlib.sha256(b"").digest()


class Tree:
    """An append-only tree that keeps only its right edge: log2(size) hashes."""

    def __init__(self) -> None:
        self.size = 0
        self.edge: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf."""
        carried, n = leaf, self.size
        while n & 1:
            carried = node_hash(self.edge.pop(), carried)
            n >>= 1
        self.edge.append(carried)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self.edge:
            return EMPTY_ROOT
        root = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            root = node_hash(left, root)
        return root


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """The root over these leaves."""
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def leaves_root(leaves: bytes) -> bytes:
    """The root of a batch: fan-out 256 over 32-byte leaves, tile = SHA-256(0x01 || hashes)."""
    level = leaves
    while True:
        level = b"".join(
            hashlib.sha256(b"\1" + level[i : i + 8192]).digest() for i in range(0, len(level), 8192)
        )
        if len(level) <= 32:
            return level


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from one leaf to the root of a log (RFC 6962, section 2.1.1)."""
    assert 0 <= index < len(leaves), "a path begins at a leaf"
    path = []
    level, at = list(leaves), index
    while len(level) > 1:
        if at ^ 1 < len(level):
            path.append(level[at ^ 1])
        # A last one without a partner goes up as it is.
        level = [
            node_hash(level[i], level[i + 1]) if i + 1 < len(level) else level[i]
            for i in range(0, len(level), 2)
        ]
        at //= 2
    return path


def tile_path(leaves: bytes, index: int) -> list[list[bytes]]:
    """The hashes beside one leaf of a batch, tile by tile up to the root."""
    tiles, level, at = [], leaves, index
    while True:
        start = at // 256 * 8192
        tile = level[start : start + 8192]
        hashes = [tile[i : i + 32] for i in range(0, len(tile), 32)]
        del hashes[at % 256]
        tiles.append(hashes)
        level = b"".join(
            hashlib.sha256(b"\1" + level[i : i + 8192]).digest() for i in range(0, len(level), 8192)
        )
        at //= 256
        if len(level) <= 32:
            return tiles

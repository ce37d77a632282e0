"""Digests of cost nodes: equal allocations give equal digests, a leaf is traced to its root.

A node's digest is SHA-256 over its own facts and its parent's digest. The encoding is
injective: a domain tag, a version byte, then every field behind its length, in a fixed order.
Nothing is joined by a separator, so no field can borrow characters from its neighbour.

The root of a production carries the production's code: the same allocation in two productions
never shares a digest, and inside one production it always does. Equal digests are shown to a
person as duplicates; they are never merged.

Text is hashed as it is stored. Whoever stores it has already settled its spelling.

The database computes the same digest for every node it takes in (sql/overrides.sql).
"""

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

_DOMAIN = b"prodacct/cost-node"
_PLAIN = b"\x01"
_FLAGGED = b"\x02"  # the flag is one field more, which no plain node has
DIGEST_BYTES = 32
NO_PARENT = b""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a cost node says about itself, and what its digest therefore covers."""

    kind: str  # production, unit, department, account...
    code: str
    unit: str = ""
    tier: str = ""  # the line: ATL, BTL, POST, OTHER, CONT, BOND
    opens: date | None = None  # the time window, both days included; None is without end
    closes: date | None = None
    original: bytes = b""  # of a correction or an override: the digest of the node it names
    flag: str = ""  # CORRECTION, OVERRIDE, or nothing


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A recorded node; `parent` is its parent's key in whatever mapping it is kept in."""

    facts: NodeFacts
    digest: bytes
    parent: Hashable | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a trace from a leaf to its root; `fault` is empty where the step holds."""

    kind: str
    code: str
    recorded: bytes
    recomputed: bytes
    fault: str = ""


def encode_node(facts: NodeFacts, parent: bytes = NO_PARENT) -> bytes:
    """The bytes that are hashed: no two different nodes share them."""
    if parent and len(parent) != DIGEST_BYTES:
        raise ValueError(f"A parent's digest has {DIGEST_BYTES} bytes, not {len(parent)}.")
    if not parent and not facts.code:
        raise ValueError("A root without the production's code would be every production's root.")
    fields: tuple[bytes, ...] = (
        parent,
        facts.kind.encode(),
        facts.code.encode(),
        facts.unit.encode(),
        facts.tier.encode(),
        _day(facts.opens),
        _day(facts.closes),
        facts.original,
    )
    version = _PLAIN
    if facts.flag:
        version, fields = _FLAGGED, (*fields, facts.flag.encode())
    framed = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return _DOMAIN + version + framed


def node_digest(facts: NodeFacts, parent: bytes = NO_PARENT) -> bytes:
    """SHA-256 over the node's facts, chained to its parent's digest."""
    return hashlib.sha256(encode_node(facts, parent)).digest()


def trace(leaf: TreeNode, nodes: Mapping[Hashable, TreeNode]) -> list[Hop]:
    """Every step from the leaf to the root, recomputed; a wrong step says what is wrong.

    The trace ends early where it cannot go on: at a parent that is missing or that has been
    passed before.
    """
    hops: list[Hop] = []
    passed: set[Hashable] = set()
    node = leaf
    while True:
        parent = None if node.parent is None else nodes.get(node.parent)
        hops.append(_hop(node, parent))
        if node.parent is None or parent is None:
            return hops
        if node.parent in passed:
            hops[-1] = _broken(hops[-1], f"{_name(node)} leads back to a node already passed")
            return hops
        passed.add(node.parent)
        node = parent


def first_fault(hops: Iterable[Hop]) -> str:
    """The first wrong hop in words; empty when the leaf is proven up to its root."""
    return next((hop.fault for hop in hops if hop.fault), "")


def duplicates(nodes: Iterable[TreeNode]) -> list[list[TreeNode]]:
    """Groups of nodes with equal digests, in the order they were first met: for a person."""
    groups: dict[bytes, list[TreeNode]] = {}
    for node in nodes:
        groups.setdefault(node.digest, []).append(node)
    return [group for group in groups.values() if len(group) > 1]


def _hop(node: TreeNode, parent: TreeNode | None) -> Hop:
    if node.parent is not None and parent is None:
        fault = f"{_name(node)} names a parent that is not on record"
        return Hop(node.facts.kind, node.facts.code, node.digest, b"", fault)
    try:
        recomputed = node_digest(node.facts, parent.digest if parent else NO_PARENT)
    except ValueError as error:  # an altered record may be anything
        return Hop(node.facts.kind, node.facts.code, node.digest, b"", f"{_name(node)}: {error}")
    hop = Hop(node.facts.kind, node.facts.code, node.digest, recomputed)
    if recomputed == node.digest:
        return hop
    under = f" under {_name(parent)}" if parent else " as a root"
    said, found = recomputed.hex()[:12], node.digest.hex()[:12]
    return _broken(
        hop, f"{_name(node)}{under} should have digest {said}... but is recorded as {found}..."
    )


def _broken(hop: Hop, fault: str) -> Hop:
    return Hop(hop.kind, hop.code, hop.recorded, hop.recomputed, fault)


def _name(node: TreeNode) -> str:
    return f"{node.facts.kind} {node.facts.code}"


def _day(day: date | None) -> bytes:
    return day.isoformat().encode() if day else b""

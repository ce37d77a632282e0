"""From a leaf to the root: each hop recomputed, and held against the snapshot written before."""

from collections.abc import Hashable
from dataclasses import dataclass

from access.models import Production
from taxonomy.digest import Hop, TreeNode, trace
from taxonomy.models import CostNode
from taxonomy.selectors import nodes_by_code
from taxonomy.shelf import nodes_starting_with, snapshot_of
from taxonomy.trees import tree_node, way_up

LEAST_HEX = 6  # fewer digits of a digest are more likely a code


@dataclass(frozen=True, slots=True)
class Step:
    """One hop with its node; `fault` says in words what is wrong with it, empty when nothing."""

    node: CostNode
    hop: Hop
    fault: str


def wanted_nodes(production: Production, asked: str) -> list[CostNode]:
    """The nodes a code, or the first digits of a digest (6 or more), leads to."""
    asked = asked.strip()
    found = nodes_by_code(production, asked)
    digits = asked.lower()
    is_hex = LEAST_HEX <= len(digits) <= 64 and set(digits) <= set("0123456789abcdef")
    if found or not is_hex:
        return found
    prefix = bytes.fromhex(digits[: len(digits) // 2 * 2])
    near = nodes_starting_with(production, prefix)
    return [node for node in near if bytes(node.digest).hex().startswith(digits)]


def trace_node(node: CostNode) -> list[Step]:
    """Every hop from the node to its root. A hop is wrong when its digest does not follow from its
    facts and its parent, or is not the one the snapshot has."""
    way = way_up(node)
    nodes: dict[Hashable, TreeNode] = {each.pk: tree_node(each) for each in way}
    hops = trace(nodes[node.pk], nodes)
    steps = []
    for each, hop in zip(way, hops, strict=False):
        against = _against_snapshot(each)
        fault = "; ".join(part for part in (hop.fault, against) if part)
        steps.append(Step(each, hop, fault))
    return steps


def first_wrong(steps: list[Step]) -> Step | None:
    """The first hop that does not hold; None when the leaf is proven up to its root."""
    return next((step for step in steps if step.fault), None)


def _against_snapshot(node: CostNode) -> str:
    """What the snapshot has under this node's number, where that is not what is recorded now."""
    snapshot = snapshot_of(node.production)
    if snapshot is None or node.pk > snapshot.manifest.version:
        return ""
    digest = bytes(node.digest)
    same = snapshot.position_of(digest)
    if same >= 0:
        return ""
    written = snapshot.manifest.written_at
    return f"the snapshot of {written} has no digest {digest.hex()[:8]}: altered after that"

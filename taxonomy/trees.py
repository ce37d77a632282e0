"""The stored cost nodes as the pure tree that digests are computed over."""

from collections.abc import Hashable

from access.models import Production
from taxonomy.digest import NodeFacts, TreeNode
from taxonomy.models import CostNode
from taxonomy.selectors import all_nodes, node_by_id


def tree_node(node: CostNode) -> TreeNode:
    """One node as recorded. The node's unit must have been read with it, or costs a query."""
    facts = NodeFacts(
        node.kind,
        node.code,
        node.unit.code if node.unit else "",
        node.line,
        node.window_start,
        node.window_end,
        bytes(node.original),
        node.flag,
    )
    return TreeNode(facts, bytes(node.digest), node.parent_id)


def tree_of(production: Production) -> dict[Hashable, TreeNode]:
    """node id -> the node as recorded."""
    return {node.pk: tree_node(node) for node in all_nodes(production).select_related("unit")}


def way_up(node: CostNode) -> list[CostNode]:
    """The node and every node above it, the root last; ends where a record leads nowhere new."""
    way, passed = [node], {node.pk}
    while way[-1].parent_id is not None and way[-1].parent_id not in passed:
        above = node_by_id(node.production, way[-1].parent_id)
        if above is None:
            break
        way.append(above)
        passed.add(above.pk)
    return way

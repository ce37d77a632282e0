"""What the cost tree's screens show, ready for their templates."""

from typing import Any

from django.urls import reverse

from access.models import Production
from taxonomy import selectors, shelf, tracing
from taxonomy.branches import BELOW
from taxonomy.classify import LINES
from taxonomy.models import CostNode, NodeFlag
from taxonomy.trees import way_up

FLAGS = {"": "", NodeFlag.CORRECTION: "correction", NodeFlag.OVERRIDE: "override"}


def node_url(production: Production, node: CostNode) -> str:
    """The address of a node's card."""
    return reverse("cost_node", args=[production.code, node.pk])


def tree_view(production: Production, node: CostNode | None, *, sees_all: bool) -> dict[str, Any]:
    """The tree, opened down to a node and one level further; without one, down to the units."""
    way = [n.pk for n in way_up(node)] if node else []
    roots = list(selectors.root_nodes(production))
    opened = set(way) | {root.pk for root in roots}
    return {
        "branches": [_branch(production, root, opened, node) for root in roots],
        "duplicates": [
            [_link(production, each) for each in group]
            for group in selectors.duplicate_nodes(production)
        ],
        "snapshot": _snapshot_view(production) if sees_all else None,
    }


def _branch(
    production: Production, node: CostNode, opened: set[int], current: CostNode | None
) -> dict[str, Any]:
    """A node and, where it is opened, what hangs below it. A tree is at most four levels deep."""
    below = list(selectors.child_nodes(node)) if node.pk in opened else []
    return {
        **_link(production, node),
        "is_current": current is not None and node.pk == current.pk,
        "below": [_branch(production, child, opened, current) for child in below],
    }


def _link(production: Production, node: CostNode) -> dict[str, Any]:
    return {
        "code": node.code,
        "name": node.name if node.name != node.code else "",
        "kind": node.kind,
        "unit": node.unit.code if node.kind == "account" and node.unit else "",
        "flag": FLAGS[node.flag],
        "digest8": bytes(node.digest).hex()[:8],
        "url": node_url(production, node),
    }


def _snapshot_view(production: Production) -> dict[str, Any]:
    found = shelf.status(production)
    return {
        "used": found.used,
        "newer": found.newer,
        "faults": found.faults,
    }


def card_view(production: Production, node: CostNode, *, is_verified: bool) -> dict[str, Any]:
    """Everything about one node; its hops only when they are asked for."""
    parent = node.parent
    steps = tracing.trace_node(node) if is_verified else []
    wrong = tracing.first_wrong(steps)
    named = selectors.nodes_by_digest(production, bytes(node.original)) if node.flag else []
    naming = selectors.nodes_naming(production, [bytes(node.digest)])
    return {
        "node": {
            **_link(production, node),
            "id": node.pk,
            "title": node.name,
            "line": node.line or "balance sheet or heading",
            "unit": node.unit.name if node.unit else "all units",
            "window": f"{node.window_start:%d %b %Y} to {node.window_end:%d %b %Y}",
            "digest": bytes(node.digest).hex(),
            "parent_digest": bytes(parent.digest).hex() if parent else "",
            "parent_url": node_url(production, parent) if parent else "",
            "children": selectors.child_nodes(node).count(),
            "recorded_at": f"{node.recorded_at:%d %b %Y %H:%M:%S UTC}",
            "recorded_by": node.actor.name if node.actor else "planted with the production",
            "reason": node.reason,
            "in_branch": node.branch_id is not None and node.branch_id != node.pk,
        },
        "equal": [_link(production, each) for each in selectors.equal_nodes(node)],
        "original": [_link(production, each) for each in named],
        "naming": [{**_link(production, each), "reason": each.reason} for each in naming],
        "steps": [
            {
                **_link(production, step.node),
                "recorded": step.hop.recorded.hex()[:8],
                "recomputed": step.hop.recomputed.hex()[:8],
                "fault": step.fault,
            }
            for step in steps
        ],
        "verdict": "" if not steps else wrong.fault if wrong else "whole",
        "is_whole": bool(steps) and wrong is None,
    }


def append_view(node: CostNode, given: dict[str, str], refusal: str) -> dict[str, Any]:
    """The forms that append to a node: which there are, and what was typed into them."""
    chosen = given.get("line", node.line)
    return {
        "may_append": True,
        "kinds": [
            {"value": kind, "selected": given.get("kind") == kind}
            for kind in BELOW.get(node.kind, ())
        ],
        "may_name_again": node.parent_id is not None,
        "lines": [{"value": line, "selected": line == chosen} for line in ("", *LINES)],
        "given": given,
        "refusal": refusal,
    }

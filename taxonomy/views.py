"""The cost tree, a node's card with its chain, and what an accountant appends to it."""

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from access.errors import Invalid, NotFoundHere, Refused
from access.requests import ScopedRequest
from taxonomy import branches, screens, selectors, tracing
from taxonomy.branches import DuplicateNode, NodeWish
from taxonomy.models import CostNode

MOST_FOUND = 50
LONGEST_FIND = 64
FIELDS = ("action", "kind", "code", "name", "line", "opens", "closes", "reason")


def _node(request: ScopedRequest, node_id: int) -> CostNode:
    found = selectors.node_by_id(request.production, node_id) if node_id < 1 << 63 else None
    if found is None:
        raise NotFoundHere
    return found


def _page(request: ScopedRequest, node: CostNode | None) -> dict[str, Any]:
    sees_all = "view_all_costs" in request.actions
    return screens.tree_view(request.production, node, sees_all=sees_all)


@require_safe
def cost_tree(request: ScopedRequest, code: str) -> HttpResponse:
    """The tree down to its units; or the nodes a code or digest leads to."""
    page = _page(request, None)
    asked = request.GET.get("find", "")[:LONGEST_FIND].replace("\0", "")
    if asked:
        found = tracing.wanted_nodes(request.production, asked)
        if len(found) == 1:
            return redirect("cost_node", request.production.code, found[0].pk)
        page |= {
            "asked": asked,
            "found": [
                {"url": screens.node_url(request.production, n), "node": n, "unit": n.unit}
                for n in found[:MOST_FOUND]
            ],
        }
    return render(request, "taxonomy/cost_tree.html", page)


def _card(request: ScopedRequest, node: CostNode) -> dict[str, Any]:
    is_verified = "verify" in request.GET
    card = screens.card_view(request.production, node, is_verified=is_verified)
    page = {**_page(request, node), **card}
    if "post_entries" in request.actions:
        page |= screens.append_view(node, {}, "")
    return page


@require_safe
def cost_node(request: ScopedRequest, code: str, node_id: int) -> HttpResponse:
    """One node: what it says, what names it, and its chain when that is asked for."""
    return render(request, "taxonomy/cost_node.html", _card(request, _node(request, node_id)))


@require_POST
def append_node(request: ScopedRequest, code: str, node_id: int) -> HttpResponse:
    """Append a leaf below the node, a correction of it, or an override branch beside it."""
    node = _node(request, node_id)
    given = {name: request.POST[name] for name in FIELDS if name in request.POST}
    try:
        made = _appended(request, node, given)
    except Refused as refusal:
        page = _card(request, node) | screens.append_view(node, given, refusal.message)
        page["is_duplicate"] = isinstance(refusal, DuplicateNode)
        return render(request, "taxonomy/cost_node.html", page, status=refusal.status)
    return redirect("cost_node", request.production.code, made.pk)


def _appended(request: ScopedRequest, node: CostNode, given: dict[str, str]) -> CostNode:
    wish = NodeWish(
        given.get("name", ""),
        given.get("line"),
        _day("first day", given.get("opens", "")),
        _day("last day", given.get("closes", "")),
    )
    if given.get("action") == "leaf":
        return branches.append_node(
            actor=request.user,
            parent=node,
            kind=given.get("kind", ""),
            code=given.get("code", ""),
            wish=wish,
            is_known_duplicate=request.POST.get("duplicate") == "meant",
        )
    services = {
        "correction": branches.correct_node,
        "override": branches.open_override_branch,
    }
    service = services.get(given.get("action", ""))
    if service is None:
        raise Invalid("action: expected leaf, correction or override")
    return service(actor=request.user, original=node, reason=given.get("reason", ""), wish=wish)


def _day(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{name}: expected a day such as 2026-03-31, found {text[:20]!r}") from None

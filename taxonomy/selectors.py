"""The words of a production, as stored."""

from collections.abc import Collection, Iterable

from django.db.models import Count, QuerySet

from access.models import Production, User
from access.selectors import actions_on
from taxonomy.models import CostCenter, CostCenterUserObjectPermission, CostNode, Unit


def productions_with_trees(production_id: int | None = None) -> list[Production]:
    """All productions, or the one asked for."""
    found = Production.objects.order_by("pk")
    return list(found if production_id is None else found.filter(pk=production_id))


def units(production: Production) -> QuerySet[Unit]:
    """The production's units, the office last."""
    return Unit.objects.filter(production=production).order_by("pk")


def unit_by_code(production: Production, code: str) -> Unit | None:
    """The unit with this code, whatever its case."""
    return Unit.objects.filter(production=production, code__iexact=code).first()


def cost_centers(production: Production) -> QuerySet[CostCenter]:
    """All cost centres that the asker's database role lets through."""
    return CostCenter.objects.filter(production=production).order_by("code")


def granted_center_ids(user: User, production: Production) -> frozenset[int]:
    """The cost centres guardian says were given to the person, whether they open today or not."""
    rows = CostCenterUserObjectPermission.objects.filter(
        user=user,
        permission__codename="view_costs_of",
        content_object__production=production,
    )
    return frozenset(rows.values_list("content_object_id", flat=True))


def center_grant(user: User, center_id: int) -> int | None:
    """The number of guardian's grant of this cost centre to the person."""
    rows = CostCenterUserObjectPermission.objects.filter(
        user=user, permission__codename="view_costs_of", content_object_id=center_id
    )
    return rows.values_list("pk", flat=True).first()


def visible_cost_centers(user: User, production: Production) -> list[CostCenter]:
    """The cost centres whose costs the person may see on this production: as the policies say it,
    for an active person with a running membership."""
    actions = actions_on(user, production)
    if "view_all_costs" in actions:
        return list(cost_centers(production))
    if "view_costs" not in actions:
        return []
    return list(cost_centers(production).filter(pk__in=granted_center_ids(user, production)))


def leaf_nodes(
    production: Production, unit: Unit | None = None, codes: Collection[str] | None = None
) -> dict[tuple[int, str], int]:
    """(unit id, account code) -> the id of the account's node in that unit: of all of them, or of
    one unit's and of these codes.

    The latest correction stands for the node it corrects. What hangs in an override branch is
    posted to by what the override permits, and by nothing else.
    """
    rows = CostNode.objects.filter(production=production, kind="account", branch=None)
    if unit is not None:
        rows = rows.filter(unit=unit)
    if codes is not None:
        rows = rows.filter(code__in=codes)
    leaves: dict[tuple[int, str], int] = {}
    for pk, of_unit, code, flag in rows.order_by("pk").values_list("pk", "unit_id", "code", "flag"):
        if of_unit is not None and (flag or (of_unit, code) not in leaves):
            leaves[of_unit, code] = pk
    return leaves


def all_nodes(production: Production) -> QuerySet[CostNode]:
    """Every node, parents before children."""
    return CostNode.objects.filter(production=production).order_by("pk")


def node_by_id(production: Production, node_id: int) -> CostNode | None:
    """The node with this number, with its unit."""
    return all_nodes(production).filter(pk=node_id).select_related("unit", "production").first()


def root_nodes(production: Production) -> QuerySet[CostNode]:
    """The production's own node."""
    return all_nodes(production).filter(parent=None)


def child_nodes(node: CostNode) -> QuerySet[CostNode]:
    """The nodes right below one: departments first, then by code, what corrects one after it."""
    below = CostNode.objects.filter(production_id=node.production_id, parent=node)
    return below.select_related("unit").order_by("-kind", "code", "pk")


def nodes_naming(production: Production, digests: Iterable[bytes]) -> QuerySet[CostNode]:
    """The corrections and overrides that name one of these digests, the oldest first."""
    named = all_nodes(production).filter(original__in=list(digests)).exclude(flag="")
    return named.select_related("actor")


def nodes_by_code(production: Production, code: str) -> list[CostNode]:
    """Every node with this code, in any unit, with its unit."""
    found = all_nodes(production).filter(code__iexact=code).select_related("unit", "production")
    return list(found)


def nodes_by_digest(production: Production, prefix: bytes, most: int = 20) -> list[CostNode]:
    """The nodes whose digest begins with these bytes, with their units, at most `most`."""
    found = all_nodes(production).filter(digest__gte=prefix)
    if any(byte < 255 for byte in prefix):
        found = found.filter(digest__lt=_after(prefix))
    return list(found.select_related("unit", "production")[:most])


def _after(prefix: bytes) -> bytes:
    """The first bytes that no longer begin with the prefix."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1])


def duplicate_nodes(production: Production) -> list[list[CostNode]]:
    """Groups of nodes with equal digests, in the order they were recorded: for a person."""
    again = (
        CostNode.objects.filter(production=production)
        .values("digest")
        .annotate(times=Count("pk"))
        .filter(times__gt=1)
        .values("digest")
    )
    groups: dict[bytes, list[CostNode]] = {}
    for node in all_nodes(production).filter(digest__in=again).select_related("unit"):
        groups.setdefault(bytes(node.digest), []).append(node)
    return list(groups.values())


def equal_nodes(node: CostNode) -> list[CostNode]:
    """The other nodes with the digest of this one."""
    found = CostNode.objects.filter(production_id=node.production_id, digest=node.digest)
    return list(found.exclude(pk=node.pk).order_by("pk").select_related("unit"))

"""Laying out the words of a production: units, cost centres and the tree of cost nodes."""

from collections.abc import Sequence
from datetime import date

from guardian.shortcuts import assign_perm

from access.models import Production, User
from taxonomy.chart import ChartRow, department_codes
from taxonomy.digest import NO_PARENT, NodeFacts, node_digest
from taxonomy.models import CostCenter, CostNode, Unit

OFFICE = "OFFICE"


def make_units(*, actor: User, production: Production, codes: Sequence[str]) -> list[Unit]:
    """Make the shooting units and the production office, which is a unit of its own."""
    assert actor.is_active
    wanted = {code.upper(): code for code in reversed([*codes, OFFICE])}
    return Unit.objects.bulk_create(
        [
            Unit(
                production=production,
                code=code,
                name=_unit_name(code),
            )
            for code in reversed(wanted.values())
        ]
    )


def _unit_name(code: str) -> str:
    """Main unit, Second unit; VFX unit keeps its capitals."""
    if code.upper() == OFFICE:
        return "Production office"
    return f"{code.upper() if len(code) <= 3 else code.capitalize()} unit"


def make_cost_centers(
    *, actor: User, production: Production, rows: Sequence[ChartRow]
) -> dict[str, CostCenter]:
    """One cost centre for each department of the chart; department -> cost centre."""
    assert actor.is_active
    codes = department_codes(row.department for row in rows if row.department)
    made = CostCenter.objects.bulk_create(
        [CostCenter(production=production, code=code, name=name) for name, code in codes.items()]
    )
    return {center.name: center for center in made}


def give_cost_center(*, actor: User, user: User, cost_center: CostCenter) -> None:
    """Let a member see the costs of a cost centre."""
    assert actor.is_active
    assign_perm("taxonomy.view_costs_of", user, cost_center)


def plant_tree(
    *,
    actor: User,
    production: Production,
    units: Sequence[Unit],
    rows: Sequence[ChartRow],
    window: tuple[date, date],
) -> int:
    """Record production > unit > department > account, digests chained; how many nodes."""
    assert actor.is_active
    planter = _Planter(production, window)
    root = planter.node(None, "production", production.code, production.title, "", None)
    planter.flush()
    under_units = [planter.node(root, "unit", u.code, u.name, "", u) for u in units]
    planter.flush()
    departments = {row.department: row.line for row in reversed(rows) if row.department}
    homes = {}
    for unit, parent in zip(units, under_units, strict=True):
        for name, line in departments.items():
            homes[unit.pk, name] = planter.node(parent, "department", name[:20], name, line, unit)
    planter.flush()
    for unit, parent in zip(units, under_units, strict=True):
        for row in rows:
            if row.is_detail:
                home = homes.get((unit.pk, row.department), parent)
                planter.node(home, "account", row.account, row.name, row.line, unit)
    planter.flush()
    return planter.planted


class _Planter:
    """Makes nodes level by level, since a child's digest needs its parent's and its row's id."""

    def __init__(self, production: Production, window: tuple[date, date]) -> None:
        self.production = production
        self.window = window
        self.planted = 0
        self._waiting: list[CostNode] = []

    def node(
        self,
        parent: CostNode | None,
        kind: str,
        code: str,
        name: str,
        line: str,
        unit: Unit | None,
    ) -> CostNode:
        facts = NodeFacts(kind, code, unit.code if unit else "", line, *self.window)
        digest = node_digest(facts, bytes(parent.digest) if parent else NO_PARENT)
        made = CostNode(
            production=self.production,
            parent=parent,
            kind=kind,
            code=code,
            name=name,
            line=line,
            unit=unit,
            window_start=self.window[0],
            window_end=self.window[1],
            digest=digest,
        )
        self._waiting.append(made)
        return made

    def flush(self) -> None:
        CostNode.objects.bulk_create(self._waiting, batch_size=1000)
        self.planted += len(self._waiting)
        self._waiting = []

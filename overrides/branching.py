"""An override that departs from a node of the cost tree hangs a branch of its own beside that node.

Nothing in the tree is changed: the branch names the node by its digest, and what nobody ratified
is taken back by a branch that names that one.
"""

from dataclasses import replace

from access.errors import NotFoundHere, Refused
from access.models import Production
from overrides import selectors
from overrides.carrying import Meant, not_ratified, why
from overrides.models import Override
from taxonomy.branches import LONGEST_REASON, NodeWish, open_override_branch
from taxonomy.chart import LONGEST_NAME
from taxonomy.models import CostNode
from taxonomy.selectors import node_by_id

LONGEST_TARGET = 120
TAKEN_BACK = ", taken back"


def planned(production: Production, node_id: int, meant: Meant) -> Meant:
    """What is meant, as a branch beside a node. Raises NotFoundHere, and Refused in words."""
    node = node_by_id(production, node_id)
    if node is None:
        raise NotFoundHere
    if node.kind != "account" or node.branch_id is not None or node.unit is None:
        raise Refused(f"{node.code}: name an account of a unit, and none that hangs in a branch.")
    if node.code not in {line["account"] for line in meant.proposed["lines"]}:
        raise Refused(f"{node.code}: nothing is posted to that account. Name one of the lines.")
    digest = bytes(node.digest)
    branch = {"departs": meant.digest.hex(), "digest": digest.hex(), "node": str(node.pk)}
    return replace(
        meant, target=f"{node.unit.code}/{node.code}, {meant.target}"[:LONGEST_TARGET],
        digest=digest, proposed=meant.proposed | {"branch": branch},
    )  # fmt: skip


def grow(found: Override) -> None:
    """Append the branch of an override that has one, in the name of whoever asked."""
    if "branch" not in found.proposed:
        return
    node = node_by_id(found.production, int(found.proposed["branch"]["node"]))
    assert node is not None, "a node is never removed"
    _append(found, node, " ".join(why(found).split()), "")


def take_back(found: Override) -> None:
    """Append beside the branch that it was taken back."""
    if "branch" not in found.proposed:
        return
    branch = selectors.branch_of(found)
    assert branch is not None, "what was carried out has its branch"
    name = branch.name[: LONGEST_NAME - len(TAKEN_BACK)] + TAKEN_BACK
    _append(found, branch, not_ratified(found), name)


def _append(found: Override, original: CostNode, reason: str, name: str) -> None:
    open_override_branch(
        actor=found.requested_by, original=original, reason=reason[:LONGEST_REASON],
        wish=NodeWish(name),
    )  # fmt: skip

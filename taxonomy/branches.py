"""Appending to the cost tree: leaves, corrections and override branches. Nothing is changed.

Each append takes a place in its unit's log; the database writes that entry when the transaction
commits (ledger/sql/logged_nodes.sql), and computes every digest again before it takes the node.
"""

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from access.errors import Invalid, Refused
from access.models import User
from taxonomy.chart import LONGEST_NAME, AccountFormat
from taxonomy.classify import LINES
from taxonomy.digest import NodeFacts, node_digest
from taxonomy.models import CostNode, NodeFlag
from taxonomy.selectors import all_nodes, equal_nodes, node_by_id

LONGEST_CODE = 20
LONGEST_REASON = 300
# What may hang below what. A department's sub-accounts are accounts of their own.
BELOW = {"production": (), "unit": ("department", "account"), "department": ("account",)}


class DuplicateNode(Refused):
    """An equal node stands already: a person has to say that a second one is meant."""

    code = "E_DUPLICATE_NODE"


class DriftingNode(Refused):
    """The code stands already with other facts: one code has one meaning in a unit."""

    code = "E_NODE_DRIFT"


@dataclass(frozen=True, slots=True)
class NodeWish:
    """What a new node is to say. Empty means: as the node above it, or the node it names."""

    name: str = ""
    line: str | None = None
    opens: date | None = None
    closes: date | None = None


@transaction.atomic
def append_node(
    *,
    actor: User,
    parent: CostNode,
    kind: str,
    code: str,
    wish: NodeWish,
    is_known_duplicate: bool = False,
) -> CostNode:
    """Append a department or an account below a node.

    Raises Invalid for words that cannot be taken, DriftingNode when the account stands in the
    unit with other facts, and DuplicateNode when an equal node stands already, unless
    `is_known_duplicate` says that a person has seen it; equal nodes are listed, never merged.
    """
    if kind not in BELOW.get(parent.kind, ()):
        allowed = " or ".join(BELOW.get(parent.kind, ())) or "nothing"
        raise Invalid(f"kind: below a {parent.kind} hangs {allowed}, found {kind!r}")
    code = _code(parent, kind, code)
    wish = NodeWish(
        _name(wish.name or code),
        _line(parent.line if wish.line is None else wish.line),
        *_window(wish, parent),
    )
    node = _node(actor, parent, kind, code, wish)
    if kind == "account" and (other := _other_meaning(node)) is not None:
        raise DriftingNode(
            f"account {code}: it stands in this unit as {other.name!r}, "
            f"{other.line or 'balance sheet'}, digest {bytes(other.digest).hex()[:8]}; append a "
            "correction that names it, or choose another code"
        )
    if not is_known_duplicate and (equal := equal_nodes(node)):
        raise DuplicateNode(
            f"{kind} {code}: an equal node stands already, {equal[0].name!r} with digest "
            f"{bytes(equal[0].digest).hex()[:8]}; say that a second one is meant, and both will "
            "be listed as duplicates"
        )
    return _record(node)


@transaction.atomic
def correct_node(*, actor: User, original: CostNode, reason: str, wish: NodeWish) -> CostNode:
    """Append the node that stands for `original` from now on; `original` stays as it is.

    Raises Invalid without a reason, for the root, and when nothing would be different.
    """
    return _name_again(actor, original, NodeFlag.CORRECTION, reason, wish)


@transaction.atomic
def open_override_branch(
    *, actor: User, original: CostNode, reason: str, wish: NodeWish
) -> CostNode:
    """Append a branch flagged OVERRIDE beside the node it departs from. Leaves may hang below it.

    Raises Invalid without a reason and for the root.
    """
    return _name_again(actor, original, NodeFlag.OVERRIDE, reason, wish)


def _name_again(
    actor: User, original: CostNode, flag: NodeFlag, reason: str, wish: NodeWish
) -> CostNode:
    if original.parent_id is None:
        raise Invalid("the production's own node is neither corrected nor overridden")
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise Invalid(f"reason: expected 1 to {LONGEST_REASON} characters on one line")
    made = NodeWish(
        _name(wish.name or original.name),
        _line(original.line if wish.line is None else wish.line),
        *_window(wish, original),
    )
    stands = NodeWish(original.name, original.line, original.window_start, original.window_end)
    if flag == NodeFlag.CORRECTION and made == stands:
        raise Invalid("correction: name, line and days are those of the node; nothing to correct")
    parent = node_by_id(original.production, original.parent_id)
    assert parent is not None, "whoever sees a node sees the nodes above it"
    node = _node(actor, parent, original.kind, original.code, made)
    node.flag, node.original, node.reason = flag.value, bytes(original.digest), reason
    node.unit_id = original.unit_id
    node.digest = _digest(node, parent)
    return _record(node)


def _node(actor: User, parent: CostNode, kind: str, code: str, wish: NodeWish) -> CostNode:
    assert wish.line is not None and wish.opens is not None and wish.closes is not None
    node = CostNode(
        production=parent.production,
        parent=parent,
        kind=kind,
        code=code,
        name=wish.name,
        line=wish.line,
        unit=parent.unit,
        window_start=wish.opens,
        window_end=wish.closes,
        actor=actor,
    )
    node.digest = _digest(node, parent)
    return node


def _digest(node: CostNode, parent: CostNode) -> bytes:
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
    return node_digest(facts, bytes(parent.digest))


def _record(node: CostNode) -> CostNode:
    node.save(force_insert=True)
    node.refresh_from_db(fields=["branch", "recorded_at"])  # the database gives both
    return node


def _other_meaning(node: CostNode) -> CostNode | None:
    """An account with this code in this unit, in the same tree or branch, that says otherwise."""
    assert node.parent is not None
    same = all_nodes(node.production).filter(
        unit=node.unit, code=node.code, kind=node.kind, flag="", branch=node.parent.branch_id
    )
    return same.exclude(digest=node.digest).first()


def _code(parent: CostNode, kind: str, code: str) -> str:
    code = code.strip()
    if not 1 <= len(code) <= LONGEST_CODE or not code.isprintable():
        raise Invalid(f"code: expected 1 to {LONGEST_CODE} visible characters, found {code!r}")
    form = AccountFormat(parent.production.account_format)
    if kind == "account" and not form.matches(code):
        raise Invalid(
            f"code: this production's accounts are written {form.pattern} (N a digit, A a letter), "
            f"found {code!r}"
        )
    return code


def _name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(f"name: expected 1 to {LONGEST_NAME} visible characters, found {name!r}")
    return name


def _line(line: str) -> str:
    if line not in ("", *LINES):
        raise Invalid(f"line: expected one of {', '.join(LINES)}, or none, found {line!r}")
    return line


def _window(wish: NodeWish, other: CostNode) -> tuple[date, date]:
    opens, closes = wish.opens or other.window_start, wish.closes or other.window_end
    if closes < opens:
        raise Invalid(f"days: the last day {closes} is before the first, {opens}")
    return opens, closes

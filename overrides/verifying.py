"""The overrides of a production replayed from its log alone, and held against the rows."""

import json
from collections.abc import Iterator

from access.models import Production
from ledger import selectors as ledger
from ledger.audit_rules import Problem, leaf_hash
from ledger.override_tree import OverrideTree, branch_problems
from overrides import selectors
from overrides.models import Mandate

# What reading an altered entry can raise.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


def verify_overrides(production: Production) -> tuple[OverrideTree, list[str]]:
    """What the log tells of keys, rules and overrides, and everything that is wrong with it.

    Inside a context of the production, as somebody who reads its whole log.
    """
    tree, problems, branches = OverrideTree(), list[str](), dict[str, str]()
    for head in ledger.log_heads(production):
        own = OverrideTree()
        problems += _replayed(own, production, head.unit_id, head.unit.code)
        branches |= own.branches
        if own.mandates or own.asked:
            tree = own
    problems += branch_problems(tree.asked, branches)
    return tree, [*problems, *tree.finish(), *_rows(production, tree)]


def _replayed(tree: OverrideTree, production: Production, unit_id: int, unit: str) -> Iterator[str]:
    for seq, line, leaf in selectors.log_lines(production, unit_id):
        where = f"{unit}#{seq}"
        if leaf_hash(line.encode()) != leaf:
            yield f"{where}: its line does not hash to its leaf"
            continue
        try:
            tree.entry(where, json.loads(line), leaf)
        except Problem as problem:
            yield str(problem)
        except _UNREADABLE as fault:
            yield f"{where}: cannot be read: {fault!r}"


def _rows(production: Production, tree: OverrideTree) -> Iterator[str]:
    """The rows say what the log says: keys, mandates in force, and where each override stands."""
    told = dict(tree.asked)
    for found in selectors.overrides(production):
        asked = told.pop(found.reference, None)
        if asked is None:
            yield f"{found.reference}: no log entry tells of it"
            continue
        for name, now, was in (
            ("state", found.state, asked.state),
            ("last step", bytes(found.last_leaf).hex(), asked.last),
            ("request", bytes(found.leaf).hex(), asked.leaf),
            ("amount", f"{found.amount:.4f}", asked.data["amount"]),
            ("lines", found.proposed, asked.data["proposed"]),
            ("signatures", str(found.threshold), asked.data["threshold"]),
            ("expiry", found.expires_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), asked.data["expires"]),
        ):
            if now != was:
                yield f"{found.reference}: its {name} was logged as {was}, is {now}"
    yield from (f"{name}: it was logged, and is gone" for name in told)
    live = {number: key for number, key in tree.keys.items() if key.is_live}
    for row in selectors.keys(production):
        key = live.pop(str(row.number), None)
        is_live = row.revoked_by_id is None
        if (key is not None) != is_live or (
            key
            and (key.person, key.role, key.alg, key.public.hex())
            != (str(row.person_id), row.role, row.alg, row.public)
        ):
            yield f"key {row.number}: it is not as the log says"
    yield from (f"key {number}: it was logged, and is gone" for number in live)
    for name in selectors.unsigned_crossings(production):
        yield f"{name}: it crosses the line that the lock froze, under no override"
    in_force = Mandate.objects.filter(production=production, state="in force")
    if {str(m.number) for m in in_force} != tree.mandates:
        yield "mandates: those in force are not those of the log"

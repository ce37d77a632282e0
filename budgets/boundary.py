"""The frozen boundary: after the lock no cost moves from below the line to above, or back.

The database refuses it at the seal (journal.check_boundary). Here it is refused in words first,
and the attempt is kept with what was asked for, by whom, when and through which calls.
"""

import hashlib
import json
import traceback
from collections.abc import Mapping, Sequence
from datetime import date

from access.errors import Refused
from access.models import Production, User
from budgets import selectors
from budgets.models import RefusedCrossing
from ledger import selectors as ledger
from ledger.corrections import Change
from ledger.models import Account
from taxonomy.classify import side


class CostCodeBoundaryViolation(Refused):
    """A cost would cross the frozen boundary between above and below the line."""

    code = "E_BOUNDARY"

    def __init__(self, was: Account, would_be: Account, locked: str) -> None:
        self.was, self.would_be = was, would_be
        super().__init__(
            f"{was.code} {was.name} is {_words(was)}, {would_be.code} {would_be.name} "
            f"{_words(would_be)}: {locked} froze that boundary when it was locked. Leave the cost "
            "where it is, or ask for an override that moves it across, which the completion "
            "guarantor signs."
        )


def _words(account: Account) -> str:
    return "above the line" if side(account.line) == "ATL" else "below the line"


def assert_boundary(production: Production, was: Account, would_be: Account) -> None:
    """Raise CostCodeBoundaryViolation when a cost may not move from one account to the other.

    Before a budget is locked everything may move; balance-sheet accounts have no side.
    """
    if "cost" not in (was.statement, would_be.statement) or was.statement != would_be.statement:
        return
    locked = selectors.locked_version(production)
    if locked is not None and side(was.line) != side(would_be.line):
        raise CostCodeBoundaryViolation(was, would_be, f"budget v{locked.number}")


def hold_if_crossing(
    *, actor: User, production: Production, key: tuple[int, int], day: date, reason: str,
    changes: Sequence[Change],
) -> RefusedCrossing | None:  # fmt: skip
    """The attempt as it was held when a change would cross the frozen boundary, else None.

    A value and no exception, so that it is kept with the answer that shows it.
    """
    try:
        _assert_all(production, key, changes)
    except CostCodeBoundaryViolation as violation:
        asked = {
            "document": list(key), "day": day.isoformat(), "reason": reason,
            "changes": [[c.line_no, c.account, c.cost_center_id, c.segments] for c in changes],
        }  # fmt: skip
        return hold_crossing(actor=actor, production=production, asked=asked, violation=violation)
    return None


def _assert_all(production: Production, key: tuple[int, int], changes: Sequence[Change]) -> None:
    found = ledger.document(production, *key)
    accounts = {a.pk: a for a in ledger.accounts(production)}
    by_code = {a.code: a for a in accounts.values()}
    lines = {p.line_no: p for p in found[1]} if found else {}
    for change in changes:
        line, would_be = lines.get(change.line_no), by_code.get(change.account.strip())
        if line is not None and would_be is not None:
            assert_boundary(production, accounts[line.account_id], would_be)


def hold_crossing(
    *, actor: User, production: Production, asked: Mapping[str, object],
    violation: CostCodeBoundaryViolation,
) -> RefusedCrossing:  # fmt: skip
    """Keep a refused attempt for good; the database writes it into the office's log."""
    payload = json.dumps(dict(asked), sort_keys=True, ensure_ascii=False)
    return RefusedCrossing.objects.create(
        production=production,
        attempted_by=actor,
        payload=payload,
        payload_sha256=hashlib.sha256(payload.encode()).digest(),
        was=violation.was.code,
        would_be=violation.would_be.code,
        sentence=violation.message,
        trace="".join(traceback.format_exception(violation))[-4000:],
    )

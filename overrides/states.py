"""How permission to depart from a rule comes about and ends: one table. Pure.

    requested > approved > executed > ratified > audited
         \\ rejected, expired          \\ reverted

Every step is taken from one state to another by somebody of one kind. The database holds the same
table (sql/states.sql), and a test holds the two together.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

NEW: Final = "new"
REQUESTED, APPROVED, EXECUTED, RATIFIED, AUDITED = (
    "requested", "approved", "executed", "ratified", "audited",
)  # fmt: skip
REJECTED, EXPIRED, REVERTED = "rejected", "expired", "reverted"
STATES: Final = (
    REQUESTED, APPROVED, EXECUTED, RATIFIED, AUDITED, REJECTED, EXPIRED, REVERTED,
)  # fmt: skip

# Who takes a step. A signer is somebody else than who asked, with a key of their own; the clock is
# the worker, which carries out what people decided and what becomes of it when they do not.
ASKER, SIGNER, CLOCK = "asker", "signer", "clock"


class Move(NamedTuple):
    """A step, from which state to which, and who takes it."""

    step: str
    was: str
    becomes: str
    who: str


MOVES: Final = (
    Move("request", NEW, REQUESTED, ASKER),
    # An approval short of the threshold leaves the state as it is.
    Move("approve", REQUESTED, REQUESTED, SIGNER),
    Move("approve", REQUESTED, APPROVED, SIGNER),
    Move("reject", REQUESTED, REJECTED, SIGNER),
    Move("reject", APPROVED, REJECTED, SIGNER),
    Move("stop", APPROVED, REJECTED, CLOCK),  # what was checked at the request no longer holds
    Move("expire", REQUESTED, EXPIRED, CLOCK),
    Move("expire", APPROVED, EXPIRED, CLOCK),
    Move("execute", APPROVED, EXECUTED, CLOCK),
    Move("ratify", EXECUTED, EXECUTED, SIGNER),
    Move("ratify", EXECUTED, RATIFIED, SIGNER),
    Move("revert", EXECUTED, REVERTED, CLOCK),
    Move("audit", RATIFIED, AUDITED, SIGNER),
)
FINAL: Final = tuple(s for s in STATES if s not in {m.was for m in MOVES})

# Where a rejection sends the request: to be asked again with other lines, to be asked again with
# a better reason or document, or nowhere.
BACK_TO: Final = {
    "request": "Ask again with other lines",
    "support": "Ask again with a better reason or document",
    "nowhere": "Do not ask again",
}

KINDS: Final = {
    "contingency_draw": "Contingency draw",
    "over_budget": "Over budget",
    "over_po": "Over purchase order",
    "reclassification": "Reclassification across departments",
    "late_posting": "Late posting",
    "validation_waiver": "Validation waiver",
    "atl_btl": "Move across above and below the line",
}
# What the completion guarantor signs, whatever else the rules say.
GUARANTEED: Final = ("contingency_draw", "atl_btl")
LEAST_THRESHOLD: Final = 2


def becomes(step: str, was: str) -> tuple[str, ...]:
    """The states a step may lead to from a state; none where it is not taken."""
    return tuple(m.becomes for m in MOVES if (m.step, m.was) == (step, was))


def approval_state(roles: frozenset[str], approved: dict[int, str], threshold: int) -> str:
    """What an override is after these approvals (person -> the role they signed in)."""
    assert threshold >= LEAST_THRESHOLD
    enough = len(approved) >= threshold and roles <= set(approved.values())
    return APPROVED if enough else REQUESTED


def is_needed(role: str, roles: Sequence[str], signed: Sequence[str], threshold: int) -> bool:
    """Whether one more approval in this role brings an override on, after those `signed`."""
    missing = set(roles) - set(signed)
    return role in missing or threshold - len(signed) > len(missing)


def ratification_state(roles: frozenset[str], ratified: dict[int, str]) -> str:
    """What an executed override is after these ratifications."""
    return RATIFIED if roles <= set(ratified.values()) else EXECUTED

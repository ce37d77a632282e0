"""What an order may become, and how a cost relieves it. Pure.

An order is drafted, approved by somebody else and opened: from then on its money is committed.
An amendment is a further draft of an open order and goes the same way. Whether an open order is
still untouched, partly relieved or closed follows from its money alone.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

DRAFT: Final = "draft"
APPROVED: Final = "approved"
OPEN: Final = "open"
VOID: Final = "void"
ZERO = Decimal(0)
# What an open order is called by its money.
PARTIAL: Final = "partial"
CLOSED: Final = "closed"

# From -> what it may become. From draft back to open: an amendment is withdrawn. The same table
# stands in sql/purchasing.sql, and a test holds them together.
STEPS: Final = {
    DRAFT: (APPROVED, OPEN, VOID),
    APPROVED: (DRAFT, OPEN, VOID),
    OPEN: (DRAFT, VOID),
    VOID: (),
}


class Standing(NamedTuple):
    """What has become of a line's ordered money, in the order's currency.

    Always ordered = relieved + open + cancelled.
    """

    ordered: Decimal
    relieved: Decimal
    cancelled: Decimal

    @property
    def open(self) -> Decimal:
        """What is still committed."""
        return self.ordered - self.relieved - self.cancelled


def relief(asked: Decimal, standing: Standing) -> tuple[Decimal, Decimal]:
    """(what is relieved, what goes over) when a cost of `asked` names a line.

    A cost relieves at most what is open; the rest is over-relief. A credit (negative) gives back
    at most what was relieved before.
    """
    taken = min(asked, standing.open) if asked >= 0 else -min(-asked, standing.relieved)
    return taken, asked - taken


def status(state: str, standings: Sequence[Standing]) -> str:
    """What people call an order: its state, or for an open one what its money says."""
    if state != OPEN or not standings:
        return state
    if all(s.open == 0 for s in standings):
        return CLOSED
    return PARTIAL if any(s.relieved for s in standings) else OPEN

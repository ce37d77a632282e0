"""EFC, ETC and variance: two views of one number, worked out in one place. Pure.

Total cost = cost to date + open commitments. EFC is what the entries say; where nobody has
touched an account it is the larger of final budget and total cost, and without a budget the
total cost, a credit too. ETC = EFC - total cost, and is
never negative: what has been spent beyond the EFC is the overrun, and the accountant must act.
"""

from decimal import Decimal
from typing import NamedTuple

ZERO = Decimal(0)


class Outlook(NamedTuple):
    """Where an account ends. EFC = total cost + ETC - overrun, always."""

    efc: Decimal
    etc: Decimal
    overrun: Decimal
    variance: Decimal


def outlook(final_budget: Decimal, total_cost: Decimal, entered: Decimal | None) -> Outlook:
    """The outlook of an account; `entered` is what its EFC entries sum to, None without any.

    The variance is under budget when positive and over when negative.
    """
    by_default = max(final_budget, total_cost) if final_budget else total_cost
    efc = by_default if entered is None else entered
    remains = efc - total_cost
    return Outlook(efc, max(remains, ZERO), max(-remains, ZERO), final_budget - efc)


def efc_wanted(way: str, stated: Decimal, *, total_cost: Decimal, efc: Decimal) -> Decimal:
    """The EFC that an entry asks for: by `efc`, by `etc` (still to spend) or by `delta`.

    KeyError for another way.
    """
    return {"efc": stated, "etc": total_cost + stated, "delta": efc + stated}[way]

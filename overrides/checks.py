"""What no override passes over, looked at when it is asked for and again when it is carried out.

One function, `check`: the frozen boundary and the contingency's terms. What labour agreements
demand joins here, in the same list, when there are agreements to ask.
"""

from decimal import Decimal

from access.errors import Refused
from access.models import Production
from budgets import selectors as budgets
from budgets.boundary import CostCodeBoundaryViolation
from ledger import selectors as ledger
from ledger.models import Account
from ledger.override_tree import WAIVABLE
from overrides import selectors
from overrides.policies import GUARANTOR, Policy
from overrides.states import KINDS
from taxonomy.classify import side
from taxonomy.money import format_amount

APPROVING = ("line_producer", "production_accountant")
Lines = list[tuple[Account, Decimal]]


class CheckFailed(Refused):
    """An override would pass over what no override may."""

    code = "E_CHECK"


def check(production: Production, kind: str, proposed: dict[str, object]) -> str:
    """What was looked at and found right, in words. Raises CheckFailed, or the boundary's refusal.

    `proposed` holds the lines as they are to be posted.
    """
    lines = _lines(production, proposed)
    found = [
        _crossing(production, lines) if kind == "atl_btl" else _boundary(production, kind, lines)
    ]
    if kind == "contingency_draw":
        found.append(_contingency(production, lines))
    if kind == "validation_waiver":
        found.append(_waiver(proposed))
    return " ".join(found)


def _lines(production: Production, proposed: dict[str, object]) -> Lines:
    accounts = {a.code: a for a in ledger.accounts(production)}
    said = proposed["lines"]
    assert isinstance(said, list), "lines are a list by the time they are proposed"
    return [(accounts[line["account"]], Decimal(line["amount"])) for line in said]


def _boundary(production: Production, kind: str, lines: Lines) -> str:
    """After the lock, what a cost correction takes from one side it gives to the same side."""
    locked = budgets.locked_version(production)
    number = locked.number if locked else selectors.locked_number()
    if number is None:
        return "No budget is locked: nothing is frozen yet."
    if kind == "reclassification":
        moved = [(a, m) for a, m in lines if a.statement == "cost"]
        taken = [a for a, m in moved if m < 0]
        given = [a for a, m in moved if m > 0]
        net = {way: sum((m for a, m in moved if side(a.line) == way), Decimal(0))
               for way in ("ATL", "BTL")}  # fmt: skip
        if any(net.values()) and taken and given:
            raise CostCodeBoundaryViolation(taken[0], given[0], f"budget v{number}")
    return f"Budget v{number}'s boundary is kept."


def _crossing(production: Production, lines: Lines) -> str:
    """As much is given to one side as is taken from the other, and the guarantor signs for it."""
    locked = budgets.locked_version(production)
    if locked is None:
        raise CheckFailed("No budget is locked: nothing is frozen yet, and it needs no override.")
    above = sum((m for a, m in lines if side(a.line) == "ATL"), Decimal(0))
    if sum((m for _, m in lines), Decimal(0)) or any(a.statement != "cost" for a, _ in lines):
        raise CheckFailed("What is taken from one side of the line is given to the other.")
    if any(a.line == "CONT" for a, _ in lines):
        raise CheckFailed("Contingency is on neither side of the line: ask for a draw.")
    if not above:
        raise CheckFailed("Nothing crosses the line: it needs no override of this kind.")
    _guarantor_signs(production, "atl_btl")
    where = "above" if above > 0 else "below"
    moved = format_amount(abs(above), production.currency)
    return f"{moved} goes {where} the line that budget v{locked.number} froze; the guarantor signs."


def _guarantor_signs(production: Production, kind: str) -> Policy:
    policy = selectors.policy(production)
    if policy is None:
        raise CheckFailed("There are no signing rules: nobody could sign for the guarantor.")
    rules = [r for r in policy.rules if r.kind == kind]
    if not rules or any(GUARANTOR not in r.roles for r in rules):
        raise CheckFailed(
            f"{KINDS[kind]}: the completion guarantor signs every one, and the rules do not say so."
        )
    return policy


def _waiver(proposed: dict[str, object]) -> str:
    """Nothing is passed over but what may be; the gate asks for all the rest as ever."""
    codes = proposed["codes"]
    assert isinstance(codes, list), "codes are a list by the time they are proposed"
    if not codes or set(codes) - WAIVABLE:
        raise CheckFailed(f"{', '.join(codes) or 'Nothing'}: no override passes that over.")
    return f"Nothing is passed over but {', '.join(codes)}; the rest of the checks holds."


def _contingency(production: Production, lines: Lines) -> str:
    """Enough is there, the caps of each side hold, and the guarantor signs."""
    currency = production.currency
    now = budgets.contingency(production)
    taken = -sum((m for a, m in lines if a.line == "CONT"), Decimal(0))
    if taken > now.remains:
        raise CheckFailed(
            f"The draw takes {format_amount(taken, currency)} of contingency, and "
            f"{format_amount(now.remains, currency)} is left. Draw less, or ask for an overage."
        )
    policy = _guarantor_signs(production, "contingency_draw")
    given = selectors.drawn_by_side([a for a, _ in lines], [m for _, m in lines])
    for way, cap in _caps(policy).items():
        total = now.drawn[way] + given[way]
        if given[way] > 0 and total > cap:
            words = "above" if way == "ATL" else "below"
            raise CheckFailed(
                f"Draws for costs {words} the line would come to "
                f"{format_amount(total, currency)}, and {format_amount(cap, currency)} is the most "
                "the contingency's terms allow."
            )
    return f"Contingency has {format_amount(now.remains, currency)}; the guarantor signs."


def _caps(policy: Policy) -> dict[str, Decimal]:
    said = {"ATL": policy.most_atl, "BTL": policy.most_btl}
    return {way: Decimal(cap) for way, cap in said.items() if cap}

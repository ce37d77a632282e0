"""Which violations an override may pass over, and in what words. Pure.

Few may: those of a rule of ours about what a row says beside its money. Never one without which
the row's place, money, day or identity would be guessed; nor the union jurisdiction, for without
it nobody could tell whether the labour agreements were kept. The database and the offline verifier
hold the same list.
"""

from collections.abc import Sequence
from typing import Final

from ledger.override_tree import WAIVABLE

RULES: Final = {
    "E_NET_PAY": "A stated net pay is what the row's other money leaves to be paid",
    "E_SEGMENT": "A line is coded to segments that are in use",
}
assert RULES.keys() == WAIVABLE

# Why not, for what people ask most; of everything else that it is put right or rejected.
_NEVER: Final = {
    "E_ACCOUNT": "a cost needs an account of the chart",
    "E_AMOUNT": "the money itself is in doubt",
    "E_CONFLICT": "the document is posted already with other facts",
    "E_COST_CENTER": "a cost belongs to a department",
    "E_CURRENCY": "the money itself is in doubt",
    "E_DATE": "its week cannot be known, or the books are closed for it",
    "E_JURISDICTION": "without it nobody can tell whether the labour agreements are kept",
    "E_NEAR_DUPLICATE": "whoever knows that it is another invoice releases it at the desk",
}


def never(codes: Sequence[str]) -> str:
    """Why these are not passed over, in a sentence; '' where all of them may be."""
    wrong = [code for code in codes if code not in WAIVABLE]
    if not codes:
        return "Nothing is said to be wrong with the row: resubmit it at the desk."
    if not wrong:
        return ""
    why = _NEVER.get(wrong[0], "it is put right at the desk, or the row is rejected")
    return f"{wrong[0]} is never passed over: {why}."


def rule_of(codes: Sequence[str]) -> str:
    """The rules that are passed over, in words."""
    return "; ".join(RULES[code] for code in sorted(set(codes)))

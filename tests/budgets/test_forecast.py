"""EFC, ETC, overrun and variance, by hand and for every figure."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.forecast import efc_wanted, outlook

MONEY = st.decimals(min_value=-(10**12), max_value=10**12, places=2)


@pytest.mark.parametrize(
    ("budget", "cost", "entered", "efc", "etc", "overrun", "variance"),
    [
        # budget 72,000, spent and ordered 94,200, final 130,200: 36,000 to spend, 58,200 over
        ("72000", "94200", "130200", "130200", "36000", "0", "-58200"),
        ("72000", "94200", None, "94200", "0", "0", "-22200"),
        ("72000", "10000", None, "72000", "62000", "0", "0"),
        ("72000", "94200", "90000", "90000", "0", "4200", "-18000"),
        ("0", "0", None, "0", "0", "0", "0"),
        ("0", "-50", None, "-50", "0", "0", "50"),
        ("100", "0", "0", "0", "0", "0", "100"),
    ],
)
def test_an_account_ends_where_the_hand_says(  # type: ignore[no-untyped-def]
    budget, cost, entered, efc, etc, overrun, variance
) -> None:
    found = outlook(Decimal(budget), Decimal(cost), None if entered is None else Decimal(entered))
    assert found == tuple(map(Decimal, (efc, etc, overrun, variance)))


@given(budget=MONEY, cost=MONEY, entered=st.none() | MONEY)
def test_what_is_spent_and_still_to_spend_is_the_efc(
    budget: Decimal, cost: Decimal, entered: Decimal | None
) -> None:
    found = outlook(budget, cost, entered)
    assert found.efc == cost + found.etc - found.overrun
    assert found.etc >= 0
    assert found.overrun >= 0
    assert not (found.etc and found.overrun)
    assert found.variance == budget - found.efc
    assert (found.overrun == 0) or entered is not None


@given(cost=MONEY, efc=MONEY, stated=MONEY)
def test_the_three_ways_of_saying_it_agree(cost: Decimal, efc: Decimal, stated: Decimal) -> None:
    by_end = efc_wanted("efc", stated, total_cost=cost, efc=efc)
    assert efc_wanted("etc", by_end - cost, total_cost=cost, efc=efc) == by_end
    assert efc_wanted("delta", by_end - efc, total_cost=cost, efc=efc) == by_end


def test_there_is_no_fourth_way() -> None:
    with pytest.raises(KeyError):
        efc_wanted("final", Decimal(1), total_cost=Decimal(0), efc=Decimal(0))

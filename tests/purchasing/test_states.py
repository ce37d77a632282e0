"""The arithmetic of relief, and the table of steps against the one in the database."""

import re
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from purchasing.states import STEPS, Standing, relief, status

MONEY = st.decimals(min_value=0, max_value=10**6, places=2)
SQL = Path(__file__).resolve().parents[2] / "purchasing" / "sql" / "purchasing.sql"


def standing(ordered: str, relieved: str = "0", cancelled: str = "0") -> Standing:
    return Standing(Decimal(ordered), Decimal(relieved), Decimal(cancelled))


def test_the_steps_of_the_service_are_those_of_the_database() -> None:
    (array,) = re.findall(r"step = ANY \(ARRAY\[(.*?)\]\)", SQL.read_text(), re.DOTALL)
    known = {tuple(step.split()) for step in re.findall(r"'([a-z ]+)'", array)}
    # A draft may be drafted anew: the database sees that as a step from draft to draft.
    assert known - {("draft", "draft")} == {(a, b) for a, many in STEPS.items() for b in many}


def test_a_cost_relieves_what_is_open_and_the_rest_goes_over() -> None:
    assert relief(Decimal(30), standing("100", "80")) == (20, 10)
    assert relief(Decimal(20), standing("100", "80")) == (20, 0)
    assert relief(Decimal(5), standing("100", "80", "20")) == (0, 5)


def test_a_credit_gives_back_at_most_what_was_relieved() -> None:
    assert relief(Decimal(-30), standing("100", "20")) == (-20, -10)
    assert relief(Decimal(-5), standing("100", "20")) == (-5, 0)


@given(ordered=MONEY, share=st.integers(0, 100), asked=st.decimals(-(10**6), 10**6, places=2))
def test_whatever_is_asked_nothing_goes_below_zero(
    ordered: Decimal, share: int, asked: Decimal
) -> None:
    before = Standing(ordered, (ordered * share / 100).quantize(Decimal("0.01")), Decimal(0))
    taken, over = relief(asked, before)
    after = before._replace(relieved=before.relieved + taken)
    assert taken + over == asked
    assert after.relieved >= 0
    assert after.open >= 0
    assert after.ordered == after.relieved + after.open + after.cancelled


def test_an_open_order_is_called_by_its_money() -> None:
    whole, part, done = standing("10"), standing("10", "4"), standing("10", "4", "6")
    assert status("draft", []) == "draft"
    assert status("approved", [part]) == "approved"
    assert status("open", [whole, whole]) == "open"
    assert status("open", [whole, part]) == "partial"
    assert status("open", [done, done]) == "closed"
    assert status("void", [done]) == "void"

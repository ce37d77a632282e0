"""Rates of a day, cross rates and exchange differences, each figure worked by hand."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.fx import (
    Cross,
    Hole,
    RateBook,
    Sheet,
    is_monetary,
    revaluation,
    settled,
)

D = Decimal
FRIDAY, SATURDAY, SUNDAY = date(2026, 1, 16), date(2026, 1, 17), date(2026, 1, 18)
WEEK = Sheet(1, FRIDAY, {"USD": D("1.25"), "CAD": D("1.60"), "JPY": D("160")})
LATER = Sheet(2, date(2026, 1, 19), {"USD": D("1.20"), "CAD": D("1.50")})
BOOK = RateBook("USD", [LATER, WEEK])


def rate(currency: str, day: date, book: RateBook = BOOK) -> Cross:
    found = book.rate(currency, day)
    assert isinstance(found, Cross)
    return found


def test_a_cross_rate_goes_through_the_euro_and_says_so() -> None:
    cross = rate("CAD", FRIDAY)
    assert cross.path == "CAD>EUR>USD"
    assert (cross.numerator, cross.denominator) == (D("1.25"), D("1.60"))
    assert cross.shown == D("0.78125")
    # 1,000 CAD = 625 EUR = 781.25 USD
    assert cross.convert(D(1000)) == D("781.25")


def test_from_and_to_the_euro_there_is_one_leg() -> None:
    assert rate("EUR", FRIDAY).path == "EUR>USD"
    assert rate("EUR", FRIDAY).convert(D("80")) == D("100.00")
    in_euros = RateBook("EUR", [WEEK])
    assert rate("CAD", FRIDAY, in_euros).path == "CAD>EUR"
    assert rate("CAD", FRIDAY, in_euros).convert(D("1.60")) == D("1.00")


def test_it_is_rounded_once_to_the_coin_of_the_target_halves_to_even() -> None:
    half = RateBook("USD", [Sheet(1, FRIDAY, {"USD": D(1), "CAD": D(8)})])
    assert [half.base(D(n), "CAD", FRIDAY) for n in ("0.04", "0.12", "0.20", "-0.12")] == [
        D("0.00"), D("0.02"), D("0.02"), D("-0.02"),
    ]  # fmt: skip  # 0.005, 0.015, 0.025, -0.015
    yen = RateBook("JPY", [WEEK])
    # 10.00 USD = 8 EUR = 1,280 JPY: a currency without coins
    assert yen.base(D("10.00"), "USD", FRIDAY) == D(1280)
    assert yen.base(D("0.01"), "USD", FRIDAY) == D(1)  # 1.28 JPY


def test_at_the_weekend_the_rate_of_friday_is_used_and_named() -> None:
    for day in (SATURDAY, SUNDAY):
        assert rate("CAD", day).sheet_day == FRIDAY
        assert rate("CAD", day).day == day
    assert rate("CAD", date(2026, 1, 19)).sheet_day == date(2026, 1, 19)


def test_a_rate_is_at_most_a_week_old_and_never_from_the_future() -> None:
    assert rate("JPY", date(2026, 1, 23)).sheet_day == FRIDAY
    hole = BOOK.rate("JPY", date(2026, 1, 24))
    assert isinstance(hole, Hole)
    assert str(hole) == (
        "No rate from JPY to USD for 24 Jan 2026 or the 7 days before it. Load the rates of that "
        "day (load_rates, or the FX screen): the amounts are then converted."
    )
    assert BOOK.rate("CAD", date(2026, 1, 15)) == Hole("CAD", "USD", date(2026, 1, 15))
    assert BOOK.base(D(5), "CAD", date(2026, 1, 15)) is None


def test_both_legs_come_from_one_sheet() -> None:
    # On the 19th yen are not quoted: not the yen of Friday with the dollar of Monday.
    cross = rate("JPY", date(2026, 1, 20))
    assert (cross.sheet_id, cross.numerator, cross.denominator) == (1, D("1.25"), D("160"))


def test_holes_are_listed_once_each_by_day_and_currency() -> None:
    asked = [("XAF", FRIDAY), ("CAD", FRIDAY), ("AED", SUNDAY), ("XAF", FRIDAY), ("USD", FRIDAY)]
    assert [(h.currency, h.day) for h in BOOK.holes(asked)] == [("XAF", FRIDAY), ("AED", SUNDAY)]


def test_what_exceeds_the_ledger_once_converted_is_not_converted() -> None:
    yen = RateBook("JPY", [WEEK])
    assert yen.base(D(10) ** 13, "USD", FRIDAY) is None  # 1.28 x 10^15
    assert yen.base(D(10) ** 12, "USD", FRIDAY) == D(128) * 10**12


def test_an_invoice_paid_at_another_rate_makes_a_loss_or_a_gain() -> None:
    # Invoice of 1,000 CAD on Friday: 781.25 USD. Paid on Monday: 1,000 x 1.20 / 1.50 = 800.00.
    carried = rate("CAD", FRIDAY).convert(D(1000))
    paid = settled(D(1000), carried, D(0), D(1000), rate("CAD", date(2026, 1, 19)))
    assert paid == (D("800.00"), D("781.25"), D("18.75"))  # a loss of 18.75
    back = settled(D(1000), D("820.00"), D(0), D(1000), rate("CAD", date(2026, 1, 19)))
    assert back.difference == D("-20.00")  # a gain


def test_the_last_part_payment_takes_all_that_is_left() -> None:
    later = rate("CAD", date(2026, 1, 19))  # 0.80
    first = settled(D(1000), D("781.25"), D(0), D("333.33"), later)
    # 781.25 x 333.33 / 1000 = 260.4140625 -> 260.41; 333.33 x 0.80 = 266.664 -> 266.66
    assert first == (D("266.66"), D("260.41"), D("6.25"))
    last = settled(D(1000), D("781.25"), D("333.33"), D("666.67"), later)
    # 666.67 x 0.80 = 533.336 -> 533.34; all of 520.84 goes
    assert last == (D("533.34"), D("520.84"), D("12.50"))
    assert first.relieved + last.relieved == D("781.25")


def test_a_balance_is_revalued_to_what_it_is_worth_at_the_rate() -> None:
    closing = rate("CAD", date(2026, 1, 19))
    assert revaluation(D(500), D("390.63"), closing) == D("9.37")  # 400.00 - 390.63
    assert revaluation(D(-1000), D("-781.25"), closing) == D("-18.75")  # a debt has grown
    assert revaluation(D(0), D("-18.75"), closing) == D("18.75")


@pytest.mark.parametrize(
    ("name", "role", "statement", "monetary"),
    [
        ("Cash - foreign currency bank", "", "balance sheet", True),
        ("Accounts payable", "payables", "balance sheet", True),
        ("Advances to crew and travel", "", "balance sheet", True),
        ("Prepaid expenses", "", "balance sheet", False),
        ("Funding - equity investors", "", "balance sheet", False),
        ("Opening and conversion balances", "journal_clearing", "balance sheet", False),
        ("Unrealised foreign exchange difference", "fx_unrealised", "balance sheet", False),
        ("Camera package rental", "", "cost", False),
    ],
)
def test_cash_claims_and_debts_are_revalued_and_nothing_else(
    name: str, role: str, statement: str, monetary: bool
) -> None:
    assert is_monetary(name, role, statement) is monetary


rates = st.decimals("0.0001", "9999", places=4)


@given(st.decimals("-1e9", "1e9", places=2), rates, rates)
def test_a_conversion_is_within_half_a_coin_of_the_exact_fraction(
    amount: Decimal, source: Decimal, target: Decimal
) -> None:
    book = RateBook("USD", [Sheet(1, FRIDAY, {"USD": target, "CAD": source})])
    base = book.base(amount, "CAD", FRIDAY)
    if base is None:
        assert abs(amount * target / source) >= D(10) ** 14
        return
    # Without a division: |base x source - amount x target| <= source / 200
    assert abs(base * source - amount * target) * 200 <= source

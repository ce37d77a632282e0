import json
import pickle
from dataclasses import asdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy import money
from taxonomy.currencies import MINOR_UNITS
from taxonomy.money import AmountConventions, AmountError, UnknownCurrency, parse_amount

EVERYTHING = AmountConventions(
    thousands=",", parens_negative=True, trailing_minus=True, currency_symbol=True
)
NOT_MONEY = "XXX XTS XAU XDR XAD BOV CHE CHW CLF COU MXV USN UYI UYW DEM BGN HRK ANG ZZZ"
EUROPEAN = AmountConventions(decimal=",", thousands=".")

CENTS = st.decimals(
    min_value=Decimal("-999999999999999.99"), max_value=Decimal("999999999999999.99"), places=2
)


def refusal(text: str, conventions: AmountConventions = money.PLAIN, currency: str = "") -> str:
    with pytest.raises(AmountError) as caught:
        parse_amount(text, conventions, currency)
    return caught.value.reason


# --- what a file may say without declaring anything


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1234.50", "1234.50"),
        ("-123.45", "-123.45"),
        ("+12.00", "12.00"),
        (".50", "0.50"),
        ("-.50", "-0.50"),
        (" 12.50 ", "12.50"),
        ("007", "7"),
        ("0000000000000000001234.50", "1234.50"),
        ("999999999999999.99", "999999999999999.99"),
    ],
)
def test_a_plain_amount_is_read_exactly(text: str, amount: str) -> None:
    assert str(parse_amount(text)) == str(Decimal(amount))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", money.NO_AMOUNT),
        ("   ", money.NO_AMOUNT),
        ("-", money.NOT_A_NUMBER),
        (".", money.NOT_A_NUMBER),
        ("+-5", money.NOT_A_NUMBER),
        ("--5", money.NOT_A_NUMBER),
        ("1e5", money.NOT_A_NUMBER),
        ("1E+05", money.NOT_A_NUMBER),
        ("NaN", money.NOT_A_NUMBER),
        ("inf", money.NOT_A_NUMBER),
        ("N/A", money.NOT_A_NUMBER),
        ("#REF!", money.NOT_A_NUMBER),
        ("0x1F", money.NOT_A_NUMBER),
        ("1/2", money.NOT_A_NUMBER),
        ("1_000", money.NOT_A_NUMBER),
        ("1234.5 CR", money.NOT_A_NUMBER),
        ("12.50USD", money.NOT_A_NUMBER),
        ("12.5.0", money.NOT_A_NUMBER),
        ("12.50\n", money.NOT_A_NUMBER),
        ("12.", money.NO_DIGITS_AFTER_MARK),
        ("\u0663\u0664\u0665", money.NOT_ASCII),
        ("\uff11\uff12\uff13", money.NOT_ASCII),
        ("\u22125.00", money.NOT_ASCII),
        ("\u20135.00", money.NOT_ASCII),
        ("1,234.56", money.GROUPING_NOT_DECLARED),
        ("1.234,56", money.GROUPING_NOT_DECLARED),
        ("1 234,56", money.GROUPING_NOT_DECLARED),
        ("1\u00a0234,56", money.GROUPING_NOT_DECLARED),
        ("1\u202f234,56", money.GROUPING_NOT_DECLARED),
        ("1'234.56", money.GROUPING_NOT_DECLARED),
        ("1,23,456.78", money.GROUPING_NOT_DECLARED),
        ("1,234", money.GROUPING_NOT_DECLARED),
        ("(123.45)", money.PARENS_NOT_DECLARED),
        ("123.45-", money.TRAILING_MINUS_NOT_DECLARED),
        ("$1234.50", money.SYMBOL_NOT_DECLARED),
        ("99999999999999999999.99", money.TOO_LARGE),
        ("1000000000000000", money.TOO_LARGE),
        ("9" * 41, money.TOO_LONG),
    ],
)
def test_everything_else_is_refused_with_its_reason(text: str, reason: str) -> None:
    assert refusal(text) == reason


def test_a_refusal_shows_what_was_found_and_why() -> None:
    with pytest.raises(AmountError, match=r"'12\.' is not an amount: no digit follows"):
        parse_amount("12.")


# --- what a mapping may declare


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,234.56", "1234.56"),
        ("1,234,567", "1234567"),
        ("1234.56", "1234.56"),
        ("(123.45)", "-123.45"),
        ("(1,234.50)", "-1234.50"),
        ("123.45-", "-123.45"),
        ("$1234.50", "1234.50"),
        ("-$1,234.50", "-1234.50"),
        ("$-1,234.50", "-1234.50"),
        ("($ 1,234.50)", "-1234.50"),
        ("1234.50 US$", "1234.50"),
    ],
)
def test_declared_spellings_are_read(text: str, amount: str) -> None:
    assert parse_amount(text, EVERYTHING, "USD") == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1,234", money.AMBIGUOUS_GROUPING),
        ("(1,234)", money.AMBIGUOUS_GROUPING),
        ("1,23,456.78", money.GROUPS_NOT_OF_THREE),
        ("1234,567.00", money.GROUPS_NOT_OF_THREE),
        ("1,234.567,00", money.GROUPS_NOT_OF_THREE),
        ("(-5.00)", money.NOT_A_NUMBER),
        ("-5.00-", money.NOT_A_NUMBER),
        ("-$-5.00", money.NOT_A_NUMBER),
        ("$", money.NOT_A_NUMBER),
        ("()", money.NOT_A_NUMBER),
        ("€12.50", money.SYMBOL_NOT_THIS_CURRENCY),
    ],
)
def test_a_declaration_opens_no_other_door(text: str, reason: str) -> None:
    assert refusal(text, EVERYTHING, "USD") == reason


def test_a_bare_dollar_sign_means_us_dollars() -> None:
    assert refusal("$5.00", EVERYTHING, "CAD") == money.SYMBOL_NOT_THIS_CURRENCY
    assert refusal("$5.00", EVERYTHING) == money.SYMBOL_NOT_THIS_CURRENCY
    assert parse_amount("C$5.00", EVERYTHING, "CAD") == 5


@pytest.mark.parametrize(
    ("text", "amount"), [("1.234,56", "1234.56"), ("12,5", "12.5"), ("1.234", "1234")]
)
def test_a_declared_decimal_comma_settles_the_point_as_thousands(text: str, amount: str) -> None:
    assert parse_amount(text, EUROPEAN) == Decimal(amount)


def test_a_point_that_groups_fewer_than_three_digits_is_refused() -> None:
    assert refusal("1.5", EUROPEAN) == money.GROUPS_NOT_OF_THREE


def test_swiss_and_french_groups_are_read_when_declared() -> None:
    assert parse_amount("1'234.56", AmountConventions(thousands="'")) == Decimal("1234.56")
    assert parse_amount("1'234", AmountConventions(thousands="'")) == 1234
    french = AmountConventions(decimal=",", thousands="\u202f")
    assert parse_amount("1\u202f234,56", french) == Decimal("1234.56")


@pytest.mark.parametrize("marks", [(".", "."), (";", ""), (".", "_"), (",", ",")])
def test_conventions_that_cannot_be_read_back_are_refused(marks: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="mark"):
        AmountConventions(decimal=marks[0], thousands=marks[1])


def test_equal_conventions_are_one_key() -> None:
    assert AmountConventions(thousands=",") == AmountConventions(thousands=",")
    assert len({AmountConventions(), AmountConventions(), EUROPEAN}) == 2


def test_conventions_survive_storage_and_the_road_to_a_worker() -> None:
    stored = asdict(EUROPEAN)
    assert AmountConventions(**json.loads(json.dumps(stored))) == EUROPEAN
    assert parse_amount("1.234,56", pickle.loads(pickle.dumps(EUROPEAN))) == Decimal("1234.56")


@given(CENTS)
def test_what_a_screen_shows_is_read_back_exactly(amount: Decimal) -> None:
    shown = money.format_amount(amount, "USD")
    assert parse_amount(shown, AmountConventions(thousands=",")) == amount
    over_under = money.format_over_under(amount, "USD")
    both = AmountConventions(thousands=",", parens_negative=True)
    assert parse_amount(over_under, both) == amount


@given(CENTS)
def test_a_european_file_states_the_same_amounts(amount: Decimal) -> None:
    european = f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))
    assert parse_amount(european, EUROPEAN) == amount


@given(st.text(max_size=12) | st.text(alphabet="0123456789.,-+()$ eE_'", max_size=12))
def test_no_text_gets_past_as_anything_but_a_finite_amount(text: str) -> None:
    for conventions in (money.PLAIN, EVERYTHING, EUROPEAN):
        try:
            amount = parse_amount(text, conventions, "USD")
        except AmountError:
            continue
        assert amount.is_finite()
        assert abs(amount) < money.AMOUNT_LIMIT
        assert any(character in "0123456789" for character in text)


# --- currencies


@pytest.mark.parametrize(("code", "units"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("XCG", 2)])
def test_a_currency_has_its_published_decimals(code: str, units: int) -> None:
    assert money.minor_units(code) == units


@pytest.mark.parametrize("code", NOT_MONEY.split())
def test_metals_funds_and_withdrawn_codes_are_not_currencies(code: str) -> None:
    with pytest.raises(UnknownCurrency, match="not a currency in use"):
        money.minor_units(code)


def test_a_currency_in_small_letters_is_refused_with_the_right_spelling() -> None:
    with pytest.raises(UnknownCurrency, match="write USD"):
        money.minor_units("usd")
    with pytest.raises(ValueError, match="use a code such as"):
        money.minor_units("US$")


def test_every_currency_is_three_letters_with_none_two_or_three_decimals() -> None:
    assert len(MINOR_UNITS) == 155
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in MINOR_UNITS)
    assert set(MINOR_UNITS.values()) == {0, 2, 3}


@pytest.mark.parametrize(
    ("text", "currency"), [("100", "JPY"), ("100.00", "JPY"), ("1.234", "KWD"), ("1.500", "USD")]
)
def test_an_amount_in_whole_coins_passes(text: str, currency: str) -> None:
    assert money.check_minor_units(Decimal(text), currency) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("text", "currency"), [("100.50", "JPY"), ("1.234", "USD"), ("1.005", "USD")]
)
def test_an_amount_finer_than_the_smallest_coin_is_refused(text: str, currency: str) -> None:
    with pytest.raises(AmountError) as caught:
        money.check_minor_units(Decimal(text), currency)
    assert caught.value.reason == money.TOO_MANY_DECIMALS


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_has_no_coins(text: str) -> None:
    with pytest.raises(AmountError):
        money.check_minor_units(Decimal(text), "USD")
    assert not money.is_postable(Decimal(text))


@pytest.mark.parametrize("text", ["0", "0.00", "-0.00"])
def test_zero_is_not_posted(text: str) -> None:
    assert not money.is_postable(parse_amount(text))


def test_a_credit_is_posted_like_any_cost() -> None:
    assert money.is_postable(Decimal("-0.01"))


# --- rounding and screens


def test_halves_go_away_from_zero_or_to_the_even_cent() -> None:
    assert money.round_half_up(Decimal("2.345"), "USD") == Decimal("2.35")
    assert money.round_half_up(Decimal("-2.345"), "USD") == Decimal("-2.35")
    assert money.round_half_even(Decimal("2.345"), "USD") == Decimal("2.34")
    assert money.round_half_up(Decimal("0.5"), "JPY") == 1
    with pytest.raises(UnknownCurrency):
        money.round_half_up(Decimal(1), "XXX")


def test_the_grip_of_the_trade_notes_earns_to_the_cent_what_they_say() -> None:
    rate = Decimal("63.01")
    assert money.round_half_up(rate * Decimal("19.25"), "USD") == Decimal("1212.94")
    assert money.round_half_up(rate * Decimal("14.5") * Decimal("0.06"), "USD") == Decimal("54.82")
    assert money.round_half_up(Decimal("10.5975") * Decimal("14.5"), "USD") == Decimal("153.66")


@given(
    st.decimals(min_value=-(10**20), max_value=10**20, places=6),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_rounding_moves_no_more_than_half_a_coin(amount: Decimal, currency: str) -> None:
    half = Decimal(1).scaleb(-money.minor_units(currency)) / 2
    for rounded in (money.round_half_up(amount, currency), money.round_half_even(amount, currency)):
        assert (rounded - amount).copy_abs() <= half
        money.check_minor_units(rounded, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "shown", "over_under"),
    [
        ("1234567.5", "USD", "1,234,567.50", "1,234,567.50"),
        ("-1234.5", "USD", "-1,234.50", "(1,234.50)"),
        ("-1234", "JPY", "-1,234", "(1,234)"),
        ("1.5", "KWD", "1.500", "1.500"),
        ("-0.001", "USD", "0.00", "0.00"),
    ],
)
def test_screens_show_overages_in_parentheses(
    amount: str, currency: str, shown: str, over_under: str
) -> None:
    assert money.format_amount(Decimal(amount), currency) == shown
    assert money.format_over_under(Decimal(amount), currency) == over_under

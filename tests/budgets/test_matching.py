"""Which account a budget file means."""

from hypothesis import given
from hypothesis import strategies as st

from budgets.matching import Match, match, normalised, words_of

WORDS = words_of(
    [("A1-00", False), ("A1-01", True), ("A1-02", True), ("11", False), ("11-01", True),
     ("B-1", True), ("B1", True), ("2501", True)]
)  # fmt: skip


def test_marks_spaces_and_case_mean_nothing() -> None:
    for said in ("A101", "a1-01", "A1 01", "A1.01", "A1/01"):
        assert match(WORDS, said, "") == Match("A1-01", False)


def test_a_sub_account_is_a_code_of_its_own_or_the_tail_of_its_account() -> None:
    assert match(WORDS, "11", "01") == Match("11-01", False)
    assert match(WORDS, "A100", "A102") == Match("A1-02", False)
    assert match(WORDS, "11", "99") is None


def test_a_category_is_a_sum_and_is_told_apart() -> None:
    assert match(WORDS, "A1-00", "") == Match("A1-00", True)


def test_a_code_of_two_accounts_is_nobodys() -> None:
    assert match(WORDS, "B1", "") == Match("", False, ("B-1", "B1"))


def test_what_the_chart_has_not_is_none() -> None:
    assert match(WORDS, "9999", "") is None
    assert match(WORDS, "--", "") is None


@given(st.text(alphabet="A12-. /", max_size=12))
def test_a_match_is_always_an_account_of_the_chart_spelt_alike(said: str) -> None:
    found = match(WORDS, said, "")
    if found and found.code:
        assert normalised(found.code) == normalised(said)

"""JSON budgets: accounts and sub-accounts on their bytes, and no float on the way."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.formats import opening
from budgets.formats.stated import Reading


def read(text: str) -> Reading:
    return opening.read(text.encode(), "USD")


NESTED = """\
{"currency": "USD", "accounts": [
  {"account": "1100", "description": "Story é", "budget": 300.10, "subAccounts": [
    {"subAccount": "01", "description": "Option", "budget": "100.05"},
    {"subAccount": "02", "description": "Script", "budget": 200.05}]},
  {"account": "2501", "description": "Grip", "budget": 0.1}
]}"""


def test_sub_accounts_carry_their_account_and_stand_on_their_own_bytes() -> None:
    found = read(NESTED)
    assert found.faults == ()
    assert [(r.account, r.sub_account, str(r.amount), r.line) for r in found.rows] == [
        ("1100", "", "300.10", 2), ("1100", "01", "100.05", 3), ("1100", "02", "200.05", 4),
        ("2501", "", "0.1", 5),
    ]  # fmt: skip
    data = NESTED.encode()
    for row in found.rows:
        stated = json.loads(data[row.start : row.end])
        assert stated["description"] == row.description
    assert found.currency == "USD"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"accounts": [{"account": "1", "account": "2"}]}', "each key once"),
        ('{"accounts": [{"account": "1", "budget": NaN}]}', "NaN"),
        ('{"accounts": [{"account": "1", "budget": 1e5}]}', "not an amount"),
        ('{"accounts": [{"account": "1", "budget": true}]}', "not an amount"),
        ('{"accounts": [{"account": "1", "budget": "5.001"}]}', "more decimals"),
        ('{"accounts": [5]}', "an object for each account"),
        ('{"accounts": []}', "a list of accounts"),
        ('{"rows": {}}', "a list of accounts"),
        ('{"currency": "dollars", "accounts": [{"account": "1"}]}', "not a currency"),
        ('{"currency": "USD", "accounts": [{"account": "1", "currency": "CAD"}]}', "file of its"),
        ("[" * 5000, "JSON in UTF-8"),
        ("{", "JSON in UTF-8"),
    ],
)
def test_what_is_no_budget_is_named(text: str, said: str) -> None:
    found = read(text)
    assert found.rows == () or found.faults
    assert said in " ".join(map(str, found.faults))


@given(
    st.lists(
        st.tuples(
            st.text(alphabet="A1290-", min_size=1, max_size=8),
            st.text(alphabet='abc"\\é/ ', max_size=10).map(str.strip),
            st.decimals(min_value=-(10**9), max_value=10**9, places=2),
        ),
        min_size=1,
        max_size=15,
    ),
    st.sampled_from([None, 1]),
)
def test_what_is_written_is_read_back(
    rows: list[tuple[str, str, Decimal]], indent: int | None
) -> None:
    said = [{"account": a, "description": d, "budget": f"{m:f}"} for a, d, m in rows]
    data = json.dumps(said, indent=indent, ensure_ascii=False).encode()
    found = opening.read(data, "USD")
    assert found.faults == ()
    assert [(r.account, r.description, r.amount) for r in found.rows] == rows
    assert [json.loads(data[r.start : r.end]) for r in found.rows] == said

"""Tab-delimited budgets: every row on its bytes, every fault at once."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.formats import opening, tab_file
from budgets.formats.stated import Reading

ROWS = (
    "Acct#\tDescription\tSubtotal\n1101\tOption\t1,000\n\n"
    "1102\tScript\t$2,500.50\n\tGrand total\t\n"
)


def read(text: str, encoding: str = "utf-8", mark: bytes = b"") -> Reading:
    return opening.read(mark + text.encode(encoding), "USD")


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"),
     ("utf-16-be", b"\xfe\xff"), ("cp1252", b"")],
)  # fmt: skip
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_every_row_stands_on_its_own_bytes(encoding: str, mark: bytes, ends: str) -> None:
    text = ROWS.replace("Script", "Scénario é").replace("\n", ends)
    data = mark + text.encode(encoding)
    found = opening.read(data, "USD")
    assert found.faults == ()
    assert [(r.account, r.amount, r.line) for r in found.rows] == [
        ("1101", Decimal(1000), 2), ("1102", Decimal("2500.50"), 4), ("", Decimal(0), 5),
    ]  # fmt: skip
    for row in found.rows:
        assert data[row.start : row.end].decode(encoding) == text.split(ends)[row.line - 1]


def test_every_fault_is_named_with_its_line_and_what_to_do() -> None:
    found = read(
        "Account\tDetail\tName\tTotal\tCurrency\n"
        "1100\t01\tOption\t12.345\tUSD\n"
        "1100\t02\tScr\u200bipt\t5\tUSD\n"
        "1100\t03\tTwo\tabout 5\tUSD\n"
        "1100\t04\tThree\t5\tCAD\n"
    )
    assert [(f.line, f.column) for f in found.faults] == [
        (5, "currency"), (2, "amount"), (3, "description"), (4, "amount"),
    ]  # fmt: skip
    assert "Export each currency to a file of its own" in str(found.faults[0])
    assert all(f.fix and f.expected for f in found.faults)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Description\tTotal", "a column of account"),
        ("Account\tDescription", "a column of amount"),
        ("Account\tTotal\tBudget", "one column of amount"),
        ("", "a header and rows"),
    ],
)
def test_a_header_that_says_too_little_or_too_much_is_a_fault(header: str, said: str) -> None:
    found = read(header)
    assert found.rows == ()
    assert said in " ".join(f.expected for f in found.faults)


def test_amounts_are_read_as_budgets_print_them() -> None:
    found = read("Account\tTotal\n1\t(1,250.00)\n2\t-3\n3\t4-\n4\t\n5\t1,000,000\n6\t40,000\n")
    assert [r.amount for r in found.rows] == [
        Decimal(n) for n in ("-1250.00", "-3", "-4", "0", "1000000", "40000")
    ]


def test_three_decimals_or_thousands_are_not_guessed_where_both_are_possible() -> None:
    found = opening.read(b"Account\tTotal\n1\t40,000\n", "KWD")
    assert "thousands or decimals" in found.faults[0].fix


@given(st.binary(max_size=400))
def test_any_bytes_are_rows_or_faults_and_never_an_error(data: bytes) -> None:
    found = tab_file.read(data, "USD")
    assert found.rows or found.faults or b"\n" in data or b"\r" in data or b"\t" in data


CELL = st.text(alphabet="abcXYZ019é -", min_size=1, max_size=12).map(str.strip).filter(bool)


@given(
    st.lists(
        st.tuples(CELL, CELL, st.decimals(min_value=-(10**9), max_value=10**9, places=2)),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_written_is_read_back(rows: list[tuple[str, str, Decimal]], ends: str) -> None:
    text = ends.join(
        ["Account\tDescription\tTotal", *(f"{a}\t{d}\t{m:,.2f}" for a, d, m in rows), ""]
    )
    data = text.encode()
    found = opening.read(data, "USD")
    assert found.faults == ()
    assert [(r.account, r.description, r.amount) for r in found.rows] == rows
    for row, (account, _, _) in zip(found.rows, rows, strict=True):
        assert data[row.start : row.end].decode().startswith(account)

"""A bank's table in the five shapes observed, and the card's, whose signs are turned."""

import pytest

from ingestion.formats.feeds import FEED
from ingestion.formats.records import Reading, RejectedFile
from ingestion.gate.bank_reading import open_bank_file
from ingestion.layouts.sources import REGISTRY

PLAIN = "Date,Label,Amount,Balance,Partner Name,Bank Account"
SIDED = "Date,Label,Amount,D/C,Balance,Partner Name,Bank Account"
TWO = "Date,Label,Debit,Credit,Balance,Partner Name,Bank Account"
FOREIGN = "Date,Label,Currency,Amount,Partner Name,Bank Account"
ABROAD = "Date,Label,Currency,Amount,Amount Currency,Partner Name,Bank Account"


def read(header: str, *rows: str, source: str = "bank-csv") -> Reading:
    text = "\n".join([header, *rows, ""])
    return open_bank_file("t.csv", [text.encode()], REGISTRY[source], None)


def amounts(reading: Reading) -> list[str]:
    at = FEED.index("amount")
    return [(record.fields or [])[at] for record in reading]


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        (PLAIN, ['01/14/2026,Taxi,"-1,033.50",,Cab,DE1', "2026-01-15,In,(5.00),,x,"],
         ["-1033.50", "-5.00"]),
        (SIDED, ["01/14/2026,Taxi,33.50,D,,Cab,", "01/15/2026,In,5.00,c,,x,"],
         ["-33.50", "5.00"]),
        (TWO, ["01/14/2026,Taxi,33.50,,,Cab,", "01/15/2026,In,0.00,5.00,,x,"],
         ["-33.50", "5.00"]),
        (FOREIGN, ["01/14/2026,Taxi,USD,-33.50,Cab,"], ["-33.50"]),
        (ABROAD, ['01/14/2026,Taxi,EUR,"1,525.00","1,000.00",Cab,'], ["1525.00"]),
    ],
)  # fmt: skip
def test_each_shape_gives_signed_amounts(header: str, rows: list[str], expected: list[str]) -> None:
    assert amounts(read(header, *rows)) == expected


def test_what_was_paid_abroad_is_said_and_is_not_the_amount() -> None:
    (record,) = read(ABROAD, '01/14/2026,Taxi,EUR,"1,525.00","1,000.00",Cab,')
    assert record.fields == [
        "1", "2026-01-14", "", "1525.00", "", "", "", "Cab", "Taxi (EUR 1,000.00)",
    ]  # fmt: skip
    (record,) = read(FOREIGN, "01/14/2026,Taxi,eur,-33.50,Cab,")
    assert record.fields is not None
    assert record.fields[4] == "EUR"


def test_a_cards_charges_are_positive_by_its_source_alone() -> None:
    row = "01/14/2026,Taxi,33.50,,Cab,"
    assert amounts(read(PLAIN, row)) == ["33.50"]
    assert amounts(read(PLAIN, row, source="bank-card-csv")) == ["-33.50"]
    two = read(TWO, "01/14/2026,Paid,,5.00,,Cab,", source="bank-card-csv")
    assert amounts(two) == ["-5.00"]


@pytest.mark.parametrize(
    ("header", "row", "shown"),
    [
        (SIDED, "01/14/2026,Taxi,-33.50,D,,Cab,", "-33.50 D"),
        (SIDED, "01/14/2026,Taxi,33.50,,,Cab,", "33.50"),
        (SIDED, "01/14/2026,Taxi,33.50,X,,Cab,", "33.50 X"),
        (TWO, "01/14/2026,Taxi,-33.50,0.00,,Cab,", "-33.50"),
        (TWO, "01/14/2026,Taxi,1.00,2.00,,Cab,", "1.00"),
        (TWO, "01/14/2026,Taxi,1.00,x,,Cab,", "1.00"),
        (PLAIN, "01/14/2026,Taxi,$abc,,Cab,", "$abc"),
    ],
)
def test_a_row_that_says_two_things_or_none_is_left_as_written(
    header: str, row: str, shown: str
) -> None:
    reading = read(header, row)
    assert reading.statements[0].unread == 1
    (found,) = amounts(reading)
    assert found in {shown, f"{shown}"}


def test_balances_must_follow_one_another_up_or_down() -> None:
    rows = ["01/14/2026,a,10.00,110.00,,", "01/15/2026,b,-30.00,80.00,,",
            "01/16/2026,c,5.00,85.00,,"]  # fmt: skip
    for order in (rows, rows[::-1]):
        (statement,) = read(PLAIN, *order).statements
        assert (str(statement.opening), str(statement.closing)) == ("100.00", "85.00")
        assert str(statement.from_day) == "2026-01-14"
    with pytest.raises(RejectedFile, match="E_CONTROL_TOTAL: Line 3"):
        read(PLAIN, rows[0], rows[1].replace("80.00", "80.01"), rows[2])


def test_rows_of_several_accounts_are_several_statements() -> None:
    header = "Date,Label,Amount,Account"
    reading = read(header, "2026-01-14,a,1.00,111", "2026-01-14,b,2.00,222", "2026-01-14,c,3,111")
    assert [(s.account, s.lines) for s in reading.statements] == [("111", 2), ("222", 1)]
    assert [(record.fields or [""])[0] for record in reading] == ["1", "2", "1"]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Date,Label,Balance", "either Amount"),
        ("Date,Label,Amount,Debit,Credit", "either Amount"),
        ("Date,Label,Debit,Credit,D/C", "either Amount"),
        ("Date,Label,Amount,Bank Fee", "seems to hold money"),
        ("Date,Label,Amount,Description", "both mean label"),
        ("Day,Label,Amount", "None of the first"),
    ],
)
def test_a_header_that_is_not_one_shape_is_refused(header: str, said: str) -> None:
    with pytest.raises(RejectedFile, match=said) as rejected:
        read(header, "2026-01-14,a,1.00,1,1")
    assert rejected.value.code == "E_HEADER"

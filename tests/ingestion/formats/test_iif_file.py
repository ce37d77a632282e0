"""QuickBooks IIF: transactions of several widths, and what is missing or too much in them."""

import random

import pytest

from ingestion.formats.iif_file import COLUMNS
from ingestion.formats.opening import open_file
from ingestion.formats.records import Dialect, Reading, RejectedFile

HEAD = (
    "!TRNS\tTRNSID\tTRNSTYPE\tDATE\tACCNT\tAMOUNT\tDOCNUM\tMEMO\r\n"
    "!SPL\tACCNT\tAMOUNT\r\n!ENDTRNS\r\n"
)
ONE = "TRNS\t\tGENERAL JOURNAL\t1/5/2026\t3310\t10.00\tG1\tlens\r\nSPL\t0300\t-10.00\r\nENDTRNS\r\n"


def read(text: str, name: str = "a.iif") -> Reading:
    data = text.encode()
    return open_file(name, [data], lambda header: "TRANSACTION" in header, Dialect())


def told(text: str) -> list[tuple[list[str] | None, str | None]]:
    """(account, amount and number of the transaction, code) of each record."""
    found = []
    for record in read(text):
        at = record.fields
        found.append((at and [at[0], at[3], at[6], at[7]], record.code))
    return found


def test_lines_of_any_width_are_records_in_one_set_of_columns() -> None:
    text = HEAD + ONE + ONE.replace("G1", "G2").replace("\t-10.00", "\t-10.00\t\t\t")
    assert told(text) == [
        (["1", "3310", "10.00", "G1"], None), (["1", "0300", "-10.00", ""], None),
        (["2", "3310", "10.00", "G2"], None), (["2", "0300", "-10.00", ""], None),
    ]  # fmt: skip
    records = list(read(text))
    data = text.encode()
    assert all(data[r.start : r.end] == r.raw for r in records)
    assert [(r.row, r.line) for r in records] == [(1, 4), (2, 5), (3, 7), (4, 8)]
    assert read(text).header == list(COLUMNS)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (HEAD + ONE + "TRNS\t\t\t1/5/2026\t3310\t5.00\tG2\r\n", [None, None, "E_IIF"]),
        (HEAD + ONE.replace("ENDTRNS\r\n", "") + ONE, ["E_IIF", "E_IIF", None, None]),
        (HEAD + "SPL\t0300\t5.00\r\n" + ONE, ["E_IIF", None, None]),
        (HEAD + ONE.replace("-10.00", "-10.00\tmore"), [None, "E_FIELD_COUNT"]),
        (HEAD + ONE.replace("\t-10.00", '\t"a"b'), [None, "E_QUOTE"]),
        (HEAD + ONE + "!ACCNT\tNAME\r\nACCNT\tCamera\r\n" + "!VEND\tNAME\r\n", [None, None]),
    ],
)
def test_what_is_missing_or_too_much_is_said_on_the_line(
    text: str, codes: list[str | None]
) -> None:
    assert [code for _, code in told(text)] == codes


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ONE, "E_HEADER"), (HEAD, "E_EMPTY"), ("!ACCNT\tNAME\nACCNT\tCamera\n", "E_EMPTY"),
        ("<html></html>", "E_FILETYPE"), ("", "E_EMPTY"),
    ],
)  # fmt: skip
def test_a_file_without_transactions_is_refused_in_words(text: str, code: str) -> None:
    with pytest.raises(RejectedFile) as refusal:
        list(read(text))
    assert refusal.value.code == code


def test_two_thousand_mutated_files_lose_no_line_and_raise_nothing_else() -> None:
    dice = random.Random(1912)
    whole = (HEAD + ONE * 3).encode()
    refused = 0
    for _ in range(2_000):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(data))
            piece = dice.choice(
                [b"", b"\t", b"\r\n", b'"', b"\0", b"\xff", b"TRNS\t", b"ENDTRNS\n"]
            )
            data[at : at + dice.randint(0, 4)] = piece
        try:
            reading = open_file("a.iif", [bytes(data)], None, Dialect())
            records = list(reading)
        except RejectedFile:
            refused += 1
            continue
        assert [r.row for r in records] == sorted({r.row for r in records})
        assert all(bytes(data)[r.start : r.end] == r.raw for r in records)
        assert all(r.fields is None or len(r.fields) == len(COLUMNS) for r in records)
    assert 0 < refused < 1_500

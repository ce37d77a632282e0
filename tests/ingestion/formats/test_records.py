import pytest

from ingestion.formats.records import (
    Dialect,
    Record,
    RejectedFile,
    gather,
    is_total_row,
    make_record,
    repeated_names,
    settle_fields,
)

HEADER = ["id", "account", "amount", "vendor"]


def test_a_record_made_the_fast_way_is_a_record() -> None:
    record = make_record((1, 2, 10, 20, ["a"], None, b"a"))
    assert type(record) is Record
    assert record == Record(1, 2, 10, 20, ["a"], None, b"a")


@pytest.mark.parametrize("label", ["TOTAL", "Total:", "grand total", "Sub-total", " Subtotals"])
def test_a_row_that_begins_with_a_total_and_is_mostly_blank_is_a_total_row(label: str) -> None:
    assert is_total_row([label, "", "", "250.00"])
    assert is_total_row(["", label, "", "250.00"])


@pytest.mark.parametrize(
    "fields",
    [
        ["Totally Wired", "", "", "250.00"],
        ["TX1", "2101", "250.00", "Total Rental"],
        ["Total Rental", "2101", "250.00", "x"],
        ["", "", "", ""],
    ],
)
def test_a_vendor_named_total_is_no_total_row(fields: list[str]) -> None:
    assert not is_total_row(fields)


@pytest.mark.parametrize(
    ("fields", "kept", "code"),
    [
        (["1", "2", "3", "4"], 4, None),
        (["1", "2", "3", "4", ""], 4, None),
        (["1", "2", "3", "4", "x"], 5, "E_FIELD_COUNT"),
        (["1", "2", "3", "4", "", ""], 6, "E_FIELD_COUNT"),
        (["1", "2", "3"], 3, "E_FIELD_COUNT"),
        (HEADER, 4, "E_HEADER_REPEAT"),
        (["1", "2", "3", "v" * 10_001], 4, "E_FIELD_TOO_LONG"),
        (["1", "2", "3", "v" * 10_000], 4, None),
        (["1"] * 513, 513, "E_TOO_WIDE"),
        (["Total", "", "9", ""], 4, "E_TOTAL_ROW"),
    ],
)
def test_the_shape_of_a_record_gives_its_code(
    fields: list[str], kept: int, code: str | None
) -> None:
    settled, found = settle_fields(fields, HEADER)
    assert (len(settled), found) == (kept, code)


def test_records_without_names_may_have_any_width() -> None:
    assert settle_fields(["1", "2", ""], None) == (["1", "2", ""], None)


def test_blank_column_names_do_not_repeat_one_another() -> None:
    assert repeated_names(["a", "", " ", "b"]) == []
    assert repeated_names(["Amount", "a", " amount "]) == ["amount"]


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "a", "1"])
def test_a_sign_that_cannot_separate_columns_is_refused(delimiter: str) -> None:
    with pytest.raises(ValueError, match="cannot separate"):
        Dialect(delimiter=delimiter)


def test_a_file_held_in_memory_is_refused_as_soon_as_it_is_too_big() -> None:
    def endless() -> object:
        while True:
            yield b"x" * 100

    assert gather([b"ab", b"c"]) == b"abc"
    with pytest.raises(RejectedFile, match="E_TOO_BIG"):
        gather(endless(), limit=1_000)  # type: ignore[arg-type]

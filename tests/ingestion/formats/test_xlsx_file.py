import io
import zipfile

import pytest

from ingestion.formats.records import Reading, RejectedFile
from ingestion.formats.xlsx_file import read_xlsx
from tests.hostile.corpus import COST_LINE, recognise
from tests.ingestion.formats.workbooks import row, text_cell, text_row, workbook

VALUES = ["TX1", "2101-03-04", "CAM", "125.00", "USD", "IATSE", "2025-03-14", "Panavision"]
HEADER = text_row(1, COST_LINE)


def read(data: bytes) -> Reading:
    return read_xlsx([data], recognise)


def code_of(data: bytes, max_unpacked: int = 1_000_000) -> str:
    with pytest.raises(RejectedFile) as rejected:
        list(read_xlsx([data], recognise, max_unpacked=max_unpacked))
    return rejected.value.code


def with_member(data: bytes, member: zipfile.ZipInfo | str, content: str = "x") -> bytes:
    packed = io.BytesIO(data)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(member, content)
    return packed.getvalue()


def test_rows_keep_the_number_the_sheet_shows_hidden_or_not() -> None:
    hidden = row(7, text_cell("A7", "TX2"), attributes='hidden="1"')
    reading = read(workbook([text_row(2, ["Night Train"]), text_row(3, COST_LINE), hidden]))
    (record,) = reading
    assert reading.header == COST_LINE
    assert record.fields == ["TX2", *[""] * 7]
    assert (record.row, record.line, record.start, record.end) == (1, 7, 0, 0)
    assert record.raw == b"TX2,,,,,,,"
    assert "The header is row 3; what stands above it is not read." in reading.notes


def test_the_first_visible_sheet_is_read_and_the_others_are_named() -> None:
    sheets = [("Rates", "veryHidden"), ("Week 1", "visible"), ("Week 2", "visible")]
    reading = read(workbook([HEADER, text_row(2, VALUES)], sheets=sheets))
    assert reading.notes == [
        "Read from the sheet 'Week 1'.",
        "The sheet 'Rates' is hidden and not read.",
        "The sheet 'Week 2' is not read.",
    ]
    assert [record.fields for record in reading] == [VALUES]


def test_a_formula_is_worth_the_value_stored_with_it_or_nothing() -> None:
    def amount(cell: str) -> tuple[str | None, str | None]:
        (record,) = read(workbook([HEADER, row(2, text_cell("A2", "TX1"), cell)]))
        return record.fields[3] if record.fields else None, record.code

    assert amount('<c r="D2"><f>1+1</f><v>2</v></c>') == ("2", None)
    assert amount('<c r="D2"><f>1+1</f><v></v></c>') == ("", "E_FORMULA_NO_CACHED_VALUE")
    assert amount('<c r="D2"><f>1+1</f></c>') == ("", "E_FORMULA_NO_CACHED_VALUE")
    assert amount('<c r="D2" t="str"><f>""</f><v></v></c>') == ("", None)
    assert amount('<c r="D2" t="e"><f>1/0</f><v>#DIV/0!</v></c>') == ("#DIV/0!", None)


def test_a_cell_past_the_header_is_a_wrong_count_and_a_blank_one_is_not() -> None:
    blank, filled = text_cell("I2", " "), text_cell("J3", "x")
    records = read(workbook([HEADER, row(2, text_cell("A2", "1"), blank), row(3, filled)]))
    assert [record.code for record in records] == [None, "E_FIELD_COUNT"]


def test_a_row_as_wide_as_a_sheet_costs_no_memory() -> None:
    (record,) = read(workbook([HEADER, row(2, text_cell("XFD2", "x"))]))
    assert record.code == "E_TOO_WIDE"
    assert record.fields is not None
    assert len(record.fields) == 513


def test_positional_sheets_are_all_data() -> None:
    reading = read_xlsx([workbook([HEADER, text_row(2, ["a", "b"])])], None)
    assert [record.fields for record in reading] == [COST_LINE, ["a", "b"]]
    assert reading.header == []


def test_a_sheet_without_header_or_records_is_rejected() -> None:
    assert code_of(workbook([])) == "E_EMPTY"
    assert code_of(workbook([HEADER])) == "E_EMPTY"
    assert code_of(workbook([HEADER], sheets=[("a", "hidden")])) == "E_EMPTY"
    assert code_of(workbook([text_row(2, VALUES)])) == "E_HEADER"
    assert code_of(workbook([text_row(1, [*COST_LINE, "Vendor"])])) == "E_HEADER_DUP"


def test_an_archive_that_is_no_plain_workbook_is_rejected() -> None:
    good = workbook([HEADER, text_row(2, VALUES)])
    link = zipfile.ZipInfo("xl/link")
    link.external_attr = 0o120777 << 16
    bad = [
        with_member(good, "../evil"),
        with_member(good, "/abs"),
        with_member(good, "..\\evil"),
        with_member(good, link),
        with_member(good, "xl/vbaProject.bin"),
        good[: len(good) // 2],
        b"PK\x03\x04",
        workbook([HEADER], extra={"xl/_rels/workbook.xml.rels": "<Relationships/>"})[:-30],
    ]
    for data in bad:
        assert code_of(data) == "E_FILETYPE"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")
    assert code_of(packed.getvalue()) == "E_FILETYPE"


def test_a_protected_workbook_is_rejected() -> None:
    data = bytearray(workbook([HEADER, text_row(2, VALUES)]))
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 8] |= 1
    assert code_of(bytes(data)) == "E_FILETYPE"


def test_a_workbook_with_a_thousand_members_too_many_is_rejected() -> None:
    extra = {f"xl/media/{at}": "" for at in range(1_001)}
    assert code_of(workbook([HEADER], extra=extra)) == "E_FILETYPE"


def test_a_workbook_that_swells_is_rejected_by_what_it_says_and_by_what_it_is() -> None:
    big = workbook([HEADER, text_row(2, [*VALUES[:7], "x" * 500_000])])
    assert code_of(big, max_unpacked=400_000) == "E_TOO_BIG_UNPACKED"
    liar = bytearray(big)
    for at in range(len(liar) - 4):
        if liar[at : at + 4] == b"PK\x01\x02":
            liar[at + 24 : at + 28] = (100).to_bytes(4, "little")
    assert code_of(bytes(liar), max_unpacked=400_000) == "E_FILETYPE"


def test_entities_and_broken_parts_are_rejected() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "c">]><sst><si><t>&b;</t></si></sst>'
    assert code_of(workbook([HEADER], extra={"xl/sharedStrings.xml": bomb})) == "E_XML_DTD"
    assert code_of(workbook([HEADER, "<row>"])) == "E_XML"

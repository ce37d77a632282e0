import pytest

from ingestion.formats.records import RejectedFile
from ingestion.formats.xlsx_file import read_xlsx
from ingestion.formats.xlsx_parts import iso_day, shows_day, unescape
from tests.ingestion.formats.workbooks import row, workbook


def cell(markup: str, properties: str = "") -> str:
    reading = read_xlsx([workbook([row(1, markup)], properties=properties)], None)
    (record,) = reading
    assert record.fields is not None
    return record.fields[0]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<c r="A1"><v>2101</v></c>', "2101"),
        ('<c r="A1" t="n"><v>125.29999999999998</v></c>', "125.29999999999998"),
        ('<c r="A1"><v>1E-3</v></c>', "1E-3"),
        ('<c r="A1" t="s"><v>0</v></c>', "Shared"),
        ('<c r="A1" t="s"><v>1</v></c>', "Rich text"),
        ('<c r="A1" t="b"><v>1</v></c>', "TRUE"),
        ('<c r="A1" t="e"><v>#REF!</v></c>', "#REF!"),
        ('<c r="A1" t="d"><v>2025-03-14</v></c>', "2025-03-14"),
        ('<c r="A1" t="str"><v> kept </v></c>', " kept "),
        ('<c r="A1" s="1"><v>45730</v></c>', "2025-03-14"),
        ('<c r="A1" s="2"><v>45730.5</v></c>', "2025-03-14T12:00:00"),
        ('<c r="A1" s="99"><v>45730</v></c>', "45730"),
        ('<c r="A1" s="1"><v>-1</v></c>', "-1"),
        ('<c s="1"><v>45730</v></c>', "2025-03-14"),
        ('<c r="A1" t="inlineStr"><is><t>a_x000D_b</t></is></c>', "a\rb"),
    ],
)
def test_a_cell_reads_as_its_text_and_only_days_are_rewritten(markup: str, text: str) -> None:
    assert cell(markup) == text


def test_the_other_calendar_starts_in_1904() -> None:
    assert cell('<c r="A1" s="1"><v>44268</v></c>', 'date1904="1"') == "2025-03-14"


@pytest.mark.parametrize("index", ["2", "-1", "x", ""])
def test_a_text_the_workbook_does_not_have_rejects_it(index: str) -> None:
    with pytest.raises(RejectedFile, match="E_FILETYPE"):
        cell(f'<c r="A1" t="s"><v>{index}</v></c>')


@pytest.mark.parametrize(
    ("serial", "day"),
    [
        ("1", "1900-01-01"),
        ("59", "1900-02-28"),
        ("60", "60"),
        ("61", "1900-03-01"),
        ("2958465", "9999-12-31"),
        ("2958466", "2958466"),
        ("45730.9999999", "2025-03-15"),
        ("45730.0000001", "2025-03-14"),
        ("4.573E4", "2025-03-14"),
        ("1E99", "1E99"),
        ("0.5", "0.5"),
        ("", ""),
        ("abc", "abc"),
        ("٤٥٧٣٠", "٤٥٧٣٠"),
    ],
)
def test_a_serial_number_is_the_day_it_shows_or_stays_as_spelled(serial: str, day: str) -> None:
    assert iso_day(serial) == day


@pytest.mark.parametrize(
    ("code", "is_day"),
    [
        ("yyyy-mm-dd", True),
        ("d/m/yy", True),
        ("[$-409]mmmm yyyy", True),
        ("General", False),
        ("0.00", False),
        ('0 "days"', False),
        ("[Red]0.00;d", False),
        ("h:mm:ss", False),
        ("[hh]:mm", False),
        ("0\\d", False),
    ],
)
def test_a_number_format_shows_a_day_by_its_year_or_day_signs(code: str, is_day: bool) -> None:
    assert shows_day(code) == is_day


def test_escaped_signs_are_decoded_but_never_into_half_a_sign() -> None:
    assert unescape("a_x0041_b") == "aAb"
    assert unescape("_xD800_ _x00_ _y0041_") == "_xD800_ _x00_ _y0041_"

"""Reports as text: what a spreadsheet would run is made harmless, figures stay figures."""

import csv
import io
import json
from decimal import Decimal

import pytest

from reports.tables import as_csv, as_json, as_table, safe_cell

HEADER = ("account", "name", "amount")


@pytest.mark.parametrize(
    "text",
    ["=1+1", "=cmd|' /C calc'!A0", "+SUM(A1)", "-2+3+cmd", "@SUM(A1)", "\t=1", "\r=1", "\0=1",
     "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)", "-", "="],
)  # fmt: skip
def test_text_that_a_spreadsheet_would_run_gets_a_quote_in_front(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Harbour Lens & Camera", "a=b", " =1", "3310", "(1.00)"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


def test_a_negative_figure_stays_a_number_and_a_hostile_name_does_not_stay_a_formula() -> None:
    written = as_csv(HEADER, [("3310", "=HYPERLINK(1)", "-12.50")], {2})
    assert list(csv.reader(io.StringIO(written)))[1] == ["3310", "'=HYPERLINK(1)", "-12.50"]


def test_a_cell_with_quotes_commas_and_line_ends_comes_back_whole() -> None:
    cell = 'twelve inch 12", "slider"\r\nsecond line'
    written = as_csv(HEADER, [("1", cell, "0.00")], {2})
    assert list(csv.reader(io.StringIO(written, newline="")))[1] == ["1", cell, "0.00"]


def test_amounts_in_json_are_text_and_pass_through_no_float() -> None:
    exact = "123456789012345.6789"
    written = as_json(HEADER, [("1", "Übung", exact)], {"as_of": "now"})
    read = json.loads(written, parse_float=Decimal)
    assert read == {
        "as_of": "now",
        "rows": [{"account": "1", "name": "Übung", "amount": exact}],
    }
    assert "Übung" in written


def test_a_table_lines_up_figures_on_the_right() -> None:
    assert as_table(HEADER, [("1", "a", "1.00"), ("22", "bb", "-10.00")], {2}).splitlines() == [
        "account  name  amount",
        "-------  ----  ------",
        "1        a       1.00",
        "22       bb    -10.00",
    ]


def test_a_table_without_rows_is_its_header() -> None:
    assert as_table(HEADER, [], set()).splitlines()[0] == "account  name  amount"


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        as_json(HEADER, [("1", "a")], {})

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.formats.json_file import read_json
from ingestion.formats.records import Record, RejectedFile


def read(text: str) -> list[Record]:
    return list(read_json([text.encode()]))


def code_of(text: str) -> str:
    with pytest.raises(RejectedFile) as rejected:
        read(text)
    return rejected.value.code


def test_a_row_keeps_its_place_in_the_file_and_its_numbers_as_spelled() -> None:
    text = '\ufeff[\r\n {"id": "é", "amount": 0.10},\n\n {"amount":1E+2,"note":null, "ok" : true}]'
    reading = read_json([text.encode()])
    assert reading.header == ["id", "amount", "note", "ok"]
    first, second = reading
    assert first.fields == ["é", "0.10", "", ""]
    assert second.fields == ["", "1E+2", "", "true"]
    assert (first.line, second.line) == (2, 4)
    for record in (first, second):
        assert record.raw == text.encode()[record.start : record.end]
        assert record.raw.startswith(b"{")
        assert record.raw.endswith(b"}")


@pytest.mark.parametrize(
    "text", ['{"rows": [{"a": 1}]}', '[{"a": 1}]', '{"a": 1}', ' [ {"a":1} ] ']
)
def test_rows_may_be_a_list_a_list_under_rows_or_one_object(text: str) -> None:
    assert [record.fields for record in read(text)] == [["1"]]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E_EMPTY"),
        ("[]", "E_EMPTY"),
        ('{"rows": []}', "E_EMPTY"),
        ('[{"a":1,"a":2}]', "E_JSON_DUP_KEY"),
        ('[{"a":1,"\\u0061":2}]', "E_JSON_DUP_KEY"),
        ('[{"a":NaN}]', "E_JSON"),
        ('[{"a":-Infinity}]', "E_JSON"),
        ('[{"a":01}]', "E_JSON"),
        ('[{"a":1.}]', "E_JSON"),
        ('[{"a":+1}]', "E_JSON"),
        ('[{"a":truest}]', "E_JSON"),
        ('[{"a":1}] x', "E_JSON"),
        ('[{"a":1},]', "E_JSON"),
        ('[{"a":1,}]', "E_JSON"),
        ('[{"a":1 "b":2}]', "E_JSON"),
        ("[{'a':1}]", "E_JSON"),
        ('[{"a":[1]}]', "E_JSON"),
        ('[{"a":{}}]', "E_JSON"),
        ("[[1]]", "E_JSON"),
        ("[1]", "E_JSON"),
        ("1", "E_JSON"),
        ('{"rows": [{"a":1}], "more": 1}', "E_JSON"),
        ('[{"a":"line\nbreak"}]', "E_JSON"),
        ('[{"a":"\\x"}]', "E_JSON"),
        ('[{"a":"open', "E_JSON"),
        ('[{"a":' + "9" * 401 + "}]", "E_JSON"),
        ('[{"a":"\\ud800"}]', "E_CONTROL_CHAR"),
        ('[{"a":"b\\u0000c"}]', "E_CONTROL_CHAR"),
        ('[{"\\u0000":"c"}]', "E_CONTROL_CHAR"),
        ("[" * 100_000, "E_JSON"),
        ('{"a":' * 100_000, "E_JSON"),
        ("[{" + ",".join(f'"c{n}":1' for n in range(513)) + "}]", "E_TOO_WIDE"),
    ],
)
def test_a_file_that_is_not_a_strict_flat_list_is_rejected(text: str, code: str) -> None:
    assert code_of(text) == code


def test_bytes_that_are_not_utf_8_are_rejected() -> None:
    with pytest.raises(RejectedFile, match="E_ENCODING"):
        read_json(['[{"a":"é"}]'.encode("latin-1")])


def test_a_number_of_four_hundred_digits_is_kept_whole() -> None:
    assert read('[{"a":' + "9" * 400 + "}]")[0].fields == ["9" * 400]


def test_a_row_without_columns_is_still_a_row() -> None:
    assert [record.fields for record in read('[{"a":1},{}]')] == [["1"], [""]]


def test_a_total_row_is_held_in_json_too() -> None:
    assert read('[{"id":"TOTAL","account":"","amount":"9"}]')[0].code == "E_TOTAL_ROW"


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
values = st.one_of(names, st.integers(), st.booleans(), st.none())


def spelled(value: str | int | bool | None) -> str:
    """How a JSON value reads as a cell."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)


@given(st.lists(st.dictionaries(names, values, min_size=1, max_size=5), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None, database=None)
def test_what_the_standard_writer_writes_is_read_back(rows: list[dict[str, Any]]) -> None:
    for as_ascii, indent in ((True, None), (False, 2)):
        data = json.dumps(rows, ensure_ascii=as_ascii, indent=indent).encode()
        reading = read_json([data])
        expected = [[spelled(row.get(name)) for name in reading.header] for row in rows]
        records = list(reading)
        assert [record.fields for record in records] == expected
        assert all(json.loads(record.raw) == row for record, row in zip(records, rows, strict=True))

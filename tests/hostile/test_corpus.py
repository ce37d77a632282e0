"""Every file of the corpus gets the verdict the corpus states, and no byte of it is lost."""

from typing import Any

import pytest

from ingestion.formats.csv_file import read_csv
from ingestion.formats.opening import open_file
from ingestion.formats.records import Dialect, RejectedFile
from tests.hostile.corpus import (
    DECLARED,
    EXPECTED,
    MADE,
    assert_cover,
    cut,
    expected_row_codes,
    recognise,
)

ACCEPTED_TEXT = [
    name
    for name, verdict in EXPECTED.items()
    if verdict["file"] == "accept" and name.endswith((".csv", ".tsv"))
]


@pytest.mark.parametrize(("name", "verdict"), EXPECTED.items(), ids=EXPECTED)
def test_a_file_gets_the_verdict_the_corpus_states(name: str, verdict: dict[str, Any]) -> None:
    data = (MADE / name).read_bytes()
    assert len(data) == verdict["bytes"]
    if verdict["file"] == "reject":
        with pytest.raises(RejectedFile) as rejected:
            list(open_file(name, cut(data), recognise, Dialect()))
        assert rejected.value.code == verdict["code"]
        assert rejected.value.reason.endswith(".")
        return
    records = list(open_file(name, cut(data), recognise, DECLARED.get(name, Dialect())))
    assert [record.row for record in records] == list(range(1, verdict["records"] + 1))
    codes = {record.row: record.code for record in records if record.code is not None}
    if name == "xml/09_ecb_ok.xml":
        assert set(codes.values()) == {"E_SOURCE"}
    else:
        assert codes == expected_row_codes(verdict)


@pytest.mark.parametrize("name", ACCEPTED_TEXT)
def test_spans_cover_the_file_and_records_keep_their_bytes(name: str) -> None:
    data = (MADE / name).read_bytes()
    reading = read_csv(cut(data), recognise, DECLARED.get(name, Dialect()), record_spans=True)
    records = list(reading)
    assert reading.spans is not None
    assert_cover(reading.spans, len(data))
    spans = [(span.start, span.end) for span in reading.spans if span.kind == "record"]
    assert spans == [(record.start, record.end) for record in records]
    assert all(record.raw == data[record.start : record.end] for record in records)


@pytest.mark.parametrize("name", ACCEPTED_TEXT)
def test_the_size_of_the_pieces_changes_nothing(name: str) -> None:
    data = (MADE / name).read_bytes()
    dialect = DECLARED.get(name, Dialect())
    whole = list(read_csv([data], recognise, dialect))
    for size in (1, 2, 3, 7, 1000) if len(data) < 10_000 else (1000,):
        assert list(read_csv(cut(data, size), recognise, dialect)) == whole
        blocks = read_csv([data], recognise, dialect, block_bytes=size)
        assert list(blocks) == whole

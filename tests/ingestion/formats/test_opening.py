import gzip

import pytest

from ingestion.formats.opening import open_file
from ingestion.formats.records import Dialect, Reading, RejectedFile
from tests.hostile.corpus import COST_LINE, MADE, recognise
from tests.ingestion.formats.workbooks import text_row, workbook

LINE = "TX000001,2101-03-04,CAM,125.00,USD,IATSE,2025-03-14,Panavision"
CSV = f"{','.join(COST_LINE)}\n{LINE}\n".encode()


def opened(name: str, data: bytes) -> Reading:
    return open_file(name, [data[:5], data[5:]], recognise, Dialect())


def test_every_format_comes_through_the_same_door() -> None:
    values = LINE.split(",")
    members = ",".join(f'"{k}":"{v}"' for k, v in zip(COST_LINE, values, strict=True))
    book = workbook([text_row(1, COST_LINE), text_row(2, values)])
    for name, data, file_format in (
        ("week.csv", CSV, "csv"),
        ("week.csv.gz", gzip.compress(CSV), "csv"),
        ("week.json", f"[{{{members}}}]".encode(), "json"),
        ("week.xlsx", book, "xlsx"),
    ):
        reading = opened(name, data)
        assert (reading.format, reading.header) == (file_format, COST_LINE)
        assert [record.fields for record in reading] == [values]


def test_the_notes_tell_how_a_file_was_read() -> None:
    data = b"Night Train\n" + CSV.replace(b",", b"\t")
    reading = opened("week.txt.GZ", gzip.compress(data))
    assert reading.notes == [
        "Unpacked from a gzip archive.",
        "Read as UTF-8, columns separated by a tab.",
        "The header is line 2; what stands above it is not read.",
    ]


def test_a_header_is_missed_when_the_file_is_opened_not_later() -> None:
    with pytest.raises(RejectedFile, match="E_HEADER"):
        opened("week.csv", LINE.encode())


def test_an_archive_in_an_archive_is_refused() -> None:
    twice = gzip.compress(gzip.compress(CSV))
    for name in ("week.csv.gz.gz", "week.csv.gz", "week.gz"):
        with pytest.raises(RejectedFile, match="E_FILETYPE"):
            opened(name, twice)


def test_a_workbook_is_refused_when_it_is_too_big_to_hold() -> None:
    with pytest.raises(RejectedFile, match="E_TOO_BIG"):
        open_file("a.xlsx", [b"PK\x03\x04" + b"x" * (21 << 20)], recognise, Dialect())


def test_without_a_header_every_record_is_data() -> None:
    data = (MADE / "shape/05_missing_header.csv").read_bytes()
    reading = open_file("week.csv", [data], None, Dialect())
    assert (reading.header, len(list(reading))) == ([], 5)

"""Rates files in the published forms, invented figures; and everything that is not one."""

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.fx import Sheet
from ledger.rate_files import Fault, daily_file, history_file, read_rates

DAILY = b"Date, USD, CAD, JPY, \n13 April 2026, 1.1000, 1.5000, 170.25, \n"
HISTORY = b"Date,USD,CAD,HRK,\n2026-04-14,1.11,1.52,N/A,\n2026-04-13,1.10,1.50,7.5,\n"
MONDAY = date(2026, 4, 13)


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def the_fault(data: bytes) -> Fault:
    reading = read_rates(data)
    assert reading.sheets == () or reading.faults
    (fault,) = reading.faults
    return fault


def test_the_daily_file_has_a_date_in_words_and_a_comma_at_the_end() -> None:
    reading = read_rates(DAILY)
    assert reading.faults == ()
    assert reading.sheets == (
        Sheet(0, MONDAY, {"USD": Decimal("1.1000"), "CAD": Decimal("1.5000"),
                          "JPY": Decimal("170.25")}),
    )  # fmt: skip


def test_the_history_is_read_oldest_first_and_leaves_out_what_was_not_quoted() -> None:
    first, second = read_rates(HISTORY).sheets
    assert (first.day, second.day) == (MONDAY, date(2026, 4, 14))
    assert "HRK" in first.rates
    assert "HRK" not in second.rates


def test_a_published_archive_is_read_as_the_file_inside() -> None:
    assert read_rates(zipped(("eurofxref-hist.csv", HISTORY))) == read_rates(HISTORY)
    assert read_rates(b"\xef\xbb\xbf" + HISTORY.replace(b"\n", b"\r\n")) == read_rates(HISTORY)


WRONG = {
    b"": (1, "file"),
    b"Date,USD,\n": (1, "file"),
    b"Day,USD,\n2026-04-13,1.1,\n": (1, "header"),
    b"Date,usd,\n2026-04-13,1.1,\n": (1, "header"),
    b"Date,EUR,\n2026-04-13,1,\n": (1, "header"),
    b"Date,USD,USD,\n2026-04-13,1.1,1.1,\n": (1, "header"),
    b"Date,\n2026-04-13,\n": (1, "header"),
    b"Date,USD,\n2026-04-13,1.1,2.2,\n": (2, "line"),
    b"Date,USD,\n\n2026-04-13,1.1,\n": (2, "line"),
    b"Date,USD,\n13.04.2026,1.1,\n": (2, "Date"),
    b"Date,USD,\n2026-02-30,1.1,\n": (2, "Date"),
    b"Date,USD,\n31 April 2026,1.1,\n": (2, "Date"),
    b"Date,USD,\n13 april 2026,1.1,\n": (2, "Date"),
    b"Date,USD,\n1998-12-31,1.1,\n": (2, "Date"),
    b"Date,USD,\n2026-04-13,1.1,\n2026-04-13,1.1,\n": (3, "Date"),
    b"Date,USD,\n2026-04-13,0.00,\n": (2, "USD"),
    b"Date,USD,\n2026-04-13,-1.1,\n": (2, "USD"),
    b"Date,USD,\n2026-04-13,1e1,\n": (2, "USD"),
    b"Date,USD,\n2026-04-13,NaN,\n": (2, "USD"),
    b"Date,USD,\n2026-04-13,n/a,\n": (2, "USD"),
    b"Date,USD,\n2026-04-13,,\n": (2, "USD"),
    b'Date,USD,\n2026-04-13,"1.1",\n': (2, "USD"),
    "Date,USD,\n2026-04-13,١.١,\n".encode(): (2, "USD"),
    b"Date,USD,\n2026-04-13,1.1\xff,\n": (2, "text"),
}


@pytest.mark.parametrize("data", WRONG)
def test_what_is_not_a_rates_file_is_a_fault_with_its_place(data: bytes) -> None:
    fault = the_fault(data)
    assert (fault.line, fault.column) == WRONG[data]
    assert str(fault).startswith(f"Line {fault.line}, {fault.column}: expected ")


def test_archives_with_two_files_or_damage_or_a_bomb_are_refused() -> None:
    assert "one .csv file" in str(the_fault(zipped(("a.csv", HISTORY), ("b.csv", HISTORY))))
    assert "one .csv file" in str(the_fault(zipped(("a.exe", HISTORY))))
    assert the_fault(b"PK\x03\x04 not an archive").column == "archive"
    whole = zipped(("a.csv", HISTORY * 50))
    assert the_fault(whole[: len(whole) // 2]).column == "archive"
    assert "unpacked" in str(the_fault(zipped(("a.csv", b"0" * 20_000_001))))


def test_a_file_with_many_faults_names_the_first_twenty() -> None:
    data = b"Date,USD,\n" + b"".join(b"2026-04-%02d,bad,\n" % d for d in range(1, 29))
    assert len(read_rates(data).faults) == 20


sheets = st.dictionaries(
    st.dates(date(1999, 1, 4), date(2100, 1, 1)),
    st.dictionaries(
        st.sampled_from(["USD", "CAD", "GBP", "JPY", "CHF"]),
        st.decimals("0.0001", "99999", places=4),
        min_size=1,
    ),
    min_size=1,
    max_size=6,
).map(lambda days: tuple(Sheet(0, d, r) for d, r in sorted(days.items())))


@given(sheets)
def test_what_is_written_is_read_back_the_same(made: tuple[Sheet, ...]) -> None:
    assert read_rates(history_file(made)) == (made, ())
    assert read_rates(daily_file(made[0])) == (made[:1], ())


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    reading = read_rates(data)
    assert reading.faults or reading.sheets


@given(st.integers(0, len(HISTORY) - 1), st.binary(max_size=3))
def test_a_history_with_bytes_changed_is_read_or_refused_whole(place: int, put: bytes) -> None:
    reading = read_rates(HISTORY[:place] + put + HISTORY[place + 1 :])
    assert reading.faults or 1 <= len(reading.sheets) <= 2
    for sheet in reading.sheets:
        assert all(rate > 0 and rate.is_finite() for rate in sheet.rates.values())


@given(st.integers(0, 200), st.binary(min_size=1, max_size=4))
def test_a_damaged_archive_never_breaks_the_reader(place: int, put: bytes) -> None:
    whole = zipped(("eurofxref-hist.csv", HISTORY))
    place %= len(whole)
    reading = read_rates(whole[:place] + put + whole[place + len(put) :])
    assert reading.faults or reading.sheets == read_rates(HISTORY).sheets or place < 2

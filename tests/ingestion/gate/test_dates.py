"""A document's day is read by declared forms only, and lands in a week that is open."""

from datetime import UTC, date, datetime

import pytest

from ingestion.gate.dates import DateRefused, DateWord, parse_date
from ingestion.layouts.mapping import Mapping, declared
from ingestion.layouts.sources import COST_LINES, PSLPLUS, VENDOR_INVOICES
from ledger.journal import period_of
from tests.ingestion.words import WEEK_2, WEEK_3, WEEK_4, vocabulary


def day_of(text: str, mapping: Mapping = COST_LINES, zone: str = "UTC") -> DateWord:
    return parse_date(text, mapping, vocabulary(time_zone=zone))


@pytest.mark.parametrize(
    "text",
    [
        "2026-1-4", "2026-02-30", "2026-13-01", "2026-00-10", "20260114", "14-01-2026",
        "2026/01/14", "01/14/2026", "26-01-14", "2026-01-14 ", "2026-01-14\n",
        "\uff12026-01-14", "2026-01-1\u0664", "Jan 14 2026", "46036", "2026-W03", "today",
        "0000-01-01", "", "2026-01-14T10:00:00",
        "2026-01-14T25:00:00Z", "2026-01-14T10:00:00+99:00", "2026-01-14T10:00:00 EST",
    ],
)  # fmt: skip
def test_a_day_in_another_form_than_declared_is_refused(text: str) -> None:
    with pytest.raises(DateRefused) as refused:
        day_of(text)
    assert refused.value.expected == "a date written YYYY-MM-DD"
    assert refused.value.fix


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:30:00-05:00"])
def test_a_moment_at_the_calendar_s_edge_is_refused_and_breaks_nothing(text: str) -> None:
    with pytest.raises(DateRefused):
        day_of(text)


def test_a_day_first_date_is_read_only_when_the_file_is_declared_so() -> None:
    european = declared(COST_LINES, date_format="%d/%m/%Y")
    assert day_of("03/02/2026", european).day == date(2026, 2, 3)
    assert day_of("03/02/2026", VENDOR_INVOICES).day == date(2026, 3, 2)
    with pytest.raises(DateRefused):
        day_of("2026-02-03", european)
    with pytest.raises(DateRefused):
        day_of("14/01/2026", VENDOR_INVOICES)


def test_american_days_and_months_may_be_written_without_a_leading_zero() -> None:
    assert day_of("1/4/2026", VENDOR_INVOICES).day == date(2026, 1, 4)


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2026-01-15T02:30:00Z", "America/Los_Angeles", date(2026, 1, 14)),
        ("2026-01-14T23:30:00-05:00", "UTC", date(2026, 1, 15)),
        ("2026-01-14 23:30+00:00", "UTC", date(2026, 1, 14)),
        ("2026-01-14T23:30:00.5Z", "Asia/Tokyo", date(2026, 1, 15)),
    ],
)
def test_a_moment_falls_on_the_production_s_local_day(text: str, zone: str, day: date) -> None:
    assert day_of(text, zone=zone).day == day


def test_a_moment_is_kept_with_the_zone_it_was_written_in() -> None:
    word = day_of("2026-01-14T23:30:00-05:00")
    assert word.occurred_at == datetime(2026, 1, 15, 4, 30, tzinfo=UTC)
    assert word.zone == "-05:00"
    assert day_of("2026-01-14") == DateWord(date(2026, 1, 14), WEEK_2, None, "")


def test_only_a_source_without_headers_may_leave_the_day_to_the_day_of_receipt() -> None:
    assert day_of("", PSLPLUS).day == date(2026, 1, 20)
    with pytest.raises(DateRefused):
        day_of("", VENDOR_INVOICES)


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2026, 1, 12), WEEK_2),
        (date(2026, 1, 18), WEEK_2),
        (date(2026, 1, 19), WEEK_3),
        (date(2025, 6, 1), WEEK_2),  # an option bought long before: the first week still open
        (date(2026, 3, 1), WEEK_4),  # trailing after wrap: the last week
    ],
)
def test_a_document_posts_to_its_own_week_if_open_else_to_the_nearest(day: date, week: int) -> None:
    assert period_of(day, vocabulary().periods) == week


def test_a_slip_of_the_year_is_refused_in_both_directions() -> None:
    for text in ("2062-01-14", "1926-01-14"):
        with pytest.raises(DateRefused) as refused:
            day_of(text)
        assert "a day between" in refused.value.expected
    assert day_of("2010-05-01").period_id == WEEK_2
    assert day_of("2027-01-31").period_id == WEEK_4


def test_without_an_open_period_no_day_is_accepted() -> None:
    words = vocabulary()
    words.periods = []
    with pytest.raises(DateRefused) as refused:
        parse_date("2026-01-14", COST_LINES, words)
    assert refused.value.expected == "an open period"

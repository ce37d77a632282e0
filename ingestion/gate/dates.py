"""Dates of documents: read by declared formats only, never guessed, placed in a period."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from ledger.journal import period_of

if TYPE_CHECKING:
    from ingestion.layouts.mapping import Mapping
    from ingestion.layouts.vocabulary import Vocabulary

# Documents may be older than the production (options, deposits) and may trail after wrap, but
# a date beyond these bounds is a slip of the keyboard.
OLDEST_YEARS = 20
LATEST_DAYS = 366

_SHAPES = {
    "%Y": r"\d{4}",
    "%m": r"\d{1,2}",
    "%d": r"\d{1,2}",
    "%y": r"\d{2}",
}
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(?P<zone>Z|[+-]\d{2}:\d{2})", re.ASCII
)


_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)


class DateWord(NamedTuple):
    """A document's day, the open period it posts to, and the moment and zone if it had them."""

    day: date
    period_id: int
    occurred_at: datetime | None
    zone: str
    is_stated: bool = True


class DateRefused(ValueError):
    """Not a date this file may use: what was expected, and what to do."""

    def __init__(self, expected: str, fix: str) -> None:
        super().__init__(expected)
        self.expected = expected
        self.fix = fix


def _in_words(form: str) -> str:
    """A format as people write it: YYYY-MM-DD."""
    for directive, word in (("%Y", "YYYY"), ("%m", "MM"), ("%d", "DD"), ("%y", "YY")):
        form = form.replace(directive, word)
    return form


def _fits(text: str, form: str) -> bool:
    # strptime alone takes '2025-3-4' for %Y-%m-%d, and other scripts' digits.
    shape = re.escape(form)
    for directive, pattern in _SHAPES.items():
        exact = r"\d{2}" if form.startswith("%Y-") and directive in {"%m", "%d"} else pattern
        shape = shape.replace(re.escape(directive), exact)
    return re.fullmatch(shape, text, re.ASCII) is not None


def plain_day(text: str, formats: tuple[str, ...]) -> date | None:
    """The day a text states in one of these forms, exactly; None when it states none."""
    for form in formats:
        if _fits(text, form):
            try:
                return datetime.strptime(text, form).date()  # noqa: DTZ007
            except ValueError:
                return None
    return None


def _moment(text: str, zone: str) -> tuple[datetime, str] | None:
    if zone and _LOCAL.fullmatch(text):
        return _zoned(text, zone)
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")), match["zone"]
    except ValueError:
        return None


def _zoned(text: str, zone: str) -> tuple[datetime, str] | None:
    """A time without an offset, in the zone declared for its source. An hour that a change of the
    clocks skips or repeats there is no moment that could be named."""
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        return None
    return (local, zone) if local.utcoffset() == local.replace(fold=1).utcoffset() else None


def _local_day(moment: datetime, zone: str) -> date | None:
    try:
        return moment.astimezone(ZoneInfo(zone)).date()
    except OverflowError:  # before the calendar's first day there, or after its last
        return None


def parse_date(text: str, mapping: "Mapping", words: "Vocabulary") -> DateWord:
    """The day a cell states. `words.periods` are the open ones as (starts, ends, id), in order.

    A moment with an offset becomes the production's local day; the moment is kept in UTC with
    its source zone. Raises DateRefused.
    """
    expected = "a date written " + " or ".join(map(_in_words, mapping.date_formats))
    if not text and mapping.is_positional:
        day: date | None = words.default_day
        moment = None
    else:
        moment = _moment(text, mapping.zone)
        day = (
            _local_day(moment[0], words.time_zone)
            if moment
            else plain_day(text, mapping.date_formats)
        )
    if day is None:
        raise DateRefused(expected, "write the date in that form, or declare the file's own form")
    if not words.periods:
        raise DateRefused("an open period", "open a period and resubmit")
    first, last = words.periods[0][0], words.periods[-1][1]
    oldest = first - timedelta(days=OLDEST_YEARS * 366)
    if not oldest <= day <= last + timedelta(days=LATEST_DAYS):
        raise DateRefused(
            f"a day between {oldest} and {last + timedelta(days=LATEST_DAYS)}",
            "correct the year",
        )
    period_id = period_of(day, words.periods)
    assert period_id is not None
    if moment is None:
        return DateWord(day, period_id, None, "", is_stated=bool(text))
    return DateWord(day, period_id, moment[0].astimezone(UTC), moment[1])

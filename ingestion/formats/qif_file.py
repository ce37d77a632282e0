"""QIF: one letter a line, records that end with a caret, dates in the order their writer has.

A QIF file names neither its currency nor, mostly, its account, and no day says which of its numbers
is the month. The form's own order is month first; where that gives a day the calendar does not
have, the whole file is refused until its order is declared, for its other days may be swapped.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from ingestion.formats.feeds import Feed, FeedLine, Place, amount_text, century, iso_day
from ingestion.formats.records import Reading, RejectedFile, Statement, no_records

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_AMOUNT = re.compile(r"([+-]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.([0-9]{1,12}))?", re.ASCII)
# 1/25/2026, 1/25/26, 1/25'26, 25.01.2026, 2026-01-25
_DAY = re.compile(r"\s*(\d{1,4})\s*[/.-]\s*(\d{1,2})\s*([/.'-])\s*(\d{1,4})\s*", re.ASCII)
_ACCOUNTS: Final = {"bank", "ccard", "cash", "oth a", "oth l"}
_ONCE = "DTNP"
ORDERS: Final = {"%m/%d/%Y": "month first", "%d/%m/%Y": "day first", "%Y-%m-%d": "year first"}


def read_qif(
    pieces: Iterable[bytes], encoding: str | None = None, date_format: str | None = None
) -> Reading:
    """Read a QIF file whole; `date_format` is the declared order of its days."""
    feed = Feed("qif", pieces)
    reader = _Reader(feed, encoding or "utf-8", date_format)
    for found in _LINE.finditer(feed.data):
        reader.take(found[0], found.start(), found.end())
    return reader.finish()


class _Reader:
    """Follows the sections of a file and gathers the records of those that are accounts."""

    def __init__(self, feed: Feed, encoding: str, date_format: str | None) -> None:
        self._feed = feed
        self._encoding = encoding
        self._order = date_format or "%m/%d/%Y"
        self._statement: Statement | None = None
        self._section = ""
        self._account = ""
        self._values: list[tuple[str, str]] = []
        self._start = -1
        self._skipped: dict[str, int] = {}

    def take(self, raw: bytes, start: int, end: int) -> None:
        text = raw.decode(self._encoding, "replace").lstrip("\ufeff").rstrip("\r\n\0\x1a ")
        if not text.strip():
            return
        if text.startswith("!"):
            self._refuse_open(start)
            self._begin(text)
        elif text == "^":
            self._end(end)
        else:
            if not self._section:
                raise self._broken(start, f"{text[:40]!r} stands before any !Type")
            if self._start < 0:
                self._start = start
            self._values.append((text[0].upper(), text[1:].strip()))

    def finish(self) -> Reading:
        self._refuse_open(len(self._feed.data))
        if not self._feed.statements:
            raise no_records("no account (!Type:Bank, !Type:CCard or !Type:Cash)")
        self._feed.notes.append(f"Dates are read {ORDERS.get(self._order, self._order)}.")
        self._feed.notes += [
            f"{count} records under !{section} are no lines of an account and are not read."
            for section, count in self._skipped.items()
        ]
        return self._feed.reading()

    def _broken(self, at: int, what: str) -> RejectedFile:
        return RejectedFile(
            "E_QIF",
            f"On line {self._feed.line_of(at)} {what}. Check that the export finished, and send "
            "the file again.",
        )

    def _refuse_open(self, at: int) -> None:
        if self._values:
            raise self._broken(at, "a record has not ended (^)")

    def _begin(self, text: str) -> None:
        kind, _, name = text[1:].partition(":")
        if kind.strip().lower() in {"option", "clear"}:
            return  # switches of the program that reads, not data
        self._section = text[1:].strip()[:40]
        self._statement = None
        if kind.strip().lower() == "type" and name.strip().lower() in _ACCOUNTS:
            self._statement = self._feed.open_statement()
            self._statement.account = self._account

    def _end(self, end: int) -> None:
        values, start = self._values, self._start
        self._values, self._start = [], -1
        if self._section.lower() == "account":
            self._account = next((value for key, value in values if key == "N"), "")
        elif self._statement is None:
            self._skipped[self._section] = self._skipped.get(self._section, 0) + 1
        elif values:
            self._line(self._statement, values, start, end)

    def _line(
        self, statement: Statement, values: list[tuple[str, str]], start: int, end: int
    ) -> None:
        said = dict(reversed(values))
        stated = said.get("T", said.get("U", ""))
        amount = _amount(stated)
        day = self._day(said.get("D", ""), start)
        line = FeedLine(
            booked_on=day or said.get("D", ""),
            amount=stated if amount is None else amount_text(amount),
            reference=said.get("N", ""),
            counterparty=said.get("P", ""),
            description=said.get("M", ""),
        )
        keys = [key for key, _ in values]
        code = None
        if any(keys.count(key) > 1 for key in _ONCE):
            code = "E_FIELD_COUNT"
        elif any("\ufffd" in text for text in line):
            code = "E_ENCODING_ROW"
        elif amount is None:
            code = "E_AMOUNT"
        elif not _splits_add_up(values, amount):
            code = "E_PARTS"
        elif day is None:
            code = "E_DATE"
        self._feed.add(statement, line, Place(start, end, code))

    def _day(self, text: str, at: int) -> str | None:
        found = _DAY.fullmatch(text)
        if found is None:
            return None
        first, second, mark, third = found.groups()
        if len(first) == 4:
            return iso_day(int(first), int(second), int(third))
        if len(third) not in {2, 4} or len(first) > 2:
            return None
        # An apostrophe before two digits is Quicken's sign for this century.
        year = int(third) if len(third) == 4 else century(third)
        year = 2000 + int(third) if mark == "'" and len(third) == 2 else year
        is_day_first = self._order.startswith("%d")
        month, day = (second, first) if is_day_first else (first, second)
        if int(month) > 12 and int(day) <= 12:
            raise RejectedFile(
                "E_DATE_ORDER",
                f"Line {self._feed.line_of(at)}: {text!r} is no day when read "
                f"{ORDERS.get(self._order, self._order)}, but is one the other way; so may be every"
                " day of the file. Declare the order of its dates (%d/%m/%Y or %m/%d/%Y) and "
                "import it again.",
            )
        return iso_day(year, int(month), int(day))


def _splits_add_up(values: list[tuple[str, str]], amount: Decimal) -> bool:
    """Whether the parts a record states ($) come to its amount, where it states any."""
    parts = [_amount(value) for key, value in values if key == "$"]
    if not parts:
        return True
    return None not in parts and sum(part or 0 for part in parts) == amount


def _amount(text: str) -> Decimal | None:
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return None
    sign, whole, decimals = found.groups()
    digits = whole.replace(",", "")
    if len(digits) > 15:
        return None
    return Decimal(f"{sign}{digits}.{decimals}" if decimals else f"{sign}{digits}")

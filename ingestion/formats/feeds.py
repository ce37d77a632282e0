"""What every bank's file comes down to: statements, their lines in one shape, and sums that agree.

A line's amount and days are given in one spelling (-1234.50, 2026-03-31) where the form's own
rules say without doubt what they are; else they stay as the bank wrote them and the record carries
a code. A control total, a count or a balance that does not come out rejects the whole file: then
nobody knows which line is missing.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ingestion.formats.records import (
    Reading,
    Record,
    RejectedFile,
    Statement,
    gather,
    no_records,
)

# A line's fields, in the order in which records of every bank's file have them.
FEED = (
    "statement",
    "booked_on",
    "value_on",
    "amount",
    "currency",
    "bank_id",
    "reference",
    "counterparty",
    "description",
)
_LINE_END = re.compile(rb"\r\n|\r|\n")
_BLANK = b"\xef\xbb\xbf \t\r\n\0\x1a"


class FeedLine(NamedTuple):
    """One line of a statement as its form's rules read it; `bank_id` is '' where a bank gives no
    number of its own that names this line and no other."""

    booked_on: str = ""
    value_on: str = ""
    amount: str = ""
    currency: str = ""
    bank_id: str = ""
    reference: str = ""
    counterparty: str = ""
    description: str = ""


class Place(NamedTuple):
    """Where a line stands in the file, and the code it is held under, if it is."""

    start: int
    end: int
    code: str | None


class Feed:
    """The statements and lines of one file while it is being read."""

    def __init__(self, form: str, pieces: Iterable[bytes]) -> None:
        self.form = form
        self.data = gather(pieces)
        self.statements: list[Statement] = []
        self.notes: list[str] = []
        self._records: list[Record] = []
        self._line_starts = [0, *(found.end() for found in _LINE_END.finditer(self.data))]
        if not self.data.strip(_BLANK):
            raise no_records("no bytes")

    def open_statement(self) -> Statement:
        """Begin the next statement."""
        self.statements.append(Statement(len(self.statements) + 1, self.form))
        return self.statements[-1]

    def add(self, statement: Statement, line: FeedLine, place: Place) -> None:
        """A line of the statement. Its amount counts for the sums even if the line is held for
        something else; one that cannot be read leaves them open."""
        statement.lines += 1
        if place.code == "E_PENDING":
            pass  # not booked: no balance holds it
        elif _PLAIN.fullmatch(line.amount):
            statement.total += Decimal(line.amount)
        else:
            statement.unread += 1
        fields = [str(statement.ordinal), *line]
        raw = self.data[place.start : place.end]
        self._records.append(
            Record(
                len(self._records) + 1, self.line_of(place.start), place.start, place.end, fields,
                place.code, raw,
            )
        )  # fmt: skip

    def line_of(self, offset: int) -> int:
        """The physical line, from 1, of a byte."""
        return bisect_right(self._line_starts, offset)

    def reading(self) -> Reading:
        """The file as read to its end."""
        if not self.statements:
            raise no_records("no bank statement")
        return Reading(self.form, list(FEED), iter(self._records), self.notes, self.statements)

    def check_balance(self, statement: Statement, where: str) -> None:
        """Opening balance and lines must come to the closing balance, where all are stated."""
        if statement.opening is None or statement.closing is None:
            return
        if statement.unread:
            self.notes.append(
                f"{where}: the balance is not proven, for the amount of {statement.unread} of its "
                f"{statement.lines} lines cannot be read."
            )
            return
        sums_to = statement.opening + statement.total
        if sums_to != statement.closing:
            raise control_total(
                where,
                f"opening balance {statement.opening:,f} and {statement.lines} lines "
                f"({statement.total:+,f}) come to {sums_to:,f}",
                f"a closing balance of {statement.closing:,f}",
            )


_PLAIN = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,12})?", re.ASCII)


def control_total(where: str, found: str, stated: str) -> RejectedFile:
    """A sum or count the bank states about its own file, and what it really comes to."""
    return RejectedFile(
        "E_CONTROL_TOTAL",
        f"{where}: {found}, but the file states {stated}. A line may be missing or doubled; fetch "
        "the statement from the bank again.",
    )


def day_in(form: re.Pattern[str], text: str) -> date | None:
    """The day a text states by year, month and day in this form, if it does and there is one."""
    found = form.fullmatch(text)
    day = iso_day(int(found[1]), int(found[2]), int(found[3])) if found else None
    return date.fromisoformat(day) if day else None


def iso_day(year: int, month: int, day: int) -> str | None:
    """The day as 2026-03-31; None where the calendar has no such day."""
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def century(two_digits: str) -> int:
    """A year of two digits: 80 to 99 are the last century's, as banks have them."""
    year = int(two_digits)
    return year + (1900 if year >= 80 else 2000)


def amount_text(amount: Decimal) -> str:
    """An amount in the one spelling lines have."""
    text = f"{amount:f}"
    return text.removeprefix("-") if not amount else text

"""BAI2: 01 file > 02 group > 03 account > 16 transaction, each with its trailer of totals.

Amounts are whole numbers in the currency's smallest coin. A record goes on in 88 records. The
totals and counts of 49, 98 and 99 are added up and compared: one that differs, or an amount that
cannot be added, rejects the file. Opening and closing ledger (010, 015) may state more than the
details a bank chose to send; where they do, that is noted.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from ingestion.formats.feeds import (
    Feed,
    FeedLine,
    Place,
    amount_text,
    century,
    control_total,
    iso_day,
)
from ingestion.formats.records import Reading, RejectedFile, Statement
from taxonomy.currencies import MINOR_UNITS

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_DAY = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})", re.ASCII)
_CODES = ("01", "02", "03", "16", "49", "88", "98", "99")
# How many fields each kind of availability has after it; D says so itself.
_FUNDS: Final = {"V": 2, "S": 3}
_OPENING, _CLOSING = "010", "015"


class _Logical(NamedTuple):
    """A record with its continuations: the first line's fields, what goes on, and its bytes."""

    code: str
    text: str
    more: list[str]
    start: int
    end: int

    @property
    def fields(self) -> list[str]:
        """All fields, those of the continuations behind the record's own."""
        return [part for text in (self.text, *self.more) for part in text.split(",")]


@dataclass(slots=True)
class _Level:
    """What has been added up for one account, group or file, and where it began."""

    total: int = 0
    records: int = 0
    parts: int = 0
    fields: list[str] = field(default_factory=list)


def read_bai2(pieces: Iterable[bytes]) -> Reading:
    """Read a BAI2 file whole, its control totals and counts proven."""
    feed = Feed("bai2", pieces)
    reader = _Reader(feed)
    for record in _logical(feed):
        reader.take(record)
    return reader.finish()


def _broken(feed: Feed, at: int, what: str) -> RejectedFile:
    return RejectedFile(
        "E_BAI2",
        f"On line {feed.line_of(at)} {what}. Check that the transmission finished, and fetch the "
        "file from the bank again.",
    )


def _logical(feed: Feed) -> Iterator[_Logical]:
    held: _Logical | None = None
    for found in _LINE.finditer(feed.data):
        # Which encoding a bank writes text in is not said in the file: the first half of Latin-1
        # is ASCII, and each byte is a character, so none is lost.
        text = found[0].decode("latin-1").removeprefix("\xef\xbb\xbf").rstrip("\r\n\t \0\x1a")
        if not text:
            continue
        code, comma, rest = text.partition(",")
        if code not in _CODES or not comma:
            raise _broken(feed, found.start(), f"{text[:40]!r} is no record of a BAI2 file")
        rest = rest.removesuffix("/")
        if code != "88":
            if held is not None:
                yield held
            held = _Logical(code, rest, [], found.start(), found.end())
        elif held is None:
            raise _broken(feed, found.start(), "a continuation (88) has nothing before it")
        else:
            held.more.append(rest)
            held = held._replace(end=found.end())
    if held is not None:
        yield held


class _Reader:
    """Follows the levels of a file and proves each at its trailer."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._file: _Level | None = None
        self._group: _Level | None = None
        self._account: _Level | None = None
        self._statement: Statement | None = None
        self._units = 2
        self._is_done = False

    def take(self, record: _Logical) -> None:
        if self._is_done:
            raise _broken(self._feed, record.start, "a record stands after the file's trailer (99)")
        for level in (self._file, self._group, self._account):
            if level is not None:
                level.records += 1 + len(record.more)
        {
            "01": self._begin_file, "02": self._begin_group, "03": self._begin_account,
            "16": self._transaction, "49": self._end_account, "98": self._end_group,
            "99": self._end_file,
        }[record.code](record)  # fmt: skip

    def finish(self) -> Reading:
        if not self._is_done:
            raise _broken(
                self._feed, len(self._feed.data), "the file ends without its trailer (99)"
            )
        return self._feed.reading()

    def _expect(self, record: _Logical, what: str, *, met: bool) -> None:
        if not met:
            raise _broken(self._feed, record.start, f"a {record.code} record stands {what}")

    def _begin_file(self, record: _Logical) -> None:
        self._expect(record, "inside a file", met=self._file is None)
        self._file = _Level(records=1 + len(record.more), fields=record.fields)

    def _begin_group(self, record: _Logical) -> None:
        is_between = self._file is not None and self._group is None
        self._expect(record, "where no group can begin", met=is_between)
        fields = record.fields
        status = fields[2] if len(fields) > 2 else ""
        if status in {"2", "4"}:
            kind = "a deletion" if status == "2" else "a test"
            raise RejectedFile(
                "E_BANK_STATUS",
                f"The group on line {self._feed.line_of(record.start)} is {kind} (status {status}),"
                " which states nothing that happened. Ask the bank for the statement itself.",
            )
        self._group = _Level(records=1 + len(record.more), fields=fields)

    def _begin_account(self, record: _Logical) -> None:
        is_between = self._group is not None and self._account is None
        self._expect(record, "where no account can begin", met=is_between)
        assert self._group is not None
        fields = record.fields
        group = [*self._group.fields, *[""] * 7]
        statement = self._statement = self._feed.open_statement()
        statement.account = fields[0].strip()
        # Where neither says a currency the form means US dollars.
        statement.currency = [*fields[1:2], ""][0].strip() or group[5].strip() or "USD"
        units = MINOR_UNITS.get(statement.currency)
        if units is None:
            raise RejectedFile(
                "E_CURRENCY",
                f"The account on line {self._feed.line_of(record.start)} is in "
                f"{statement.currency[:40]!r}, which is no currency in use; its amounts cannot be "
                "read. Ask the bank for a file with the currency's code.",
            )
        self._units = units
        day = _day(group[3])
        statement.from_day = statement.to_day = date.fromisoformat(day) if day else None
        self._account = _Level(records=1 + len(record.more))
        self._summaries(record, fields[2:], statement)

    def _summaries(self, record: _Logical, fields: list[str], statement: Statement) -> None:
        """Status and summary amounts of an account: type, amount, count, availability."""
        assert self._account is not None
        at = 0
        while at < len(fields):
            kind, stated, _, funds = (fields[at : at + 4] + [""] * 4)[:4]
            amount = self._whole(record, stated)
            self._account.total += amount
            if stated and kind == _OPENING:
                statement.opening = self._major(amount)
            elif stated and kind == _CLOSING:
                statement.closing = self._major(amount)
            at += 4 + _fund_fields(funds, fields[at + 4 :])

    def _transaction(self, record: _Logical) -> None:
        self._expect(record, "outside an account", met=self._account is not None)
        assert self._account is not None
        assert self._statement is not None
        assert self._group is not None
        fields, rest = record.text.split(","), list(record.more)
        while rest and len(fields) < 3 + _fund_fields((fields + [""] * 3)[2], fields[3:]) + 3:
            fields += rest.pop(0).split(",")
        kind, stated, funds = (fields + [""] * 3)[:3]
        after = 3 + _fund_fields(funds, fields[3:])
        bank_ref, customer_ref = (part.strip() for part in [*fields[after:], "", ""][:2])
        text = " ".join([",".join(fields[after + 2 :]).strip(), *(more.strip() for more in rest)])
        amount = self._whole(record, stated)
        self._account.total += amount
        sign = _sign_of(kind)
        day = _day((self._group.fields + [""] * 4)[3])
        line = FeedLine(
            booked_on=day or (self._group.fields + [""] * 4)[3],
            value_on=(_day(fields[3]) or fields[3]) if funds == "V" and len(fields) > 3 else "",
            # A type that says neither credit nor debit leaves the amount to a person.
            amount=amount_text(sign * self._major(amount)) if stated and sign else "",
            currency=self._statement.currency,
            reference=customer_ref or bank_ref,
            description=" ".join(
                part for part in (text.strip(), bank_ref if customer_ref else "") if part
            ),
        )
        code = "E_BANK_CODE" if not sign else None if stated else "E_AMOUNT"
        if code is None and day is None:
            code = "E_DATE"
        self._feed.add(self._statement, line, Place(record.start, record.end, code))

    def _whole(self, record: _Logical, text: str) -> int:
        text = text.strip()
        if not text:
            return 0
        if not _WHOLE.fullmatch(text):
            raise _broken(
                self._feed, record.start,
                f"the amount {text[:40]!r} is no whole number, so the control totals cannot be "
                "proven",
            )  # fmt: skip
        return int(text)

    def _major(self, amount: int) -> Decimal:
        return Decimal(amount).scaleb(-self._units)

    def _end_account(self, record: _Logical) -> None:
        self._expect(record, "outside an account", met=self._account is not None)
        assert self._account is not None
        assert self._statement is not None
        self._prove(record, self._account, "account", None)
        self._note_balance(self._statement)
        assert self._group is not None
        self._group.total += self._account.total
        self._group.parts += 1
        self._account = self._statement = None

    def _note_balance(self, statement: Statement) -> None:
        if statement.opening is None or statement.closing is None or statement.unread:
            return
        sums_to = statement.opening + statement.total
        if statement.lines and sums_to != statement.closing:
            self._feed.notes.append(
                f"Account {statement.account}: opening ledger and the {statement.lines} details "
                f"come to {sums_to:,f}, the closing ledger is {statement.closing:,f}: the bank "
                "has not sent every detail."
            )

    def _end_group(self, record: _Logical) -> None:
        is_here = self._group is not None and self._account is None
        self._expect(record, "where no group can end", met=is_here)
        assert self._group is not None
        assert self._file is not None
        self._prove(record, self._group, "group", "accounts")
        self._file.total += self._group.total
        self._file.parts += 1
        self._group = None

    def _end_file(self, record: _Logical) -> None:
        is_here = self._file is not None and self._group is None
        self._expect(record, "where no file can end", met=is_here)
        assert self._file is not None
        self._prove(record, self._file, "file", "groups")
        self._is_done = True

    def _prove(self, record: _Logical, level: _Level, name: str, parts: str | None) -> None:
        """A trailer's total and counts against what was added up."""
        stated = record.fields
        where = f"The {record.code} record on line {self._feed.line_of(record.start)}"
        total = self._whole(record, stated[0])
        if stated[0].strip() and total != level.total:
            raise control_total(where, f"the amounts of the {name} come to {level.total}",
                                f"a control total of {total}")  # fmt: skip
        counts = [(f"records of the {name}", level.records)]
        if parts:
            counts.insert(0, (parts, level.parts))
        for (what, counted), text in zip(counts, stated[1:], strict=False):
            if not text.strip():
                continue
            if not _COUNT.fullmatch(text.strip()) or int(text) != counted:
                raise control_total(where, f"there are {counted} {what}", text.strip()[:40])


def _fund_fields(kind: str, rest: list[str]) -> int:
    if kind == "D":
        count = rest[0] if rest else ""
        return 1 + 2 * int(count) if _COUNT.fullmatch(count) and len(count) < 4 else 1
    return _FUNDS.get(kind, 0)


def _sign_of(kind: str) -> int:
    """1 for a credit, -1 for a debit, 0 for a type that does not say."""
    number = int(kind) if _COUNT.fullmatch(kind) and len(kind) == 3 else 0
    if 100 <= number < 400 or 920 <= number < 960:
        return 1
    return -1 if 400 <= number < 700 or 960 <= number < 1000 else 0


def _day(text: str) -> str | None:
    found = _DAY.fullmatch(text.strip())
    return iso_day(century(found[1]), int(found[2]), int(found[3])) if found else None

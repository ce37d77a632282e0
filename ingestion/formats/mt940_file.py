"""MT940: one message a statement, with the ways ABN AMRO, Rabobank and the Sparkassen write it.

A line is :61: with its :86:. Its first day is the value day; the day it was booked follows without
a year, which is the value day's or, over New Year, the one beside it. Opening balance and lines
must come to the closing balance of every message.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from ingestion.formats.feeds import Feed, FeedLine, Place, amount_text, century, iso_day
from ingestion.formats.records import Reading, RejectedFile, Statement, no_records

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_TAG = re.compile(r":(\d{2}[A-Z]?):(.*)", re.DOTALL)
_ENVELOPE = re.compile(r"(?:\{[1-5]:[^{}]*\}?)+|\{4:", re.DOTALL)
_BALANCE = re.compile(r"([CD])(\d{6})([A-Z]{3})(\d{1,15}(?:,\d{0,12})?)", re.ASCII)
# value day, booking day, mark, third letter of the currency, amount, type, references
_LINE_61 = re.compile(
    r"(?P<value>\d{6})(?P<booked>\d{4})?(?P<mark>R?[CD]|E[CD])(?P<letter>[A-Z])?"
    r"(?P<amount>\d{1,15}(?:,\d{0,12})?)(?P<type>[NFS][A-Z0-9]{3})(?P<rest>.*)",
    re.ASCII | re.DOTALL,
)
_SUBFIELD = re.compile(r"\?(\d{2})")
# What :86: calls the purpose of a payment, and the other party's name.
_PURPOSE = {f"{n}" for n in (*range(20, 30), *range(60, 64))}
_NAMES = {"32", "33"}
_SLASHED = re.compile(r"/(NAME|REMI|EREF|BENM|ORDP|IBAN|BIC|ISDT|MARF|CSID|TRTP|RTRN|PREF)/")
_FULL_LINE = 65


class _Field(NamedTuple):
    """A tag with its lines, and where they stand."""

    tag: str
    lines: list[str]
    start: int
    end: int

    @property
    def text(self) -> str:
        return "".join(self.lines)


def read_mt940(pieces: Iterable[bytes], encoding: str | None = None) -> Reading:
    """Read an MT940 file whole; `encoding` is what was declared of it, else UTF-8."""
    feed = Feed("mt940", pieces)
    reader = _Reader(feed)
    for one in _fields(feed, encoding or "utf-8"):
        reader.take(one)
    return reader.finish()


def _fields(feed: Feed, encoding: str) -> Iterator[_Field]:
    """The tags of the file. What stands before the first :20: is the bank's envelope."""
    held: _Field | None = None
    begun = False
    for found in _LINE.finditer(feed.data):
        text = found[0].decode(encoding, "replace").lstrip("\ufeff").rstrip("\r\n\0\x1a")
        text = text if begun and not text.startswith("{") else _ENVELOPE.sub("", text)
        tag = _TAG.fullmatch(text)
        is_end = text.strip() in {"-", "-}"} or text.startswith("-}")
        begun = begun or (tag is not None and tag[1] == "20")
        if not begun:
            continue
        if tag is not None or is_end:
            if held is not None:
                yield held
            held = None
        if tag is not None:
            held = _Field(tag[1], [tag[2]], found.start(), found.end())
        elif is_end:
            yield _Field("-", [], found.start(), found.end())
            begun = False
        elif held is not None and text.strip():
            held.lines.append(text)
            held = held._replace(end=found.end())
    if held is not None:
        yield held


class _Reader:
    """Gathers messages and their lines."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._statement: Statement | None = None
        self._line: _Field | None = None
        self._said: _Field | None = None

    def take(self, one: _Field) -> None:
        if one.tag == "86" and self._line is not None and self._said is None:
            self._said = one
            return
        self._settle()
        if one.tag == "20":
            self._close()
            self._statement = self._feed.open_statement()
            return
        if one.tag == "-":
            self._close()
            return
        statement = self._statement
        assert statement is not None
        if one.tag == "25":
            statement.account = one.text.strip()
        elif one.tag in {"28", "28C"}:
            statement.number = one.text.strip()
        elif one.tag in {"60F", "60M"}:
            statement.opening, statement.from_day = self._balance(one, statement)
        elif one.tag in {"62F", "62M"}:
            statement.closing, statement.to_day = self._balance(one, statement)
        elif one.tag == "61":
            self._line = one

    def finish(self) -> Reading:
        self._settle()
        self._close()
        if not self._feed.statements:
            raise no_records("no MT940 message (it begins with :20:)")
        return self._feed.reading()

    def _close(self) -> None:
        if self._statement is None:
            return
        statement = self._statement
        where = f"Statement {statement.number} of account {statement.account}"
        if statement.opening is None or statement.closing is None:
            lacking = ":60F:" if statement.opening is None else ":62F:"
            raise RejectedFile(
                "E_MT940",
                f"{where} has no balance {lacking}: the message is cut short. Fetch the statement "
                "from the bank again.",
            )
        self._feed.check_balance(statement, where)
        self._statement = None

    def _balance(self, one: _Field, statement: Statement) -> tuple[Decimal, date | None]:
        found = _BALANCE.fullmatch(one.text.strip())
        if found is None:
            raise RejectedFile(
                "E_MT940",
                f"On line {self._feed.line_of(one.start)} the balance {one.text.strip()[:40]!r} "
                "is not written as C or D, a day, a currency and an amount. Fetch the statement "
                "from the bank again.",
            )
        if statement.currency and statement.currency != found[3]:
            raise RejectedFile(
                "E_CURRENCY",
                f"On line {self._feed.line_of(one.start)} the balance is in {found[3]}, the one "
                f"before it in {statement.currency}. Fetch the statement from the bank again.",
            )
        statement.currency = found[3]
        day = _day(found[2])
        amount = _amount(found[4])
        return (amount if found[1] == "C" else -amount), date.fromisoformat(day) if day else None

    def _settle(self) -> None:
        """Take the line that was begun, with what its :86: says."""
        if self._line is None:
            return
        assert self._statement is not None
        said, line = self._said, self._line
        self._line = self._said = None
        end = said.end if said else line.end
        parsed, code = _parsed(line, said, self._statement.currency)
        self._feed.add(self._statement, parsed, Place(line.start, end, code))


def _parsed(line: _Field, said: _Field | None, currency: str) -> tuple[FeedLine, str | None]:
    name, words = _information(said.lines if said else [])
    found = _LINE_61.fullmatch(line.lines[0].rstrip())
    if found is None:
        words = " ".join(filter(None, (line.lines[0].strip(), words)))
        return FeedLine(currency=currency, counterparty=name, description=words), "E_AMOUNT"
    value = _day(found["value"])
    booked = _booked(found["value"], found["booked"]) if found["booked"] else value
    customer, _, bank = found["rest"].partition("//")
    amount = _amount(found["amount"])
    # A reversed credit (RC) takes away, a reversed debit (RD) gives back.
    is_credit = found["mark"] in {"C", "RD", "EC"}
    reference = "" if customer.strip() == "NONREF" else customer.strip()
    more = " ".join(part.strip() for part in line.lines[1:])
    parsed = FeedLine(
        booked_on=booked or found["booked"] or found["value"],
        value_on=value or found["value"],
        amount=amount_text(amount if is_credit else -amount),
        currency=currency,
        reference=reference or bank.strip(),
        counterparty=name,
        description=" ".join(
            filter(None, (words, more, bank.strip() if reference else "")),
        ),
    )
    code = None
    if found["mark"].startswith("E"):
        code = "E_PENDING"
    elif any("\ufffd" in text for text in parsed):
        code = "E_ENCODING_ROW"
    elif value is None or booked is None:
        code = "E_DATE"
    return parsed, code


def _booked(value: str, booked: str) -> str | None:
    """The booking day, whose year is not written: the one nearest to the value day."""
    year, month = century(value[:2]), int(value[2:4])
    booked_month = int(booked[:2])
    if booked_month - month > 6:
        year -= 1
    elif month - booked_month > 6:
        year += 1
    return iso_day(year, booked_month, int(booked[2:]))


def _day(text: str) -> str | None:
    return iso_day(century(text[:2]), int(text[2:4]), int(text[4:]))


def _amount(text: str) -> Decimal:
    whole, _, decimals = text.partition(",")
    return Decimal(f"{whole}.{decimals}") if decimals else Decimal(whole)


def _information(lines: list[str]) -> tuple[str, str]:
    """(other party, what the payment is for) out of :86:, structured or free.

    A line is broken wherever it is full: what follows goes on in the same word. Free text that
    ends early ends a word.
    """
    if not lines:
        return "", ""
    text = lines[0]
    is_structured = "?" in text and _SUBFIELD.search(text) is not None
    for before, after in pairwise(lines):
        goes_on = is_structured or len(before) >= _FULL_LINE or _SLASHED.search(text)
        text += after if goes_on else f" {after}"
    if is_structured:
        return _structured(text)
    if _SLASHED.search(text):
        return _slashed(text)
    return "", " ".join(text.split())


def _structured(text: str) -> tuple[str, str]:
    head, *parts = _SUBFIELD.split(text)
    fields = list(zip(parts[::2], parts[1::2], strict=True))
    name = "".join(value for key, value in fields if key in _NAMES)
    kind = next((value for key, value in fields if key == "00"), "")
    purpose = "".join(value for key, value in fields if key in _PURPOSE)
    said = [" ".join(words.split()) for words in (kind, purpose)]
    return " ".join(name.split()), " ".join(filter(None, said)) or head.strip()


def _slashed(text: str) -> tuple[str, str]:
    _, *parts = _SLASHED.split(text)
    fields = dict(zip(parts[::2], parts[1::2], strict=True))
    said = (fields.get("REMI", ""), fields.get("EREF", ""))
    words = " ".join(" ".join(part.strip("/ ").split()) for part in said if part.strip("/ "))
    return " ".join(fields.get("NAME", "").strip("/").split()), words

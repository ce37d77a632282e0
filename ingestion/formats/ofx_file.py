"""OFX and QFX, both dialects: the SGML of version 1 and the XML of version 2.

One reader for both, over the bytes: banks write XML headers above SGML and leave values of one
file closed and of the next open. Nothing is expanded but the five signs every markup has; a
document type is refused. FITID names a line; the sign of TRNAMT is the sign for the account.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from ingestion.formats.feeds import Feed, FeedLine, Place, amount_text, day_in
from ingestion.formats.records import Reading, RejectedFile, Statement, no_records

MAX_DEPTH: Final = 64

_TOKEN = re.compile(
    rb"<!--.*?-->|<!\[CDATA\[(?P<cdata>.*?)\]\]>|<\?[^>]*>"
    rb"|<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9_.:-]{0,60})\s*/?>",
    re.DOTALL,
)
_FORBIDDEN = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ROOT = re.compile(rb"<OFX\s*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(lt|gt|amp|quot|apos|nbsp|#[0-9]{1,6});")
_SIGNS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'", "nbsp": " "}
_DAY = re.compile(
    r"(\d{4})(\d{2})(\d{2})(?:\d{4}(?:\d{2}(?:\.\d{1,6})?)?)?(?:\s*\[[^\]]{1,20}\])?", re.ASCII
)
_AMOUNT = re.compile(r"([+-]?)([0-9]{1,40})(?:[.,]([0-9]{1,12}))?", re.ASCII)
_STATEMENTS = {"STMTRS", "CCSTMTRS", "INVSTMTRS"}
_ACCOUNTS = {"BANKACCTFROM", "CCACCTFROM", "INVACCTFROM"}
# What stands inside a transaction and says something of another currency or account.
_INNER = {"CURRENCY", "ORIGCURRENCY", "BANKACCTTO", "CCACCTTO", "PAYEE"}
_ONCE = ("DTPOSTED", "TRNAMT", "FITID")


class _Event(NamedTuple):
    """An element begins, ends, or is a value; `at` is its first byte, `end` the one after it."""

    kind: str
    name: str
    value: str
    at: int
    end: int


def read_ofx(pieces: Iterable[bytes]) -> Reading:
    """Read an OFX or QFX file whole: every STMTTRN of every account statement in it."""
    feed = Feed("ofx", pieces)
    if _FORBIDDEN.search(feed.data):
        raise RejectedFile(
            "E_XML_DTD",
            "The file declares a document type or an entity, which no bank's file needs. "
            "Export it from the bank again.",
        )
    root = _ROOT.search(feed.data)
    if root is None:
        raise _broken(feed, 0, "there is no <OFX> element in it")
    reader = _Reader(feed)
    for event in _events(feed, root.start(), _encoding(feed.data[: root.start()])):
        reader.take(event)
    return reader.finish()


def _encoding(head: bytes) -> str:
    stated = head.upper()
    if b"<?XML" in stated or b"ENCODING:U" in stated.replace(b"ENCODING:USASCII", b""):
        return "utf-8"
    # OFXHEADER:100 says CHARSET:1252 or nothing; plain ASCII reads alike in both.
    return "cp1252" if b"CHARSET:1252" in stated else "utf-8"


def _broken(feed: Feed, at: int, what: str) -> RejectedFile:
    return RejectedFile(
        "E_OFX",
        f"The file is not well-formed OFX: on line {feed.line_of(at)} {what}. "
        "Check that the export finished, and fetch it from the bank again.",
    )


def _text(raw: bytes, encoding: str) -> str:
    # What the declared encoding cannot say is marked; the line is then held.
    text = raw.decode(encoding, "replace").strip()
    return _ENTITY.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    name = found[1]
    if name.startswith("#"):
        code = int(name[1:])
        return chr(code) if 31 < code < 0xD800 else found[0]
    return _SIGNS[name]


def _events(feed: Feed, start: int, encoding: str) -> Iterator[_Event]:
    """The elements as they come. A tag with text after it is a value, closed or not; one with
    nothing after it that is not closed at once is an aggregate, or an SGML value left blank."""
    data = feed.data
    stack: list[str] = []
    pending: tuple[str, int] | None = None
    text = b""
    at = start
    for token in _TOKEN.finditer(data, start):
        text += data[at : token.start()]
        at = token.end()
        if token["cdata"] is not None:
            text += token["cdata"].replace(b"&", b"&amp;")
        if token["name"] is None:
            continue
        name = token["name"].decode("ascii").upper()
        if pending is None and text.strip(b" \t\r\n"):
            raise _broken(feed, token.start(), f"text stands outside any value before {name}")
        if not token["close"]:
            if pending is not None:
                yield from _opened(pending, text, encoding, token.start(), stack)
            pending = (name, token.start())
            if len(stack) > MAX_DEPTH:
                raise RejectedFile(
                    "E_XML_DEPTH", f"Elements are nested more than {MAX_DEPTH} deep, as no bank's "
                    "file is. Export it from the bank again.",
                )  # fmt: skip
        else:
            if pending is not None:
                yield _Event("value", pending[0], _text(text, encoding), pending[1], token.end())
            if pending is None or pending[0] != name:
                yield from _closed(feed, name, token, stack)
            pending = None
        text = b""
    rest = text + data[at:]
    if stack or pending is not None:
        open_name = stack[0] if stack else str(pending and pending[0])
        raise _broken(feed, len(data), f"the file ends inside {open_name}")
    if rest.strip(b" \t\r\n\0\x1a"):
        raise _broken(feed, len(data), "text stands after the end of OFX")


def _opened(
    pending: tuple[str, int], text: bytes, encoding: str, end: int, stack: list[str]
) -> Iterator[_Event]:
    name, start = pending
    value = _text(text, encoding)
    if value:
        yield _Event("value", name, value, start, end)
    else:
        stack.append(name)
        yield _Event("start", name, "", start, end)


def _closed(feed: Feed, name: str, token: re.Match[bytes], stack: list[str]) -> Iterator[_Event]:
    if name not in stack:
        raise _broken(feed, token.start(), f"</{name}> closes what was never opened")
    while stack:
        inner = stack.pop()
        # What is closed from outside was a value left blank, and had nothing in it.
        yield _Event("end", inner, "", token.start(), token.end())
        if inner == name:
            return


class _Reader:
    """Gathers statements and transactions from the elements."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._statement: Statement | None = None
        self._open: list[str] = []
        self._account: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._started = -1
        self._status: dict[str, str] = {}
        self._errors: list[str] = []
        self._investments = 0

    def take(self, event: _Event) -> None:
        if event.kind == "start":
            self._open.append(event.name)
            self._begin(event)
        elif event.kind == "end":
            self._open.pop()
            self._end(event)
        elif event.name == "STMTTRN":
            # <STMTTRN></STMTTRN>: a transaction that says nothing is still one.
            self._begin(event)
            self._end(event)
        else:
            self._value(event)

    def finish(self) -> Reading:
        feed = self._feed
        if self._errors and not feed.statements:
            raise RejectedFile(
                "E_BANK_ERROR",
                f"The bank's answer is an error, not a statement: {self._errors[0]}. "
                "Fetch the statement again when the bank has settled it.",
            )
        if not feed.statements:
            raise no_records("no account statement")
        feed.notes += [f"The bank says of one account: {error}." for error in self._errors]
        if self._investments:
            feed.notes.append(
                f"{self._investments} investment transactions are no lines of a bank account and "
                "are not read."
            )
        return feed.reading()

    def _begin(self, event: _Event) -> None:
        if event.name in _STATEMENTS:
            self._statement = self._feed.open_statement()
        elif event.name == "STMTTRN":
            if self._started >= 0:
                raise _broken(self._feed, event.at, "a transaction begins inside another")
            if self._statement is None:
                raise _broken(self._feed, event.at, "a transaction stands outside any statement")
            self._values, self._counts, self._started = {}, Counter(), event.at
        elif event.name in _ACCOUNTS:
            self._account = {}
        elif event.name == "STATUS":
            self._status = {}
        elif event.name == "INVTRAN":
            self._investments += 1

    def _end(self, event: _Event) -> None:
        if event.name == "STMTTRN":
            self._transaction(event.end)
            self._started = -1
        elif event.name in _STATEMENTS:
            self._statement = None
        elif event.name in _ACCOUNTS and self._statement is not None and self._started < 0:
            bank = self._account.get("BANKID") or self._account.get("BROKERID") or ""
            number = self._account.get("ACCTID", "")
            self._statement.account = f"{bank}/{number}" if bank else number
        elif event.name == "STATUS" and self._status.get("SEVERITY", "").upper() == "ERROR":
            said = (self._status.get("CODE", ""), self._status.get("MESSAGE", ""))
            self._errors.append(" ".join(filter(None, said))[:300])

    def _value(self, event: _Event) -> None:
        parent = self._open[-1] if self._open else ""
        if self._started >= 0:
            within = next((name for name in reversed(self._open) if name in _INNER), "")
            key = f"{within}.{event.name}" if within else event.name
            self._counts[key] += 1
            self._values.setdefault(key, event.value)
        elif parent == "STATUS":
            self._status[event.name] = event.value
        elif parent in _ACCOUNTS:
            self._account[event.name] = event.value
        elif self._statement is not None:
            self._fact(self._statement, parent, event)

    def _fact(self, statement: Statement, parent: str, event: _Event) -> None:
        if event.name == "CURDEF":
            statement.currency = event.value.upper()
        elif event.name == "DTSTART":
            statement.from_day = _date(event.value)
        elif event.name == "DTEND":
            statement.to_day = _date(event.value)
        elif event.name == "BALAMT" and parent == "LEDGERBAL" and event.value:
            balance = _amount(event.value)
            if balance is None:
                where = f"Line {self._feed.line_of(event.at)}"
                self._feed.notes.append(f"{where}: balance {event.value[:40]!r} cannot be read.")
            statement.closing = balance

    def _transaction(self, end: int) -> None:
        said = self._values
        assert self._statement is not None
        amount, day = _amount(said.get("TRNAMT", "")), _date(said.get("DTPOSTED", ""))
        currency = said.get("CURRENCY.CURSYM", "").upper() or self._statement.currency
        line = FeedLine(
            booked_on=day.isoformat() if day else said.get("DTPOSTED", ""),
            value_on=_day_text(said.get("DTAVAIL", "")),
            amount=said.get("TRNAMT", "") if amount is None else amount_text(amount),
            currency=currency,
            bank_id=said.get("FITID", ""),
            reference=said.get("CHECKNUM", "").strip("0") and said["CHECKNUM"],
            counterparty=said.get("NAME", "") or said.get("PAYEE.NAME", ""),
            description=said.get("MEMO", ""),
        )
        code = None
        if any(self._counts[name] > 1 for name in _ONCE):
            code = "E_FIELD_COUNT"
        elif any("\ufffd" in value for value in line):
            code = "E_ENCODING_ROW"
        elif amount is None:
            code = "E_AMOUNT"
        elif day is None:
            code = "E_DATE"
        self._feed.add(self._statement, line, Place(self._started, end, code))


def _amount(text: str) -> Decimal | None:
    found = _AMOUNT.fullmatch(text)
    if found is None or len(found[2].lstrip("0")) > 15:
        return None
    text = f"{found[1]}{found[2]}"
    return Decimal(f"{text}.{found[3]}" if found[3] else text)


def _date(text: str) -> date | None:
    return day_in(_DAY, text)


def _day_text(text: str) -> str:
    day = _date(text)
    return day.isoformat() if day else text

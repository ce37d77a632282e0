"""camt.052, .053 and .054: a bank's report, statement or notification in XML (ISO 20022).

One line an entry (Ntry). Only what is booked is taken: a pending entry is held under E_PENDING and
comes again when it is. The summary of entries is added up and compared, and so are opening and
closing booked balance; AcctSvcrRef names an entry.
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

from ingestion.formats.feeds import Feed, FeedLine, Place, amount_text, control_total, day_in
from ingestion.formats.records import Reading, RejectedFile, Statement
from ingestion.formats.xml_file import XINCLUDE, ScreenedParser

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.05([234])\.001\.\d{2}\}Document")
_HOLDERS: Final = {"Stmt", "Rpt", "Ntfctn"}
_AMOUNT = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,5})?", re.ASCII)
_SUM = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,17})?", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,15}", re.ASCII)
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T[0-9:.]{5,20})?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)
_TX = "NtryDtls/TxDtls"
_SUMMARIES = (("TtlNtries", ""), ("TtlCdtNtries", "CRDT"), ("TtlDbtNtries", "DBIT"))

Values = dict[str, list[str]]


def is_camt(root: str) -> bool:
    """Whether a document's root element is one this file reads."""
    return _NAMESPACE.fullmatch(root) is not None


def read_camt(pieces: Iterable[bytes]) -> Reading:
    """Read a camt file whole."""
    feed = Feed("camt", pieces)
    if b"\0" in feed.data[:4096]:
        raise RejectedFile(
            "E_ENCODING",
            "The XML holds NUL bytes, as UTF-16 does; only UTF-8 and single-byte encodings are "
            "read. Save it as UTF-8 and send it again.",
        )
    document = _Document(feed)
    document.parser.feed(feed.data)
    document.parser.finish()
    return document.reading()


class _Document:
    """What the parser tells, gathered by statement and entry: values by their path."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.parser = ScreenedParser(self)
        self._path: list[str] = []
        self._text: list[str] = []
        self._header: Values = {}
        self._facts: Values = {}
        self._balances: list[Values] = []
        self._entry: Values | None = None
        self._entry_start = 0
        self._statement: Statement | None = None
        self._entries: list[tuple[Decimal, str]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if not self._path and not is_camt(tag):
            raise RejectedFile(
                "E_XML_SCHEMA",
                f"The root element {tag[:120]!r} is no bank statement (camt.052, .053 or .054). "
                "Send the bank's own file.",
            )
        if tag.startswith(XINCLUDE):
            raise RejectedFile(
                "E_XML_SCHEMA",
                "The file asks to include another file (XInclude), which is never done. Send the "
                "bank's own file.",
            )
        self._path.append(name)
        self._text = []
        if name in _HOLDERS and len(self._path) == 3:
            self._statement = self._feed.open_statement()
            self._facts, self._balances, self._entries = {}, [], []
        elif self._statement is not None and len(self._path) == 4:
            if name == "Ntry":
                self._entry, self._entry_start = {}, self.parser.position[1]
            elif name == "Bal":
                self._balances.append({})
        for key, value in attributes.items():
            self._keep(f"@{key.rpartition('}')[2]}", value)

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        text = "".join(self._text).strip()
        self._text = []
        if text:
            self._keep("", text)
        name = self._path[-1]
        depth = len(self._path)
        if self._statement is not None and name == "Ntry" and depth == 4:
            self._take_entry(self._statement)
        elif self._statement is not None and depth == 3:
            self._close(self._statement)
            self._statement = None
        self._path.pop()

    def reading(self) -> Reading:
        return self._feed.reading()

    def _keep(self, attribute: str, value: str) -> None:
        if self._entry is not None:
            into, inner = self._entry, self._path[4:]
        elif self._statement is not None and self._path[3:4] == ["Bal"]:
            into, inner = self._balances[-1], self._path[4:]
        elif self._statement is not None:
            into, inner = self._facts, self._path[3:]
        else:
            into, inner = self._header, self._path[2:]
        into.setdefault("/".join(inner) + attribute, []).append(value)

    def _take_entry(self, statement: Statement) -> None:
        assert self._entry is not None
        said, self._entry = self._entry, None
        end = self._feed.data.find(b">", self.parser.position[1]) + 1
        line, amount, code = _entry_line(said)
        if amount is not None:
            self._entries.append((amount, _first(said, "CdtDbtInd")))
        self._feed.add(statement, line, Place(self._entry_start, end, code))

    def _close(self, statement: Statement) -> None:
        facts = self._facts
        statement.account = _first(
            facts, "Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Id/PrtryAcct/Id", "Acct/Id/BBAN"
        )
        statement.number = _first(facts, "ElctrncSeqNb", "LglSeqNb", "Id")
        statement.currency = _first(facts, "Acct/Ccy")
        statement.from_day = _date(_first(facts, "FrToDt/FrDtTm", "FrToDt/FrDt"))
        statement.to_day = _date(_first(facts, "FrToDt/ToDtTm", "FrToDt/ToDt"))
        for balance in self._balances:
            self._take_balance(statement, balance)
        where = f"Statement {statement.number} of account {statement.account}"
        self._check_summary(where, statement)
        last = _first(self._header, "GrpHdr/MsgPgntn/LastPgInd")
        if _first(self._header, "GrpHdr/MsgPgntn/PgNb") in {"", "1"} and last != "false":
            self._feed.check_balance(statement, where)
        else:
            self._feed.notes.append(
                f"{where} is one page of several: its balances are proven only by all of them."
            )

    def _take_balance(self, statement: Statement, said: Values) -> None:
        kind = _first(said, "Tp/CdOrPrtry/Cd")
        text = _first(said, "Amt")
        if kind not in {"OPBD", "PRCD", "CLBD"}:
            return
        if not _AMOUNT.fullmatch(text):
            raise RejectedFile(
                "E_AMOUNT",
                f"Statement {statement.number}: the balance {kind} {text[:40]!r} is no amount. "
                "Fetch the statement from the bank again.",
            )
        statement.currency = statement.currency or _first(said, "Amt@Ccy")
        amount = Decimal(text)
        amount = -amount if _first(said, "CdtDbtInd") == "DBIT" else amount
        if kind == "CLBD":
            statement.closing = amount
        elif kind == "OPBD" or statement.opening is None:
            # The balance the last statement closed with is what this one opens with.
            statement.opening = amount

    def _check_summary(self, where: str, statement: Statement) -> None:
        """Counts and sums of entries, as the statement itself states them."""
        for name, side in _SUMMARIES:
            entries = [amount for amount, way in self._entries if side in ("", way)]
            count = len(entries) if side else statement.lines
            stated = _first(self._facts, f"TxsSummry/{name}/NbOfNtries")
            total = _first(self._facts, f"TxsSummry/{name}/Sum")
            if side and statement.unread:
                continue  # the side of an entry that cannot be read is not certain either
            if stated and not (_COUNT.fullmatch(stated) and int(stated) == count):
                raise control_total(where, f"there are {count} {side} entries", stated[:40])
            added = sum(entries, Decimal(0))
            is_whole = bool(_SUM.fullmatch(total)) and Decimal(total) == added
            if total and not statement.unread and not is_whole:
                raise control_total(where, f"{side} entries come to {added:f}", total[:40])


def _entry_line(said: Values) -> tuple[FeedLine, Decimal | None, str | None]:
    """An entry as a line, its amount without sign, and the code it is held under."""
    text, side = _first(said, "Amt"), _first(said, "CdtDbtInd")
    amount = Decimal(text) if _AMOUNT.fullmatch(text) else None
    signed = None
    # CdtDbtInd is the side the account is booked on, for a reversal (RvslInd) too.
    if amount is not None and side in {"CRDT", "DBIT"}:
        signed = amount if side == "CRDT" else -amount
    booked = _first(said, "BookgDt/Dt", "BookgDt/DtTm")
    value = _first(said, "ValDt/Dt", "ValDt/DtTm")
    party = "Dbtr" if side == "CRDT" else "Cdtr"
    line = FeedLine(
        booked_on=_day_text(booked),
        value_on=_day_text(value),
        amount=text if signed is None else amount_text(signed),
        currency=_first(said, "Amt@Ccy"),
        bank_id=_first(said, "AcctSvcrRef"),
        reference=_reference(said),
        counterparty=_first(said, f"{_TX}/RltdPties/{party}/Nm", f"{_TX}/RltdPties/{party}/Pty/Nm"),
        description=" ".join([*said.get(f"{_TX}/RmtInf/Ustrd", []), *said.get("AddtlNtryInf", [])])[
            :2000
        ],
    )
    status = _first(said, "Sts", "Sts/Cd", "Sts/Prtry")
    code = None
    if status != "BOOK":
        code = "E_PENDING" if status in {"PDNG", "FUTR", "INFO"} else "E_BANK_CODE"
    elif signed is None:
        code = "E_AMOUNT"
    elif _date(booked) is None:
        code = "E_DATE"
    return line, amount, code


def _reference(said: Values) -> str:
    for name in ("EndToEndId", "ChqNb", "InstrId", "TxId"):
        found = said.get(f"{_TX}/Refs/{name}", [])
        # A batch has a reference for each payment in it: none of them is the entry's.
        if len(found) == 1 and found[0] != "NOTPROVIDED":
            return found[0]
    return _first(said, "NtryDtls/Btch/PmtInfId", "NtryDtls/Btch/MsgId", "NtryRef")


def _first(said: Values, *paths: str) -> str:
    return next((said[path][0] for path in paths if said.get(path)), "")


def _date(text: str) -> date | None:
    return day_in(_DAY, text)


def _day_text(text: str) -> str:
    day = _date(text)
    return day.isoformat() if day else text

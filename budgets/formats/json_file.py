"""Budgets as JSON: accounts with sub-accounts, description and budget, in one currency."""

import json
import json.scanner
from collections.abc import Iterator
from decimal import Decimal
from json.decoder import JSONObject  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from budgets.formats.stated import (
    MOST_ROWS,
    Fault,
    Reading,
    Row,
    amount_in,
    currency_fault,
    text_fault,
)

KEYS = {
    "account": ("account", "accountCode", "account_code", "number", "code"),
    "sub_account": ("subAccount", "sub_account", "subAccountCode", "sub_account_code", "detail"),
    "description": ("description", "name", "title"),
    "amount": ("budget", "budgetAmount", "budget_amount", "amount", "total"),
    "below": ("subAccounts", "sub_accounts", "details", "accounts", "children", "lines"),
}
MOST_LEVELS = 8


class _Repeated(ValueError):
    """An object names one key twice: nobody knows which is meant."""


class _Object(NamedTuple):
    """A JSON object and the characters it stands in."""

    items: dict[str, Any]
    start: int
    end: int


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Repeated(key)
        found[key] = value
    return found


class _Decoder(json.JSONDecoder):
    """Objects with their places, numbers as Decimal: no figure passes through a float."""

    parse_object: Any

    def __init__(self) -> None:
        super().__init__(
            object_pairs_hook=_once, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse
        )
        self.parse_object = self._spanned
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]

    def _spanned(self, s_and_end: tuple[str, int], *rest: Any) -> tuple[_Object, int]:
        items, end = JSONObject(s_and_end, *rest)
        return _Object(items, s_and_end[1] - 1, end), end


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _only(fault: Fault) -> Reading:
    return Reading((), "", (fault,))


def read(data: bytes, assumed: str) -> Reading:
    """The rows of a JSON budget, or everything that is wrong with it.

    `assumed` is the currency of a file that states none.
    """
    body = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = body.decode("utf-8")
        whole = _Decoder().decode(text)
    except _Repeated as error:
        return _only(Fault(0, str(error)[:40], "each key once", "it twice", "Remove one of them."))
    except (ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:80]
        return _only(Fault(0, "file", "JSON in UTF-8", said, "Export it again."))
    currency, start = "", len(data) - len(body)
    if isinstance(whole, _Object):
        currency = _stated(whole.items.get("currency"))
        listed = next((whole.items[k] for k in KEYS["below"] if k in whole.items), None)
    else:
        listed = whole
    if not isinstance(listed, list) or not listed:
        return _only(Fault(0, "file", "a list of accounts", type(whole).__name__,
                           'Write {"currency": "USD", "accounts": [...]}.'))  # fmt: skip
    if currency and (wrong := currency_fault(currency, 1)):
        return _only(wrong)
    walker = _Walker(text, start, currency or assumed)
    rows = list(walker.rows(listed, "", 1))
    return Reading(tuple(rows), currency, tuple(walker.faults))


def _stated(value: object) -> str:
    return "" if value is None else str(value).strip()


class _Walker:
    """Goes through accounts and their sub-accounts, in the order of the file."""

    def __init__(self, text: str, start: int, currency: str) -> None:
        self.text, self.start, self.currency = text, start, currency
        self.faults: list[Fault] = []
        self.number = 0
        self._read, self._bytes, self._line = 0, start, 1

    def _place(self, at: int) -> tuple[int, int]:
        """(byte, line) of a character; asked for in growing order, so the text is read once."""
        passed = self.text[self._read : at]
        self._bytes += len(passed.encode())
        self._line += passed.count("\n")
        self._read = at
        return self._bytes, self._line

    def rows(self, listed: list[Any], account: str, level: int) -> Iterator[Row]:
        """The rows of a list of objects; `account` is the one they are sub-accounts of."""
        for each in listed:
            if not isinstance(each, _Object):
                self._fault(0, "accounts", "an object for each account", str(each)[:40])
                continue
            self.number += 1
            if self.number > MOST_ROWS or level > MOST_LEVELS:
                self._fault(0, "file", f"at most {MOST_ROWS} rows, {MOST_LEVELS} deep", "more")
                return
            start, line = self._place(each.start)
            end = start + len(self.text[each.start : each.end].encode())
            yield from self._row(each, (start, end, line), account)
            below: object = next((each.items[k] for k in KEYS["below"] if k in each.items), [])
            if isinstance(below, list):
                own = self._text(each, "account") or self._text(each, "sub_account") or account
                yield from self.rows(below, own, level + 1)

    def _text(self, each: _Object, field: str) -> str:
        return next((_stated(each.items[k]) for k in KEYS[field] if k in each.items), "")

    def _row(self, each: _Object, place: tuple[int, int, int], account: str) -> Iterator[Row]:
        start, end, line = place
        texts = {f: self._text(each, f) for f in ("account", "sub_account", "description")}
        if account and texts["account"] and not texts["sub_account"]:
            texts["sub_account"] = texts["account"]
            texts["account"] = account
        texts["account"] = texts["account"] or account
        wrong = [f for f in (text_fault(t, line, n) for n, t in texts.items()) if f]
        amount = amount_in(self._text(each, "amount"), line, "amount", self.currency)
        if isinstance(amount, Fault):
            wrong.append(amount)
        own = _stated(each.items.get("currency"))
        if own and own != (self.currency or own):
            wrong.append(Fault(line, "currency", self.currency, own[:20],
                               "Export each currency to a file of its own."))  # fmt: skip
        self.faults += wrong
        if not wrong and not isinstance(amount, Fault):
            yield Row(self.number, line, start, end, **texts, amount=amount)

    def _fault(self, line: int, column: str, expected: str, found: str) -> None:
        self.faults.append(Fault(line, column, expected, found, "Export it again."))

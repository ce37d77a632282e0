"""Strict JSON: a list of flat objects, `{"rows": [...]}`, or one flat object as a single record.

Deeper nesting is refused where it starts, so no file can exhaust the stack, and every number
stays as it was spelled. The standard reader lets the last of two equal keys win, reads NaN, and
turns 0.1 into a float before anybody can object.
"""

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import NamedTuple, NoReturn

from ingestion.formats.records import (
    MAX_COLUMNS,
    Reading,
    Record,
    RejectedFile,
    Shape,
    gather,
    no_records,
    settle_fields,
    too_wide,
)

MAX_INTEGER_DIGITS = 400
# An API's page may be nested, so deep.
MAX_DEPTH = 32

_SPACE = re.compile(r"[ \t\r\n]*")
# Possessive, so that a hostile string cannot make the matcher remember every step.
_STRING = re.compile(
    r'"(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+"',
)
_NUMBER = re.compile(r"-?+(0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+(?![0-9.eE+-])")
# A key and a value without escapes, and what ends them: nearly every line of a real file. What
# does not match is read sign by sign, so that the refusal can say what is wrong.
_PLAIN_MEMBER = re.compile(
    r'[ \t\r\n]*+"([^"\\\x00-\x1f]*+)"[ \t\r\n]*+:[ \t\r\n]*+(?:"([^"\\\x00-\x1f]*+)"'
    r"|(-?+(?:0|[1-9][0-9]{0,99}+)(?:\.[0-9]++)?+)|(true|false|null))[ \t\r\n]*+([,}])"
)
_WORDS = {"true": "true", "false": "false", "null": ""}
_WORD = re.compile(r"true|false|null")
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


class _Row(NamedTuple):
    """One object and where it stands, counted in characters."""

    cells: dict[str, str]
    start: int
    end: int


def read_json(pieces: Iterable[bytes]) -> Reading:
    """Read a JSON file whole; its header is every key in order of appearance.

    The file is gone through twice: once to prove it and collect the keys, once to give rows out.
    A key an object lacks, and null, both read as the empty cell.
    """
    data = gather(pieces)
    text = _decode(data)
    header: dict[str, None] = {}
    count = 0
    for row in _rows(text):
        count += 1
        header.update(dict.fromkeys(row.cells))
        if len(header) > MAX_COLUMNS:
            raise too_wide(len(header))
    if not count:
        raise no_records("a list without objects")
    return Reading("json", list(header), _records(data, text, list(header), _rows(text)))


class Page(NamedTuple):
    """A page of an API: its rows, and everything it says besides, each value under its path."""

    rows: list[_Row]
    said: dict[str, str]


def read_json_page(pieces: Iterable[bytes], shape: Shape) -> Reading:
    """Read a page of an API, which may be nested, as strictly as a flat file."""
    data = gather(pieces)
    text = _decode(data)
    page = look_at_page(data, shape.rows)
    if not page.rows:
        raise no_records("a page without rows")
    header = [name for name, _ in shape.columns]
    rows = (
        row._replace(cells={name: row.cells.get(path, "") for name, path in shape.columns})
        for row in page.rows
    )
    return Reading("json", header, _records(data, text, header, rows))


def look_at_page(data: bytes, rows_path: str) -> Page:
    """The whole page, proven; its rows are the objects of the list at the path. RejectedFile if
    there is no such list."""
    text = _decode(data)
    found: list[_Row] | None = None
    said: dict[str, str] = {}

    def take(text: str, at: int, path: str, depth: int) -> int:
        nonlocal found
        if path != rows_path or not text.startswith("[", at):
            return _walk(text, at, path, said, depth, take)
        found = []
        at = _skip(text, at + 1)
        if text.startswith("]", at):
            return at + 1
        while True:
            if not text.startswith("{", at):
                _refuse(text, at, "every item of the list of rows must be an object")
            cells: dict[str, str] = {}
            end = _walk(text, at, "", cells, depth + 1, None)
            found.append(_Row(cells, at, end))
            at = _skip(text, end)
            if text.startswith("]", at):
                return at + 1
            at = _expect(text, at, ",", "items are separated by a comma")

    end = take(text, _skip(text, 1 if text.startswith("\ufeff") else 0), "", 0)
    if _skip(text, end) != len(text):
        _refuse(text, _skip(text, end), "nothing may follow the page's value")
    if found is None:
        raise RejectedFile(
            "E_JSON", f"The page has no list of rows at {rows_path or 'its top'!r}; look at what "
            "the vendor answers now, and correct the feed."
        )  # fmt: skip
    return Page(found, said)


# What goes through a value inside another: (text, where, its path, how deep) -> where it ends.
_Inner = Callable[[str, int, str, int], int]


def _walk(
    text: str, at: int, path: str, said: dict[str, str], depth: int, inner: _Inner | None
) -> int:
    """Go through one value, however nested; each plain one goes into `said`. Where it ends."""
    if depth > MAX_DEPTH:
        _refuse(text, at, f"values may be nested {MAX_DEPTH} deep")
    if not text.startswith(("{", "["), at):
        said[path], at = _scalar(text, at)
        return at
    is_object = text[at] == "{"
    close = "}" if is_object else "]"
    at = _skip(text, at + 1)
    names: set[str] = set()
    while not text.startswith(close, at):
        if names:
            at = _expect(text, at, ",", "values are separated by a comma")
        name = str(len(names))
        if is_object:
            if not text.startswith('"', at):
                _refuse(text, at, "a key must be a quoted name")
            name, end = _string(text, at)
            if name in names:
                _refuse(text, at, f"the key {name[:60]!r} stands twice in one object")
            at = _expect(text, end, ":", "a key is followed by a colon")
        names.add(name)
        below = f"{path}.{name}" if path else name
        if inner is not None:
            at = inner(text, at, below, depth + 1)
        else:
            at = _walk(text, at, below, said, depth + 1, None)
        at = _skip(text, at)
    return at + 1


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RejectedFile(
            "E_ENCODING",
            f"Byte {error.start + 1} is not UTF-8, the only encoding JSON has. "
            "Save the file as UTF-8 and send it again.",
        ) from error
    if not text.strip("\ufeff \t\r\n"):
        raise no_records("no JSON value")
    return text


def _records(data: bytes, text: str, header: list[str], rows: Iterable[_Row]) -> Iterator[Record]:
    line, seen, position = 1, 0, 0
    for number, row in enumerate(rows, start=1):
        passed = text[seen : row.start]
        # A CRLF is one line end; no object starts between its halves.
        line += passed.count("\n") + passed.count("\r") - passed.count("\r\n")
        start = position + len(passed.encode())
        inside = text[row.start : row.end]
        end = start + len(inside.encode())
        fields, code = settle_fields([row.cells.get(name, "") for name in header], header)
        yield Record(number, line, start, end, fields, code, data[start:end])
        line += inside.count("\n") + inside.count("\r") - inside.count("\r\n")
        seen, position = row.end, end


def _rows(text: str) -> Iterator[_Row]:
    """The objects of the file, each with its span; anything of another shape is refused."""
    at = _skip(text, 1 if text.startswith("\ufeff") else 0)
    if text.startswith("[", at):
        at = yield from _list(text, at)
    elif text.startswith("{", at):
        listed = _rows_key(text, at)
        if listed is None:
            cells, end = _object(text, at)
            yield _Row(cells, at, end)
            at = end
        else:
            at = yield from _list(text, listed)
            at = _expect(text, at, "}", 'a file of the form {"rows": [...]} has no other keys')
    else:
        _refuse(text, at, "the file must be a list of objects")
    if _skip(text, at) != len(text):
        _refuse(text, _skip(text, at), "nothing may follow the list")


def _list(text: str, at: int) -> Generator[_Row, None, int]:
    """The objects of a list; returns where the list ends."""
    at = _skip(text, at + 1)
    if text.startswith("]", at):
        return at + 1
    while True:
        if not text.startswith("{", at):
            _refuse(text, at, "every item of the list must be an object")
        cells, end = _object(text, at)
        yield _Row(cells, at, end)
        at = _skip(text, end)
        if text.startswith("]", at):
            return at + 1
        at = _expect(text, at, ",", "items are separated by a comma")


def _rows_key(text: str, at: int) -> int | None:
    """Where the list of `{"rows": [...]}` starts, or None if the object is a record itself."""
    key = _STRING.match(text, _skip(text, at + 1))
    if key is None or json.loads(key[0]) != "rows":
        return None
    colon = _skip(text, key.end())
    value = _skip(text, colon + 1)
    return value if text.startswith(":", colon) and text.startswith("[", value) else None


def _object(text: str, at: int) -> tuple[dict[str, str], int]:
    """A flat object and where it ends."""
    start = at
    cells: dict[str, str] = {}
    at = _skip(text, at + 1)
    if text.startswith("}", at):
        return cells, at + 1
    while True:
        if member := _PLAIN_MEMBER.match(text, at):
            key, quoted, number, word, sign = member.groups()
            value = number or (_WORDS[word] if word else quoted)
            at = member.end()
        else:
            key, value, sign, at = _member(text, at)
        if key in cells:
            raise RejectedFile(
                "E_JSON_DUP_KEY",
                f"The object on line {_line_at(text, start)} has the key {key[:60]!r} twice, so it "
                "is not clear which value is meant. Give every key once.",
            )
        cells[key] = value
        if sign == "}":
            return cells, at


def _member(text: str, at: int) -> tuple[str, str, str, int]:
    """A key, its value, the sign that ends them, and where that ends."""
    at = _skip(text, at)
    if not text.startswith('"', at):
        _refuse(text, at, "a key must be a quoted name")
    key, at = _string(text, at)
    at = _expect(text, at, ":", "a key is followed by a colon")
    value, at = _scalar(text, at)
    at = _skip(text, at)
    if not text.startswith((",", "}"), at):
        _refuse(text, at, "keys are separated by a comma")
    return key, value, text[at], at + 1


def _scalar(text: str, at: int) -> tuple[str, int]:
    if text.startswith('"', at):
        return _string(text, at)
    if number := _NUMBER.match(text, at):
        if len(number[1]) > MAX_INTEGER_DIGITS:
            _refuse(text, at, f"a number may have at most {MAX_INTEGER_DIGITS} digits")
        return number[0], number.end()
    if word := _WORD.match(text, at):
        return _WORDS[word[0]], word.end()
    if text.startswith(("[", "{"), at):
        _refuse(text, at, "objects must be flat: a value may not be a list or an object")
    return _refuse(text, at, "a value must be a text, a number, true, false or null")


def _string(text: str, at: int) -> tuple[str, int]:
    found = _STRING.match(text, at)
    if found is None:
        return _refuse(text, at, "a text is not closed or holds a raw control character")
    value: str = json.loads(found[0]) if "\\" in found[0] else found[0][1:-1]
    if _NOT_TEXT.search(value):
        raise RejectedFile(
            "E_CONTROL_CHAR",
            f"A text on line {_line_at(text, at)} holds NUL or half of a surrogate pair, which no "
            "text may. Correct it in the system that wrote the file.",
        )
    return value, found.end()


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _expect(text: str, at: int, sign: str, rule: str) -> int:
    at = _skip(text, at)
    if not text.startswith(sign, at):
        _refuse(text, at, rule)
    return _skip(text, at + 1)


def _line_at(text: str, at: int) -> int:
    passed = text[:at]
    return 1 + passed.count("\n") + passed.count("\r") - passed.count("\r\n")


def _refuse(text: str, at: int, rule: str) -> NoReturn:
    found = repr(text[at : at + 20]) if at < len(text) else "the end of the file"
    raise RejectedFile(
        "E_JSON",
        f"On line {_line_at(text, at)} there is {found}, but {rule}. "
        "Correct the export and send it again.",
    )

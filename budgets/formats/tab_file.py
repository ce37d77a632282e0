"""Tab-delimited exports of budgeting programs: a header line, then a row an account.

Movie Magic writes account, sub-account or detail, description and one total, in one currency;
the names of the columns differ by version and template, so they are known by their aliases.
"""

from collections.abc import Iterator
from typing import NamedTuple

from budgets.formats.stated import (
    MOST_ROWS,
    Fault,
    Reading,
    Row,
    amount_in,
    currency_fault,
    text_fault,
)

ALIASES = {
    "account": {"account", "acct", "accountno", "acctno", "accountnumber", "accountcode", "acct#",
                "account#", "prod"},
    "sub_account": {"subaccount", "subacct", "subaccountcode", "sub", "detail", "detl", "set"},
    "description": {"description", "desc", "name", "title", "accountdescription", "category",
                    "categorydescription", "accounttitle"},
    "amount": {"amount", "total", "budget", "budgetamount", "subtotal", "original", "locked",
               "accounttotal", "budgettotal"},
    "currency": {"currency", "cur", "curr", "currencycode"},
}  # fmt: skip
_KNOWN = {alias: field for field, aliases in ALIASES.items() for alias in aliases}
MOST_CELLS = 200
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class _Line(NamedTuple):
    number: int
    start: int
    end: int
    cells: list[str]


def _text(data: bytes) -> tuple[str, str, int]:
    """(text, encoding, bytes of the mark before it). What is not UTF-8 is Windows-1252.

    Raises UnicodeDecodeError when it is neither.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding), encoding, len(mark)
    try:
        return data.decode("utf-8"), "utf-8", 0
    except UnicodeDecodeError:
        return data.decode("cp1252"), "cp1252", 0


def _lines(text: str, encoding: str, start: int) -> Iterator[_Line]:
    """The lines with their byte spans, line end left out; CR, LF and CRLF all end one."""
    number, at = 1, 0
    for whole in (
        text.replace("\r\n", "\n\0").replace("\r", "\n").replace("\n\0", "\r\n").split("\n")
    ):
        body = whole.removesuffix("\r")
        size = len(body.encode(encoding))
        step = 2 if encoding.startswith("utf-16") else 1
        ends = 2 if whole != body else 1
        yield _Line(
            number, start + at, start + at + size, [c.strip(' "') for c in body.split("\t")]
        )
        at += size + ends * step
        number += 1


def _header_key(cell: str) -> str:
    return "".join(c for c in cell.casefold() if c.isalnum() or c == "#")


def _columns(line: _Line) -> tuple[dict[str, int], list[Fault]]:
    """field -> place of its column, by the header line."""
    columns: dict[str, int] = {}
    faults = []
    for place, cell in enumerate(line.cells):
        field = _KNOWN.get(_header_key(cell), "")
        if field and field in columns:
            fix = "Export one amount and one account column: one currency, one budget."
            faults.append(Fault(line.number, cell, f"one column of {field}", cell, fix))
        elif field:
            columns[field] = place
    for needed in ("account", "amount"):
        if needed not in columns:
            seen = ", ".join(c for c in line.cells if c)[:80]
            fix = f"Name the column: one of {', '.join(sorted(ALIASES[needed]))}."
            faults.append(Fault(line.number, "header", f"a column of {needed}", seen, fix))
    return columns, faults


def read(data: bytes, assumed: str) -> Reading:
    """The rows of a tab-delimited budget, or everything that is wrong with it.

    `assumed` is the currency of a file that states none.
    """
    try:
        text, encoding, start = _text(data)
    except UnicodeDecodeError as error:
        fix = "Export it again as UTF-8 text."
        said = f"byte {error.object[error.start]:#04x}"
        return Reading((), "", (Fault(0, "encoding", "UTF-8, UTF-16 or Windows-1252", said, fix),))
    lines = [line for line in _lines(text, encoding, start) if any(line.cells)]
    if not lines:
        return Reading((), "", (Fault(0, "file", "a header and rows", "", "Export it again."),))
    columns, faults = _columns(lines[0])
    if faults:
        return Reading((), "", tuple(faults))
    if len(lines) > MOST_ROWS:
        fix = "Export accounts, not the fourth level."
        found = Fault(0, "file", f"at most {MOST_ROWS} rows", str(len(lines)), fix)
        return Reading((), "", (found,))
    currency, faults = _currency(lines, columns)
    rows = []
    for number, line in enumerate(lines[1:], 1):
        row, wrong = _row(number, line, columns, currency or assumed)
        faults += wrong
        if row is not None:
            rows.append(row)
    return Reading(tuple(rows), currency, tuple(faults))


def _cell(line: _Line, columns: dict[str, int], field: str) -> str:
    place = columns.get(field)
    return line.cells[place] if place is not None and place < len(line.cells) else ""


def _currency(lines: list[_Line], columns: dict[str, int]) -> tuple[str, list[Fault]]:
    """The one currency of the file, "" when it states none."""
    faults: list[Fault] = []
    first = ""
    for line in lines[1:]:
        stated = _cell(line, columns, "currency")
        if not stated or stated == first:
            continue
        if first:
            fix = "Export each currency to a file of its own."
            faults.append(Fault(line.number, "currency", first, stated[:20], fix))
            continue
        wrong = currency_fault(stated, line.number)
        if wrong:
            return "", [wrong]
        first = stated
    return first, faults


def _row(
    number: int, line: _Line, columns: dict[str, int], currency: str
) -> tuple[Row | None, list[Fault]]:
    faults = []
    texts = {f: _cell(line, columns, f) for f in ("account", "sub_account", "description")}
    for field, text in texts.items():
        wrong = text_fault(text, line.number, field)
        if wrong:
            faults.append(wrong)
    if len(line.cells) > MOST_CELLS:
        fix = "Remove what stands after the last column."
        faults.append(Fault(line.number, "row", f"at most {MOST_CELLS} columns", "more", fix))
    amount = amount_in(_cell(line, columns, "amount"), line.number, "amount", currency)
    if isinstance(amount, Fault):
        return None, [*faults, amount]
    if faults:
        return None, faults
    return Row(number, line.number, line.start, line.end, **texts, amount=amount), []

"""A bank's table, in the shapes banks give: signed amounts, a side (D/C), debit and credit. Pure.

What the side is and which way a sign goes is the source's to say, never guessed: a card's table
has its charges positive and is another source. Where each row states the balance after it, the
rows must run from balance to balance, upwards or downwards, or the file is rejected.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

from ingestion.dates import plain_day
from ingestion.formats.feeds import FEED, FeedLine, amount_text, control_total
from ingestion.formats.records import Reading, Record, RejectedFile, Statement
from ingestion.mapping import MONEY_WORDS, Mapping, header_key
from taxonomy import money

MOST_ROWS: Final = 200_000
_SIDES: Final = {"D": -1, "DR": -1, "DEBIT": -1, "C": 1, "CR": 1, "CREDIT": 1}
_FOREIGN = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row with its cells by name, its amount if it can be read, and the balance it states."""

    record: Record
    cells: dict[str, str]
    amount: Decimal | None
    balance: Decimal | None


def read_table(reading: Reading, mapping: Mapping) -> Reading:
    """The table as statements, one an account, and lines in the shape every bank's file has.

    Raises RejectedFile when no one shape of amounts is there, or when balances do not follow.
    """
    places = _places(reading, mapping)
    by_account: dict[str, Statement] = {}
    rows: dict[int, list[_Row]] = {}
    made: list[Record] = []
    for record in reading:
        if len(made) == MOST_ROWS:
            raise RejectedFile(
                "E_TOO_BIG", f"The table has more than {MOST_ROWS:,} rows. Send it in parts."
            )
        if record.code is not None or record.fields is None:
            made.append(record._replace(fields=None))
            continue
        cells = {name: record.fields[at].strip(" ") for name, at in places.items()}
        cells = {column.field: cells.get(column.field, "") for column in mapping.columns}
        account = cells["account"]
        statement = by_account.setdefault(
            account, Statement(len(by_account) + 1, "csv", account=account)
        )
        row = _Row(
            record,
            cells,
            _amount(cells, mapping, has_side="side" in places),
            _money(cells["balance"], mapping),
        )
        rows.setdefault(statement.ordinal, []).append(row)
        made.append(record._replace(fields=_fields(statement, row, mapping)))
    statements = list(by_account.values()) or [Statement(1, "csv")]
    for statement in statements:
        _prove(statement, rows.get(statement.ordinal, []), is_card=mapping.feed == "card")
    return Reading(reading.format, list(FEED), iter(made), reading.notes, statements)


def _places(reading: Reading, mapping: Mapping) -> dict[str, int]:
    """Where each field stands. Raises RejectedFile where a column of money is unknown, where one
    field stands twice, or where amounts are in no one shape."""
    fields = {header_key(h): c.field for c in mapping.columns for h in c.headers}
    places: dict[str, int] = {}
    for at, cell in enumerate(reading.header):
        name = fields.get(header_key(cell))
        if name is None and MONEY_WORDS.search(cell):
            raise _header(f"column {at + 1} {cell!r} is unknown and seems to hold money")
        if name in places:
            raise _header(f"columns {reading.header[places[name]]!r} and {cell!r} both mean {name}")
        if name is not None:
            places[name] = at
        elif cell.strip():
            reading.notes.append(f"column {cell!r} is not read")
    is_sided = {"debit", "credit"} <= set(places)
    if ("amount" in places) == is_sided or (is_sided and "side" in places):
        raise _header("it must have either Amount, with or without D/C, or Debit and Credit")
    return places


def _header(what: str) -> RejectedFile:
    return RejectedFile(
        "E_HEADER", f"The header cannot be read: {what}. Export the table again, or rename the "
        "column.",
    )  # fmt: skip


def _money(text: str, mapping: Mapping) -> Decimal | None:
    if not text:
        return None
    try:
        return money.parse_amount(text, mapping.amounts)
    except money.AmountError:
        return None


def _amount(cells: dict[str, str], mapping: Mapping, *, has_side: bool) -> Decimal | None:
    """The amount as it moves the account, None where the row does not say one."""
    way = -1 if mapping.feed == "card" else 1
    amount = _money(cells["amount"], mapping)
    if cells["debit"] or cells["credit"]:
        debit, credit = _money(cells["debit"], mapping), _money(cells["credit"], mapping)
        is_read = (debit is not None or not cells["debit"]) and (
            credit is not None or not cells["credit"]
        )
        sides = (debit or Decimal(0), credit or Decimal(0))
        # One side, above zero: what a negative debit means differs from bank to bank.
        if not is_read or min(sides) < 0 or (sides[0] and sides[1]):
            return None
        return way * (sides[1] - sides[0])
    if amount is None or not has_side:
        return None if amount is None else way * amount
    # With a side of its own an amount has no sign: a negative one says two things at once.
    side = _SIDES.get(cells["side"].upper())
    return None if side is None or amount < 0 else way * side * amount


def _fields(statement: Statement, row: _Row, mapping: Mapping) -> list[str]:
    cells = row.cells
    day = plain_day(cells["date"], mapping.date_formats)
    value = plain_day(cells["value_date"], mapping.date_formats)
    spelled = next((cells[n] for n in ("amount", "debit", "credit") if cells[n]), "")
    original = cells["original_amount"]
    # With an amount of its own beside it, the currency is that of what was paid abroad.
    currency = "" if original else cells["currency"].upper()
    abroad = f"({cells['currency']} {original})" if original and cells["currency"] else ""
    statement.lines += 1
    if row.amount is None:
        statement.unread += 1
    else:
        statement.total += row.amount
    if day is not None:
        statement.from_day = min(statement.from_day or day, day)
        statement.to_day = max(statement.to_day or day, day)
    line = FeedLine(
        booked_on=day.isoformat() if day else cells["date"],
        value_on=value.isoformat() if value else cells["value_date"],
        amount=f"{spelled} {cells['side']}".strip() if row.amount is None
        else amount_text(row.amount),
        currency=currency,
        bank_id=cells["bank_id"],
        reference=cells["reference"],
        counterparty=cells["counterparty"],
        description=" ".join(filter(None, (cells["label"], abroad))),
    )  # fmt: skip
    return [str(statement.ordinal), *line]


def _prove(statement: Statement, rows: Sequence[_Row], *, is_card: bool) -> None:
    """Balance after balance, in the order of the file or against it."""
    way = -1 if is_card else 1
    stated = [row for row in rows if row.balance is not None]
    if len(stated) < len(rows) or not rows:
        return
    if _follows(rows, way):
        first, last = rows[0], rows[-1]
    elif _follows(rows[::-1], way):
        first, last = rows[-1], rows[0]
    else:
        at = next(after for before, after in pairwise(rows) if not _follows([before, after], way))
        raise control_total(
            f"Line {at.record.line}",
            "the balance before it and its amount do not come to its own balance, nor do the "
            "rows follow one another the other way round",
            f"a balance of {at.balance:,f} after {amount_text(at.amount or Decimal(0))}",
        )
    assert first.balance is not None
    assert last.balance is not None
    statement.closing = way * last.balance
    if first.amount is not None:
        statement.opening = way * first.balance - first.amount


def _follows(rows: Sequence[_Row], way: int) -> bool:
    """Whether each balance is the one before it and the row's amount, where that can be read."""
    return all(
        after.amount is None
        or way * (after.balance or Decimal(0))
        == way * (before.balance or Decimal(0)) + after.amount
        for before, after in pairwise(rows)
    )

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

from ingestion.formats.feeds import FEED, FeedLine, amount_text, control_total
from ingestion.formats.records import Reading, Record, RejectedFile, Statement
from ingestion.gate.dates import plain_day
from ingestion.layouts.mapping import HeaderRefused, Mapping, read_header
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

    Raises HeaderRefused when its columns need a decision, and RejectedFile when balances do not
    follow.
    """
    places = table_places(reading.header, mapping)
    reading.notes += [
        f"column {cell!r} is not read"
        for cell, name, known in read_header(mapping, reading.header)
        if not name and known != "blank"
    ]
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
        cells = _cells(record.fields, places, mapping)
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
        _prove(statement, rows.get(statement.ordinal, []), way=_way(mapping))
    return Reading(
        reading.format,
        list(FEED),
        iter(made),
        reading.notes,
        statements,
        encoding=reading.encoding,
        delimiter=reading.delimiter,
    )


def _cells(fields: Sequence[str], places: dict[str, int], mapping: Mapping) -> dict[str, str]:
    """A row's cells by name, with the bank's word for a currency as it is meant."""
    cells = {name: fields[at].strip(" ") for name, at in places.items()}
    cells = {column.field: cells.get(column.field, "") for column in mapping.columns}
    for field, found, meant in mapping.words:
        if field == "currency" and cells["currency"] == found:
            cells["currency"] = meant
    return cells


def table_places(header: Sequence[str], mapping: Mapping) -> dict[str, int]:
    """Where each field stands. Raises HeaderRefused where a column of money is unknown, where one
    field stands twice, or where amounts are in no one shape: a person then says what is what."""
    places: dict[str, int] = {}
    columns = read_header(mapping, list(header))
    for at, (cell, name, known) in enumerate(columns):
        if known == "money":
            raise HeaderRefused(
                f"column {at + 1} {cell!r} is unknown and seems to hold money. Say what it is, or "
                "leave it out by decision"
            )
        if name in places:
            raise HeaderRefused(
                f"columns {header[places[name]]!r} and {cell!r} both mean {name}; expected one of "
                "them. Say which one is read"
            )
        if name:
            places[name] = at
    absent = [c.field for c in mapping.columns if c.required and c.field not in places]
    if absent:
        raise HeaderRefused(f"no column is known to be {', '.join(absent)}. Say which column it is")
    is_sided = {"debit", "credit"} <= set(places)
    if ("amount" in places) == is_sided or (is_sided and "side" in places):
        raise HeaderRefused(
            "it must have either Amount, with or without D/C, or Debit and Credit. Say which "
            "columns they are"
        )
    return places


def looks_like_table(header: Sequence[str]) -> bool:
    """Whether a record may be a bank's header though nobody knows its names: three or more of
    them, and nothing in it that only data would hold."""
    names = [cell.strip() for cell in header if cell.strip()]
    return len(names) >= 3 and all(name[0].isalpha() and len(name) < 80 for name in names)


def _way(mapping: Mapping) -> int:
    """Which way a positive amount moves the account: a card's charges are positive, and a source
    may be decided to write its signs the other way round."""
    return (-1 if mapping.feed == "card" else 1) * (-1 if mapping.is_negated else 1)


def _money(text: str, mapping: Mapping) -> Decimal | None:
    if not text:
        return None
    try:
        return money.parse_amount(text, mapping.amounts)
    except money.AmountError:
        return None


def _amount(cells: dict[str, str], mapping: Mapping, *, has_side: bool) -> Decimal | None:
    """The amount as it moves the account, None where the row does not say one."""
    way = _way(mapping)
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


def _prove(statement: Statement, rows: Sequence[_Row], *, way: int) -> None:
    """Balance after balance, in the order of the file or against it."""
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

"""The gate of a bank's lines: one that may be kept, or all that is wrong with it. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import date

from ingestion.formats.feeds import FEED
from ingestion.formats.records import Record
from ingestion.gate.schema import HIDDEN, LONGEST_TEXT, Violation
from ledger.bank_lines import LineDraft
from taxonomy import money

LONGEST_NUMBER = 255  # of the bank's own number of a line
_DAY = re.compile(r"(?:19[7-9]|20[0-9])\d-\d{2}-\d{2}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,6}", re.ASCII)
_TEXTS = ("bank_id", "reference", "counterparty", "description")
# What a reader says of a record apart from its fields.
FAULTS = {
    "E_PENDING": (
        "a line the bank has booked; this one is pending",
        "reject the row: it comes again in a statement once it is booked",
    ),
    "E_BANK_CODE": (
        "a line whose code says that it is booked, and on which side",
        "ask the bank what the line is; write its amount with its sign and resubmit, or reject it",
    ),
    "E_PARTS": (
        "parts ($) that come to the line's amount",
        "correct the amount and resubmit, or reject the row",
    ),
    "E_FIELD_COUNT": (
        "each value once in a line",
        "write the value the bank means and resubmit",
    ),
    "E_ENCODING_ROW": (
        "text in the file's encoding (UTF-8 unless declared)",
        "declare the file's encoding and import it again, or retype the line",
    ),
}


def clean_line(
    values: Sequence[str], record: Record, currencies: Mapping[int, str]
) -> LineDraft | list[Violation]:
    """A line out of its fields in the order of FEED; `currencies` are those of the accounts its
    file's statements belong to, by ordinal."""
    cells = dict(zip(FEED, (value.strip(" ") for value in values), strict=True))
    ordinal = int(cells["statement"]) if _COUNT.fullmatch(cells["statement"]) else 0
    currency = currencies.get(ordinal, "")
    wrong = _wrong_texts(cells)
    if not currency:
        wrong.append(
            _violation("statement", "E_DATE", f"a statement from 1 to {len(currencies)}", cells,
                       "write the number of the file's statement the line stands in")
        )  # fmt: skip
    booked = _day(cells, "booked_on", wrong)
    value = _day(cells, "value_on", wrong) if cells["value_on"] else None
    if currency and cells["currency"] not in ("", currency):
        wrong.append(
            _violation("currency", "E_CURRENCY", f"{currency}, the currency of the account", cells,
                       "ask the bank for the amount in the account's currency, or reject the row")
        )  # fmt: skip
    try:
        amount = money.parse_amount(cells["amount"])
        if currency:
            money.check_minor_units(amount, currency)
    except money.AmountError as error:
        finer = error.reason == money.TOO_MANY_DECIMALS
        wrong.append(
            _violation("amount", "E_MINOR_UNITS" if finer else "E_AMOUNT",
                       f"no more decimals than {currency} has" if finer
                       else "an amount such as -1234.50", cells,
                       f"{error.reason}; correct it and resubmit")
        )  # fmt: skip
        return wrong
    if wrong or booked is None:
        return wrong
    bank_id, reference, counterparty, description = (cells[name] for name in _TEXTS)
    return LineDraft(
        ordinal, booked, value, amount, bank_id, reference, counterparty, description,
        record.row, record.line, record.start, record.end,
    )  # fmt: skip


def fault_of(code: str, shown: str) -> Violation:
    """What a reader's code says, for people."""
    expected, fix = FAULTS[code]
    return Violation("row", code, expected, shown, fix)


def _violation(
    name: str, code: str, expected: str, cells: Mapping[str, str], fix: str
) -> Violation:
    shown = HIDDEN.sub(lambda m: f"<U+{ord(m.group()[0]):04X}>", cells[name][:120])
    return Violation(name, code, expected, shown, fix)


def _wrong_texts(cells: Mapping[str, str]) -> list[Violation]:
    wrong = []
    for name in _TEXTS:
        text, most = cells[name], LONGEST_NUMBER if name == "bank_id" else LONGEST_TEXT
        if HIDDEN.search(text):
            wrong.append(
                _violation(name, "E_CONTROL_CHAR", "visible characters only", cells,
                           "delete the invisible character at the place shown and resubmit")
            )  # fmt: skip
        elif len(text) > most:
            wrong.append(
                _violation(name, "E_FIELD_TOO_LONG", f"at most {most:,} characters", cells,
                           "shorten it and resubmit")
            )  # fmt: skip
    return wrong


def _day(cells: Mapping[str, str], name: str, wrong: list[Violation]) -> date | None:
    try:
        if _DAY.fullmatch(cells[name]):
            return date.fromisoformat(cells[name])
    except ValueError:
        pass  # a day the calendar does not have, said below
    wrong.append(
        _violation(name, "E_DATE", "a day of the calendar written YYYY-MM-DD", cells,
                   "write the day the bank's own statement shows, and resubmit")
    )  # fmt: skip
    return None

"""What a document to be posted looks like before it is posted. Pure.

A posting moves `amount` from the counter account to the account: a cost debits its cost account
against payables, a card or payroll clearing; credits and reversals are negative.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from ledger.pay import Payee

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
NULL = "\\N"


ACTUAL, COMMITMENT, BUDGET, FORECAST = 1, 2, 3, 4


class PostingDraft(NamedTuple):
    """One posting: which accounts, whose cost, how classified, how much, in which book.

    `commitment_id` names the order a posting of the commitment book belongs to; `segments` is the
    written text of ledger/segments.py.
    """

    account_id: int
    counter_account_id: int
    cost_center_id: int
    node_id: int
    period_id: int
    component: str
    line: str
    rule: str
    currency: str
    amount: Decimal
    base_amount: Decimal | None
    book: int = ACTUAL
    commitment_id: int | None = None
    segments: str = ""


class TransactionDraft(NamedTuple):
    """One document or line of one, where it came from, and its postings.

    `reverses` is (batch, number) of the posted document this one takes back, posting for posting.
    `payee` has the words that `vendor` is the token of, where the document is payroll's.
    """

    source_row: int | None
    source_line: int | None
    source_start: int | None
    source_end: int | None
    document_key: bytes
    facts: bytes
    reference: str
    vendor: str
    description: str
    jurisdiction: str
    effective_date: date
    occurred_at: datetime | None
    source_zone: str
    period_id: int
    cost_center_id: int
    postings: tuple[PostingDraft, ...]
    reverses: tuple[int, int] | None = None
    payee: Payee | None = None


def period_of(day: date, periods: Sequence[tuple[date, date, int]]) -> int | None:
    """The open period a document of this day posts to: its own week if that is open, else the
    first open one after it, else the last open one. None when no period is open.

    `periods` are the open ones as (first day, last day, id), in order.
    """
    for _, ends, number in periods:
        if ends >= day:
            return number
    return periods[-1][2] if periods else None


def row_key(document_sha256: bytes, row: int, moment: str) -> bytes:
    """A row's identity: the file's hash, the row's index in it and the transaction's time.

    The database keeps (document, row) unique, which is stronger: no row posts twice whatever
    time it states. This digest names the row to people and in exports.
    """
    text = f"{document_sha256.hex()}|{row}|{moment}"
    return hashlib.sha256(b"row\0" + text.encode()).digest()


def control_total(drafts: Sequence[TransactionDraft]) -> Decimal:
    """The sum of the absolute amounts of all postings, whatever their currency."""
    return sum((abs(p.amount) for d in drafts for p in d.postings), Decimal(0))


def _text(value: str) -> str:
    # Tab and line ends are not printable, so the usual text is passed on after two quick looks.
    if value.isprintable() and "\\" not in value:
        return value
    return value.translate(_ESCAPES)


def _optional(value: object) -> object:
    return NULL if value is None else value


def transaction_copy_line(
    draft: TransactionDraft, production_id: int, batch_id: int, number: int, document: str
) -> str:
    """The draft as a line of COPY's text format (column order: TRANSACTION_COLUMNS)."""
    (row, line, start, end, key, facts, reference, vendor, description, jurisdiction, day, moment,
     zone, period_id, cost_center_id, _, reverses, _) = draft  # fmt: skip
    taken_back = f"{NULL}\t{NULL}" if reverses is None else f"{reverses[0]}\t{reverses[1]}"
    return (
        f"{production_id}\t{batch_id}\t{number}\t{document}\t{_optional(row)}\t"
        f"{_optional(line)}\t{_optional(start)}\t{_optional(end)}\t\\\\x{key.hex()}\t"
        f"\\\\x{facts.hex()}\t{_text(reference)}\t{_text(vendor)}\t"
        f"{_text(description)}\t{_text(jurisdiction)}\t{day.isoformat()}\t"
        f"{NULL if moment is None else moment.isoformat()}\t{zone}\t{period_id}\t"
        f"{cost_center_id}\t{taken_back}\n"
    )


def payee_copy_line(payee: Payee, production_id: int, cost_center_id: int) -> str:
    """The payee as a line of COPY's text format (column order: pay.PAYEE_COLUMNS)."""
    return (
        f"{production_id}\t{payee.token}\t{cost_center_id}\t\\\\x{payee.salt.hex()}\t"
        f"{_text(payee.name)}\t{_text(payee.description)}\n"
    )


TRANSACTION_COLUMNS = (
    "production_id, batch_id, number, document_id, source_row, source_line, source_start, "
    "source_end, document_key, facts, reference, vendor, description, jurisdiction, "
    "effective_date, occurred_at, source_zone, period_id, cost_center_id, reverses_batch_id, "
    "reverses_number"
)
POSTING_COLUMNS = (
    "production_id, batch_id, line_no, transaction_number, unit_id, book, account_id, "
    "counter_account_id, cost_center_id, node_id, period_id, component, line, rule, currency, "
    "amount, base_amount, commitment_id, segments"
)


def posting_copy_line(posting: PostingDraft, head: str, number: int, tail: str) -> str:
    """The posting as a line of COPY's text format (column order: POSTING_COLUMNS).

    `head` is production and batch, `tail` transaction number and unit, ready formatted.
    """
    return (
        f"{head}{number}\t{tail}{posting.book}\t{posting.account_id}\t"
        f"{posting.counter_account_id}\t{posting.cost_center_id}\t{posting.node_id}\t"
        f"{posting.period_id}\t{posting.component}\t{posting.line}\t{posting.rule}\t"
        f"{posting.currency}\t{posting.amount}\t{_optional(posting.base_amount)}\t"
        f"{_optional(posting.commitment_id)}\t{posting.segments}\n"
    )

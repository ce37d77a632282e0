"""A bank's lines: what makes one the same line whatever file it comes in. Pure.

A bank gives the same days out again and again: as OFX today, as camt tomorrow, one export running
into the next. A line is taken once per account:

1. A bank's own number (FITID, AcctSvcrRef) is the line, within its form. The same number with
   another day or amount is a conflict for a person.
2. Without one, a line of the same form with the same day, amount and words is the same line; two
   that are alike in one file are two, and stay two.
3. Two forms call nothing by the same name: there a line of that day and amount is the same one, as
   many times as the other form has it.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

NULL = "\\N"
_IGNORED = re.compile(r"[\s.\-]+")


class LineDraft(NamedTuple):
    """A line as a file states it, and where it stands there. `start` = `end` where no bytes can be
    named."""

    ordinal: int
    booked_on: date
    value_on: date | None
    amount: Decimal
    bank_id: str
    reference: str
    counterparty: str
    description: str
    row: int
    line: int
    start: int
    end: int


class KnownLine(NamedTuple):
    """A line the account has."""

    statement_id: int
    number: int
    form: str
    bank_id: str
    booked_on: date
    amount: Decimal
    facts: bytes
    twin: int


class Numbered(NamedTuple):
    """A line that is to be stored: which of its day and amount it is, and what it says."""

    draft: LineDraft
    facts: bytes
    twin: int


@dataclass(slots=True)
class Decision:
    """What became of the lines of a chunk."""

    fresh: list[Numbered] = field(default_factory=list)
    known: list[tuple[LineDraft, KnownLine]] = field(default_factory=list)
    conflicts: list[tuple[LineDraft, KnownLine]] = field(default_factory=list)


def identifier_key(written: str) -> str:
    """An account's identifier without the blanks, dots and dashes in which banks differ."""
    return _IGNORED.sub("", unicodedata.normalize("NFC", written)).upper()


def facts_of(draft: LineDraft) -> bytes:
    """The digest of what a line says besides its number."""
    words = (draft.reference, draft.counterparty, draft.description)
    said = [" ".join(unicodedata.normalize("NFC", text).casefold().split()) for text in words]
    day = draft.booked_on.isoformat()
    return hashlib.sha256("\x1f".join([day, f"{draft.amount:.4f}", *said]).encode()).digest()


def decide(
    drafts: Sequence[LineDraft],
    known: Iterable[KnownLine],
    form: str,
    *,
    own: frozenset[int],
    used: frozenset[tuple[int, int]],
) -> Decision:
    """Which lines are new, which the account has, and which contradict what it has.

    `own` are this import's statements: its other lines are never the same line again. `used` are
    the lines its earlier rows were found to be, as (statement, number).
    """
    decision = Decision()
    numbers: dict[str, KnownLine] = {}
    pool: dict[tuple[date, Decimal], list[KnownLine]] = {}
    twins: dict[tuple[date, Decimal], int] = {}
    for line in known:
        place = (line.booked_on, line.amount)
        twins[place] = max(twins.get(place, 0), line.twin)
        if line.form == form and line.bank_id:
            numbers[line.bank_id] = line
        if line.statement_id not in own and (line.statement_id, line.number) not in used:
            pool.setdefault(place, []).append(line)
    for draft in drafts:
        facts, place = facts_of(draft), (draft.booked_on, draft.amount)
        named = numbers.get(draft.bank_id) if draft.bank_id else None
        if named is not None:
            is_same = named.statement_id not in own and (named.booked_on, named.amount) == place
            (decision.known if is_same else decision.conflicts).append((draft, named))
            continue
        found = _twin_in(pool.get(place, []), draft, facts, form)
        if found is not None:
            pool[place].remove(found)
            decision.known.append((draft, found))
            continue
        twins[place] = twins.get(place, 0) + 1
        decision.fresh.append(Numbered(draft, facts, twins[place]))
        if draft.bank_id:
            # A second line of this file under the same number contradicts the first.
            numbers[draft.bank_id] = KnownLine(
                min(own, default=0), 0, form, draft.bank_id, *place, facts, twins[place]
            )
    return decision


def _twin_in(
    pool: Sequence[KnownLine], draft: LineDraft, facts: bytes, form: str
) -> KnownLine | None:
    """The line of the same day and amount that this one is: in its own form the one that says the
    same, and of two that both have numbers of their own neither is the other."""
    for line in pool:
        have_numbers = bool(line.bank_id and draft.bank_id)
        if line.form == form and line.facts == facts and not have_numbers:
            return line
    return next((line for line in pool if line.form != form), None)


COLUMNS = (
    "production_id, bank_account_id, statement_id, number, form, booked_on, value_on, amount, "
    "bank_id, reference, counterparty, description, facts, twin, source_row, source_line, "
    "source_start, source_end"
)


def copy_line(head: str, number: int, form: str, one: Numbered) -> str:
    """A line as COPY's text format has it, in the order of COLUMNS; `head` is what its statement
    says of it."""
    draft = one.draft
    value = NULL if draft.value_on is None else draft.value_on.isoformat()
    words = "\t".join(
        _escaped(text)
        for text in (draft.bank_id, draft.reference, draft.counterparty, draft.description)
    )
    return (
        f"{head}{number}\t{form}\t{draft.booked_on.isoformat()}\t{value}\t{draft.amount:f}\t{words}"
        f"\t\\\\x{one.facts.hex()}\t{one.twin}\t{draft.row}\t{draft.line}\t{draft.start}\t"
        f"{draft.end}\n"
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")

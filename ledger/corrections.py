"""Corrections in trade words. Posted money is never edited: a new entry names the old one.

Reverse takes a document back. Reverse and reissue takes it back and posts it again with what was
wrong put right. A distribution change moves a posted cost to where it belongs and shows Was/Is.
Each posts in an open period, whatever has become of the original's, and each happens once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from access.errors import Invalid, NotFoundHere, Refused
from access.models import Production, User
from ledger import entries, holes, selectors
from ledger.entries import Entry, Form
from ledger.journal import ACTUAL, PostingDraft
from ledger.models import Account, Batch, Posting, Transaction
from ledger.pay import is_token
from taxonomy.models import Unit


class ReversedBefore(Refused):
    """The document was taken back already."""

    code = "E_REVERSED"


@dataclass(frozen=True, slots=True)
class Change:
    """Where a posted line belongs: the account, and the cost centre and the segments if those
    change too; segments as a person types them, None for as they were."""

    line_no: int
    account: str
    cost_center_id: int | None = None
    segments: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A posted document with its postings."""

    transaction: Transaction
    postings: Sequence[Posting]

    @property
    def key(self) -> tuple[int, int]:
        """(batch, number): how a reversal names it."""
        return self.transaction.batch_id, self.transaction.number

    @property
    def name(self) -> str:
        """The document as people call it."""
        return self.transaction.reference or f"{self.key[0]}-{self.key[1]}"


def posted(production: Production, batch_id: int, number: int) -> Posted:
    """The document and its postings, ready to be corrected.

    Raises NotFoundHere when there is none for whoever asks, ReversedBefore when it was taken
    back, and Refused when it is itself a correction that takes another back.
    """
    found = selectors.document(production, batch_id, number)
    if found is None:
        raise NotFoundHere
    result = Posted(*found)
    if result.transaction.reverses_batch_id is not None:
        raise Refused(
            f"{result.name} takes another document back. Enter that document again instead of "
            "reversing its reversal."
        )
    if holes.is_conversion(production, batch_id, number):
        raise Refused(
            f"{result.name} gives a posted document its value in {production.currency}. Reverse "
            "that document: its value goes with it."
        )
    by = selectors.reversal_of(production, batch_id, number)
    if by is not None:
        raise ReversedBefore(
            f"{result.name} was reversed already, by {by.batch_id}-{by.number} on "
            f"{by.effective_date:%d %b %Y}. Nothing is reversed twice."
        )
    return result


def _opposite(form: Form, posting: Posting, period_id: int) -> PostingDraft:
    same = entries.copy_of(posting, period_id)
    base = None if same.base_amount is None else -same.base_amount
    return same._replace(amount=-same.amount, base_amount=base)


def _correct(
    actor: User, form: Form, old: Posted, kind: str, said: Mapping[str, Any],
    made: Sequence[Entry],
) -> Batch:  # fmt: skip
    """Enter a correction; what it is about and what it posts are valued alike."""
    batch = entries.enter(actor=actor, form=form, kind=kind, said=said, entries=made)
    holes.convert_correction(
        actor=actor, production=form.production, original=old.key, correction=batch
    )
    return batch


def reversal(form: Form, old: Posted, day: date, reason: str) -> Entry:
    """The entry that takes a document back, posting for posting."""
    if not reason.strip():
        raise Invalid("Reason: expected why the document is taken back, found nothing.")
    period_id = form.period_id(day)
    return Entry(
        reference=f"REV {old.name}"[:120],
        vendor=old.transaction.vendor,
        description=reason.strip(),
        day=day,
        postings=tuple(_opposite(form, p, period_id) for p in old.postings),
        reverses=old.key,
    )


def reverse_document(
    *, actor: User, production: Production, key: tuple[int, int], day: date, reason: str
) -> Batch:
    """Take a posted document back in the open period of `day`. The batch that did it."""
    old = posted(production, *key)
    form = entries.form_for(production, old_unit(production, old))
    said = {"reason": reason, "reverses": list(key), "day": day.isoformat()}
    return _correct(actor, form, old, "reverse", said, [reversal(form, old, day, reason)])


def change_distribution(
    *,
    actor: User,
    production: Production,
    key: tuple[int, int],
    day: date,
    reason: str,
    changes: Sequence[Change],
) -> Batch:
    """Move lines of a posted document to other accounts: Was is taken back, Is is posted.

    The total, the vendor and the counter accounts stay; both entries stand in one batch. Raises
    Invalid when a line is named that the document has not, or when nothing would change.
    """
    old = posted(production, *key)
    form = entries.form_for(production, old_unit(production, old))
    wanted = _wanted(form, old, changes)
    was = reversal(form, old, day, reason)
    period_id = form.period_id(day)
    now = Entry(
        reference=f"DC {old.name}"[:120],
        vendor=old.transaction.vendor,
        description=old.transaction.description,
        day=day,
        postings=tuple(_moved(form, p, wanted, period_id) for p in old.postings),
    )
    said = {
        "reason": reason,
        "was": list(key),
        "day": day.isoformat(),
        "changes": [
            {
                "line": c.line_no,
                "account": c.account,
                "cost_center": c.cost_center_id,
                "segments": c.segments,
            }
            for c in changes
        ],
    }
    return _correct(actor, form, old, "was_is", said, [was, now])


class Moved(NamedTuple):
    """What a distribution change adds to an account and cost centre, or takes from it."""

    account: Account
    cost_center_id: int
    amount: Decimal


def planned_move(
    production: Production, key: tuple[int, int], changes: Sequence[Change]
) -> list[Moved]:
    """What `change_distribution` would move in all; nothing is posted. Raises what it raises."""
    old = posted(production, *key)
    form = entries.form_for(production, old_unit(production, old))
    wanted = _wanted(form, old, changes)
    accounts = {a.pk: a for a in selectors.accounts(production)}
    sums: dict[tuple[int, int], Decimal] = {}
    for line in old.postings:
        if line.line_no not in wanted:
            continue
        account, center_id, _ = wanted[line.line_no]
        was = line.account_id, line.cost_center_id
        becomes = account.pk, center_id or account.cost_center_id or line.cost_center_id
        sums[was] = sums.get(was, Decimal(0)) - line.amount
        sums[becomes] = sums.get(becomes, Decimal(0)) + line.amount
    moved = [Moved(accounts[a], center, amount) for (a, center), amount in sums.items() if amount]
    return sorted(moved, key=lambda m: (m.amount, m.account.code, m.cost_center_id))


@dataclass(frozen=True, slots=True)
class Reissued:
    """What is other when a document is issued again; empty means as it was."""

    reference: str = ""
    vendor: str = ""
    description: str = ""
    amounts: Mapping[int, str] = field(default_factory=dict)


def reissue_document(
    *,
    actor: User,
    production: Production,
    key: tuple[int, int],
    day: date,
    reason: str,
    now: Reissued,
) -> Batch:
    """Take a document back and post it again, put right, in one batch: the document is number 2.

    Raises Invalid when nothing differs or a line is named that the document has not, and Refused
    when it relieves an order: such an invoice is voided and entered again.
    """
    old = posted(production, *key)
    form = entries.form_for(production, old_unit(production, old))
    if any(p.book != ACTUAL for p in old.postings):
        raise Refused(f"{old.name} relieves an order. Void the invoice and enter it again.")
    if is_token(old.transaction.vendor) and (now.vendor or now.description):
        raise Refused(
            f"{old.name} says what a person is paid, and keeps the name it was imported with. "
            "Reverse it and import the row put right."
        )
    was = reversal(form, old, day, reason)
    lines = [_again(form, p, now.amounts, was.postings[0].period_id, day) for p in old.postings]
    missing = set(now.amounts) - {p.line_no for p in old.postings}
    if missing:
        raise Invalid(f"{old.name} has no line {min(missing)}. Name a line it has.")
    again = Entry(
        reference=now.reference or old.name,
        vendor=now.vendor or old.transaction.vendor,
        description=now.description or old.transaction.description,
        day=day,
        postings=tuple(lines),
    )
    before = old.transaction
    if (again.reference, again.vendor, again.description) == (
        old.name, before.vendor, before.description,
    ) and [p.amount for p in lines] == [p.amount for p in old.postings]:  # fmt: skip
        raise Invalid(f"{old.name}: nothing differs from what is posted. Nothing was posted.")
    said = {"reason": reason, "reissues": list(key), "day": day.isoformat(), "now": asdict(now)}
    return _correct(actor, form, old, "reissue", said, [was, again])


def _again(
    form: Form, posting: Posting, amounts: Mapping[int, str], period_id: int, day: date
) -> PostingDraft:
    draft = _opposite(form, posting, period_id)
    text = amounts.get(posting.line_no)
    if text is None:
        return draft._replace(amount=posting.amount, base_amount=posting.base_amount)
    amount = entries.amount_of(text, posting.currency, f"Line {posting.line_no}")
    return draft._replace(amount=amount, base_amount=form.rates.base(amount, posting.currency, day))


class _Place(NamedTuple):
    """Where a line goes: its account, its cost centre (None: the account's own), its segments."""

    account: Account
    cost_center_id: int | None
    segments: str


def _wanted(form: Form, old: Posted, changes: Sequence[Change]) -> Mapping[int, _Place]:
    lines = {p.line_no: p for p in old.postings if p.book == 1}
    wanted: dict[int, _Place] = {}
    for change in changes:
        line = lines.get(change.line_no)
        if line is None:
            raise Invalid(f"{old.name} has no line {change.line_no}. Name a line it has.")
        account = form.account(change.account, f"Line {change.line_no}")
        if account.pk == line.counter_account_id:
            raise Invalid(
                f"Line {change.line_no}: {account.code} is the account the line stands against. "
                "Name another."
            )
        same_center = change.cost_center_id in (None, line.cost_center_id)
        coded = line.segments
        if change.segments is not None and change.segments.strip() != coded:
            coded = form.coding(change.segments, f"Line {change.line_no}", line.segments)
        if account.pk != line.account_id or not same_center or coded != line.segments:
            stays = line.cost_center_id if account.pk == line.account_id else None
            wanted[change.line_no] = _Place(account, change.cost_center_id or stays, coded)
    if not wanted:
        raise Invalid(f"{old.name}: every line stays where it was. Nothing was posted.")
    return wanted


def _moved(
    form: Form, posting: Posting, wanted: Mapping[int, _Place], period_id: int
) -> PostingDraft:
    draft = _opposite(form, posting, period_id)
    draft = draft._replace(amount=posting.amount, base_amount=posting.base_amount)
    if posting.line_no not in wanted:
        return draft
    account, cost_center_id, coded = wanted[posting.line_no]
    return draft._replace(
        account_id=account.pk,
        cost_center_id=cost_center_id or account.cost_center_id or posting.cost_center_id,
        node_id=form.chart.node_id(account),
        line=account.line,
        rule="distribution change",
        segments=coded,
    )


def old_unit(production: Production, old: Posted) -> Unit:
    """The unit the document was posted to: its correction is posted there too."""
    return selectors.unit_of_batch(production, old.key[0])

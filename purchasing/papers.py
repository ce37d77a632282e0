"""What every paper needs on its way into the journal: its lines, the orders they relieve, and its
place in the register. Services of this app build on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from access.errors import Invalid, NotFoundHere, Refused
from access.models import Production, User
from ledger import corrections
from ledger.corrections import Change
from ledger.entries import Amount, Form, amount_of
from ledger.journal import COMMITMENT, PostingDraft
from ledger.models import Account, Batch, Commitment
from purchasing import selectors
from purchasing.models import Entry, Fund, PurchaseOrder, Vendor
from purchasing.states import Standing, relief
from taxonomy.money import format_amount

# A distribution change is a batch of two documents: what was, taken back, and what is.
IS = 2


class OverRelief(Refused):
    """A cost is more than its order has open."""

    code = "E_OVER_RELIEF"


@dataclass(frozen=True, slots=True)
class CostLine:
    """A line as a person enters it. `order` and `order_line` name what it relieves; `is_final`
    says that nothing more will come on that line, and cancels what is left."""

    account: str
    amount: str
    description: str = ""
    order: str = ""
    order_line: int = 0
    is_final: bool = False
    segments: str = ""


@dataclass(slots=True)
class Relieved:
    """Orders' lines as a paper goes through them, so that two of its lines share what is open."""

    production: Production
    orders: dict[str, PurchaseOrder]
    lines: dict[tuple[str, int], selectors.CommittedLine]
    standings: dict[tuple[str, int], Standing]

    def line(self, order: str, line_no: int, where: str) -> selectors.CommittedLine:
        """The committed line; Invalid when the order or the line is not there to relieve."""
        if order not in self.orders:
            self._read(order, where)
        found = self.lines.get((order, line_no))
        if found is None:
            raise Invalid(
                f"{where}: {order} has no line {line_no} that is committed. "
                "Name one of its lines, or leave the order out."
            )
        return found

    def _read(self, number: str, where: str) -> None:
        order = selectors.order_by_number(self.production, number)
        if order is None or order.version == 0 or order.state == "void":
            raise Invalid(
                f"{where}: expected an open order, found {number!r}. "
                "Open the order first, or leave it out."
            )
        self.orders[number] = order
        for line in selectors.committed_lines(self.production, [order])[order.pk]:
            self.lines[number, line.line_no] = line
            self.standings[number, line.line_no] = line.standing


@dataclass(frozen=True, slots=True)
class Paper:
    """What is said of a paper once."""

    kind: str
    number: str
    day: date
    currency: str
    vendor: Vendor | None = None
    fund: Fund | None = None
    due_on: date | None = None
    accepts_over: bool = False


def say(amount: Decimal, currency: str) -> str:
    """An amount with its currency, as people write it."""
    return f"{format_amount(amount, currency)} {currency}"


def check_fits(form: Form, paper: Paper, order: PurchaseOrder, where: str) -> None:
    """A paper relieves an order of its own unit, currency and vendor."""
    if order.unit_id != form.unit.pk:
        raise Invalid(
            f"{where}: {order.number} is of unit {order.unit.code}, the {paper.kind} of "
            f"{form.unit.code}. Enter it in the order's unit."
        )
    if order.currency != paper.currency:
        raise Invalid(
            f"{where}: {order.number} is in {order.currency}, the {paper.kind} in "
            f"{paper.currency}. Enter it in the order's currency."
        )
    if paper.vendor is not None and order.vendor_id != paper.vendor.pk:
        raise Invalid(
            f"{where}: {order.number} is an order to {order.vendor.name}, not to "
            f"{paper.vendor.name}. Name that vendor's order, or leave it out."
        )


def cost_postings(
    form: Form, paper: Paper, counter: Account, lines: Sequence[CostLine]
) -> tuple[PostingDraft, ...]:
    """The legs of a paper's costs against `counter`, with the relief of the orders they name.

    Raises Invalid naming the line, and OverRelief when a line is more than its order has open and
    the paper does not accept that.
    """
    if not lines:
        raise Invalid(f"{paper.kind.capitalize()} {paper.number}: expected lines, found none.")
    relieved = Relieved(form.production, {}, {}, {})
    made: list[PostingDraft] = []
    for at, line in enumerate(lines, 1):
        where = f"Line {at}"
        account = form.account(line.account, where)
        amount = amount_of(line.amount, paper.currency, where)
        center = account.cost_center_id
        if line.order:
            made += relief_postings(form, paper, relieved, line, amount, where)
            center = relieved.orders[line.order].cost_center_id
        if center is None:
            raise Invalid(
                f"{where}: {account.code} {account.name} belongs to no department. "
                "Enter it in a journal, where a cost centre is named."
            )
        money = Amount(amount, paper.currency, paper.day)
        coded = form.coding(line.segments, where)
        made.append(form.posting(account, counter, center, money, segments=coded))
    return tuple(sorted(made, key=lambda p: p.book))


def relief_postings(
    form: Form, paper: Paper, relieved: Relieved, line: CostLine, amount: Decimal, where: str
) -> list[PostingDraft]:
    """What a cost of `amount` takes off the order its line names, in the commitment book.

    `relieved` remembers it for the paper's next line. Raises as `cost_postings` does.
    """
    committed = relieved.line(line.order, line.order_line, where)
    order = relieved.orders[line.order]
    check_fits(form, paper, order, where)
    key = line.order, line.order_line
    standing = relieved.standings[key]
    taken, over = relief(amount, standing)
    if over and not paper.accepts_over:
        raise OverRelief(
            f"{where}: {order.number} line {line.order_line} has "
            f"{say(standing.open, order.currency)} open, the {paper.kind} says "
            f"{say(amount, order.currency)}: {say(abs(over), order.currency)} over. Amend the "
            "order, or accept the overage."
        )
    standing = standing._replace(relieved=standing.relieved + taken)
    commitment = Commitment.objects.select_related("account").get(pk=committed.commitment_id)
    commitment_account = form.account(
        commitment.account.code, f"{order.number} line {line.order_line}"
    )
    steps = [("relieved", -taken)]
    if line.is_final:
        steps.append(("cancelled", -standing.open))
        standing = standing._replace(cancelled=standing.cancelled + standing.open)
    relieved.standings[key] = standing
    return [
        form.posting(
            commitment_account, form.role("book_control"), order.cost_center_id,
            Amount(value, order.currency, paper.day),
            component=component, book=COMMITMENT, commitment_id=committed.commitment_id,
            segments=commitment.segments,
        )
        for component, value in steps if value
    ]  # fmt: skip


def center_of(postings: Sequence[PostingDraft]) -> int | None:
    """The one cost centre all legs are of; None when there are several."""
    centers = {p.cost_center_id for p in postings}
    return centers.pop() if len(centers) == 1 else None


def register(
    *, actor: User, form: Form, paper: Paper, times: int, batch: Batch,
    postings: Sequence[PostingDraft], total: Decimal,
) -> Entry:  # fmt: skip
    """Enter a posted paper in the register, which was entered `times` before. The database refuses
    a number that stands already."""
    said: dict[str, Any] = {"vendor": paper.vendor, "fund": paper.fund, "due_on": paper.due_on}
    return Entry.objects.create(
        production=form.production,
        unit=form.unit,
        cost_center_id=center_of(postings),
        kind=paper.kind,
        number=paper.number,
        version=times + 1,
        currency=paper.currency,
        total=total,
        dated=paper.day,
        batch=batch,
        entered_by=actor,
        **said,
    )


def times_entered(form: Form, paper: Paper) -> int:
    """How often a paper of this number was entered: what is entered again after it was voided is
    another document, though every word of it be the same."""
    return Entry.objects.filter(
        production=form.production, kind=paper.kind, number=paper.number, vendor=paper.vendor,
        fund=paper.fund,
    ).count()  # fmt: skip


def refuse_double(form: Form, paper: Paper) -> None:
    """Refuse a number that stands already, in words, before anything is posted."""
    found = selectors.standing(
        form.production, paper.kind, paper.number, vendor=paper.vendor, fund=paper.fund
    )
    if found is not None:
        entry = found.entry
        whose = f" of {entry.vendor.name}" if entry.vendor else ""
        raise Refused(
            f"{paper.kind.capitalize()} {entry.number}{whose} was entered by "
            f"{entry.entered_by.name} on {entry.entered_at:%d %b %Y}, "
            f"{say(entry.total, entry.currency)}. Nothing was posted twice."
        )


def void_paper(
    *, actor: User, production: Production, entry_id: int, day: date, reason: str
) -> Batch:
    """Take a posted paper back: an invoice, a payment, a journal or an envelope.

    The journal's entries are reversed exactly; an order that was relieved is open again by as
    much. Raises Refused when it is void already, or an invoice that is paid.
    """
    found = selectors.paper(production, entry_id)
    if found is None:
        raise NotFoundHere
    entry = found.entry
    if found.settled:
        raise Refused(
            f"{entry.kind.capitalize()} {entry.number} is paid "
            f"({say(found.settled, entry.currency)}): void the payment first."
        )
    key = entry.batch_id, entry.transaction_number
    return corrections.reverse_document(
        actor=actor, production=production, key=key, day=day, reason=reason
    )


@transaction.atomic
def redistribute_paper(
    *, actor: User, production: Production, entry: Entry, day: date, reason: str,
    changes: Sequence[Change],
) -> Batch:  # fmt: skip
    """Move lines of a posted paper to other accounts; the paper stands as what they became.

    Raises Refused for one that is paid, and what `corrections.change_distribution` raises.
    """
    found = selectors.paper(production, entry.pk)
    if found is None:
        raise NotFoundHere
    if found.settled:
        raise Refused(
            f"{entry.kind.capitalize()} {entry.number} is paid "
            f"({say(found.settled, entry.currency)}): void the payment first, or move the cost "
            "by a journal."
        )
    batch = corrections.change_distribution(
        actor=actor, production=production, key=(entry.batch_id, entry.transaction_number),
        day=day, reason=reason, changes=changes,
    )  # fmt: skip
    centers = selectors.centers_of(production, batch.pk, IS)
    Entry.objects.create(
        production=production,
        unit_id=entry.unit_id,
        cost_center_id=centers.pop() if len(centers) == 1 else None,
        kind=entry.kind,
        number=entry.number,
        version=selectors.newest_version(entry) + 1,
        vendor=entry.vendor,
        fund=entry.fund,
        currency=entry.currency,
        total=entry.total,
        dated=entry.dated,
        due_on=entry.due_on,
        batch=batch,
        transaction_number=IS,
        entered_by=actor,
    )
    return batch

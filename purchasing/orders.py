"""Purchase orders: drafted, approved by somebody else, opened, amended, closed, voided."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from access.errors import Invalid, Refused
from access.models import Production, User
from ledger import entries
from ledger.entries import Amount, Form
from ledger.journal import COMMITMENT, PostingDraft
from ledger.models import Commitment
from purchasing import selectors
from purchasing.models import OrderCommitment, OrderLine, PurchaseOrder, Vendor, VendorTaxNumber
from purchasing.papers import say
from purchasing.states import APPROVED, DRAFT, OPEN, VOID, ZERO, Standing, status
from taxonomy import money
from taxonomy.models import CostCenter, Unit

KINDS = ("purchase", "service", "rental")
PREFIX = "PO-"
LONGEST_NUMBER = 16


@dataclass(frozen=True, slots=True)
class LinePlan:
    """A line as it is asked for: `quantity` of something at `rate` each."""

    account: str
    quantity: str
    rate: str
    description: str = ""
    segments: str = ""


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """An order as it is asked for. A rental says from when to when."""

    unit: Unit
    cost_center: CostCenter
    vendor: Vendor
    kind: str
    currency: str
    ordered_on: date
    lines: tuple[LinePlan, ...]
    description: str = ""
    rental_starts_on: date | None = None
    rental_ends_on: date | None = None
    # The number it has already, where it comes from elsewhere, and what says so.
    number: str = ""
    reason: str = ""


class WrongStep(Refused):
    """An order in this state does not take that step."""

    code = "E_STATE"


def add_vendor(
    *, actor: User, production: Production, name: str, tax_id: str = "", terms_days: int = 30
) -> Vendor:
    """Add a vendor. Raises Invalid when there is one of that name, or the name is empty."""
    assert actor.is_active
    if not name.strip():
        raise Invalid("Vendor: expected a name, found nothing.")
    if selectors.vendor_by_name(production, name) is not None:
        raise Invalid(f"Vendor: {name.strip()} is a vendor already. Use that one.")
    if not 0 <= terms_days <= 365:
        raise Invalid(f"Terms: expected 0 to 365 days, found {terms_days}.")
    made = Vendor.objects.create(production=production, name=name.strip(), terms_days=terms_days)
    if number := tax_id.strip():
        VendorTaxNumber.objects.create(production=production, vendor=made, number=number)
    return made


def _check(plan: OrderPlan) -> None:
    if plan.kind not in KINDS:
        raise Invalid(f"Type: expected {', '.join(KINDS)}, found {plan.kind!r}.")
    try:
        money.minor_units(plan.currency)
    except money.UnknownCurrency as error:
        raise Invalid(f"Currency: {error}") from None
    starts, ends = plan.rental_starts_on, plan.rental_ends_on
    if plan.kind == "rental" and (starts is None or ends is None):
        raise Invalid("Rental: expected the first and the last day, found none. Name both.")
    if starts and ends and ends < starts:
        raise Invalid(f"Rental: it ends on {ends}, before it starts on {starts}.")
    if not plan.vendor.is_active:
        raise Invalid(f"Vendor: {plan.vendor.name} is not in use any more.")


@transaction.atomic
def create_order(*, actor: User, production: Production, plan: OrderPlan) -> PurchaseOrder:
    """Draft an order with the next free number, or the one it has. Raises Invalid naming the line
    at fault, and Refused when there is an order of that number."""
    _check(plan)
    form = entries.form_for(production, plan.unit)
    order = PurchaseOrder.objects.create(
        production=production,
        unit=plan.unit,
        cost_center=plan.cost_center,
        number=_free_number(production, plan.number.strip()),
        vendor=plan.vendor,
        kind=plan.kind,
        currency=plan.currency,
        description=plan.description,
        rental_starts_on=plan.rental_starts_on,
        rental_ends_on=plan.rental_ends_on,
        requested_by=actor,
        ordered_on=plan.ordered_on,
        reason=plan.reason,
    )
    _write_lines(form, order, 1, plan.lines)
    return order


def _free_number(production: Production, number: str) -> str:
    following = selectors.next_number(production, "order", PREFIX)
    if not number:
        return following
    if len(number) > LONGEST_NUMBER:
        raise Invalid(f"Number: expected at most {LONGEST_NUMBER} characters, found {number!r}.")
    if selectors.order_by_number(production, number) is not None:
        raise Refused(f"There is an order {number} already. {following} is free.")
    return number


def _write_lines(
    form: Form, order: PurchaseOrder, version: int, lines: Sequence[LinePlan]
) -> list[OrderLine]:
    if not lines:
        raise Invalid(f"{order.number}: expected lines, found none.")
    made, kept = [], selectors.coded_lines(order)
    for at, line in enumerate(lines, 1):
        where = f"Line {at}"
        account = form.account(line.account, where)
        if account.statement != "cost":
            raise Invalid(f"{where}: {account.code} {account.name} is no cost account.")
        quantity = _quantity(line.quantity, where)
        rate = entries.amount_of(line.rate, order.currency, f"{where}, rate")
        amount = money.round_half_up(quantity * rate, order.currency)
        if amount <= 0:
            raise Invalid(f"{where}: expected an amount above zero, found {amount}.")
        made.append(
            OrderLine(
                production=form.production,
                unit_id=order.unit_id,
                order=order,
                version=version,
                line_no=at,
                account=account,
                cost_center_id=order.cost_center_id,
                description=line.description,
                quantity=quantity,
                rate=rate,
                amount=amount,
                segments=form.coding(line.segments, where, kept.get(at, "")),
            )
        )
    return OrderLine.objects.bulk_create(made)


def _quantity(text: str, where: str) -> Decimal:
    try:
        quantity = money.parse_amount(text.strip(), entries.TYPED)
    except money.AmountError as error:
        raise Invalid(f"{where}, quantity: {error}") from None
    if quantity <= 0 or quantity != round(quantity, 3) or quantity >= 10**9:
        raise Invalid(f"{where}, quantity: expected a number above zero, found {text!r}.")
    return quantity


def _step(order: PurchaseOrder, wanted: str, **changed: Any) -> PurchaseOrder:
    """Take one step if the order is still as it was read; else somebody was quicker."""
    still = PurchaseOrder.objects.filter(
        pk=order.pk, state=order.state, version=order.version, drafted=order.drafted
    )
    if still.update(state=wanted, **changed) != 1:
        raise WrongStep(f"{order.number} was changed by somebody else. Look again.")
    order.refresh_from_db()
    return order


def _must_be(order: PurchaseOrder, *states: str, to: str) -> None:
    if order.state not in states:
        raise WrongStep(f"{order.number} is {order.state}: it cannot be {to}.")


def approve_order(
    *, actor: User, order: PurchaseOrder, drafted: int | None = None
) -> PurchaseOrder:
    """Approve a draft. Raises Refused when whoever approves is who asked for it.

    `drafted` is the version they looked at: WrongStep when it is no longer the newest.
    """
    _must_be(order, DRAFT, to="approved")
    if drafted is not None and drafted != order.drafted:
        raise WrongStep(
            f"{order.number} was drafted anew since you looked: it is version {order.drafted} "
            f"now, you saw version {drafted}. Look again."
        )
    if order.requested_by_id == actor.pk:
        raise Refused(f"{order.number} was asked for by you: somebody else approves it.")
    return _step(order, APPROVED, approved_by=actor)


def send_back(*, actor: User, order: PurchaseOrder, reason: str) -> PurchaseOrder:
    """Make an approved order a draft again, with the reason."""
    assert actor.is_active
    _must_be(order, APPROVED, to="sent back")
    return _step(order, DRAFT, approved_by=None, reason=_reason(order, reason))


def _reason(order: PurchaseOrder, reason: str) -> str:
    if not reason.strip():
        raise Invalid(f"{order.number}: expected a reason, found nothing.")
    return reason.strip()


@transaction.atomic
def amend_order(
    *, actor: User, order: PurchaseOrder, lines: Sequence[LinePlan], reason: str
) -> PurchaseOrder:
    """Draft the order's next version; it is approved and opened like the first.

    What is committed stays so until then. Lines keep their numbers: a line is taken off by an
    amendment that no longer has it, and only from the end.
    """
    assert actor.is_active
    _must_be(order, DRAFT, APPROVED, OPEN, to="amended")
    if order.state == APPROVED:
        order = send_back(actor=actor, order=order, reason=reason)
    version = order.drafted + 1
    order = _step(order, DRAFT, drafted=version, approved_by=None, reason=_reason(order, reason))
    form = entries.form_for(order.production, order.unit)
    made = _write_lines(form, order, version, lines)
    _check_amendment(order, made)
    return order


def _check_amendment(order: PurchaseOrder, lines: Sequence[OrderLine]) -> None:
    """A committed line stays on its account, and at no less than what relieved it; also one that
    was taken off and is there again."""
    if order.version == 0:
        return
    amounts = {line.line_no: line for line in lines}
    committed = selectors.committed_lines(order.production, [order])[order.pk]
    commitments = _commitments(committed)
    for line in committed:
        now, relieved = amounts.get(line.line_no), line.standing.relieved
        before = commitments[line.commitment_id]
        if now is not None and now.account_id != before.account_id:
            raise Invalid(
                f"Line {line.line_no} is committed on {before.account.code}: add a "
                "line for the other account, and take this one down to what relieved it."
            )
        if now is not None and now.segments != before.segments:
            raise Invalid(
                f"Line {line.line_no}, segments: it is committed on "
                f"{before.segments or 'none'}. Add a line for the others, and take "
                "this one down to what relieved it."
            )
        if (now.amount if now else ZERO) < relieved:
            raise Invalid(
                f"Line {line.line_no}: {say(relieved, order.currency)} are relieved already, so it "
                f"cannot be {say(now.amount, order.currency) if now else 'taken off'}."
            )


def _commitments(lines: Sequence[selectors.CommittedLine]) -> dict[int, Commitment]:
    found = Commitment.objects.filter(pk__in=[line.commitment_id for line in lines])
    return {c.pk: c for c in found.select_related("account")}


def withdraw_amendment(*, actor: User, order: PurchaseOrder) -> PurchaseOrder:
    """Leave an opened order as it is in force, without its drafted amendment."""
    assert actor.is_active
    if order.version == 0:
        raise WrongStep(f"{order.number} is not open yet: void it if it is not wanted.")
    _must_be(order, DRAFT, to="left as it was")
    return _step(order, OPEN)


@transaction.atomic
def open_order(*, actor: User, order: PurchaseOrder, day: date) -> PurchaseOrder:
    """Commit the approved version: the difference to what is committed is posted.

    The first opening posts every line as ordered; an amendment posts what each line gains as
    ordered, and what it loses as cancelled.
    """
    _must_be(order, APPROVED, to="opened")
    form = entries.form_for(order.production, order.unit)
    known = {c.line_no: c for c in selectors.committed_lines(order.production, [order])[order.pk]}
    wanted = {line.line_no: line for line in selectors.lines_of(order, order.drafted)}
    every = {line.line_no: line for line in selectors.lines_of(order, order.version)} | wanted
    postings = []
    for line_no, line in sorted(every.items()):
        committed = known.get(line_no)
        standing = committed.standing if committed else Standing(ZERO, ZERO, ZERO)
        now = wanted[line_no].amount if line_no in wanted else ZERO
        change = now - (standing.ordered - standing.cancelled)
        if not change:
            continue
        commitment_id = committed.commitment_id if committed else _commit(order, wanted[line_no])
        component = "ordered" if change > 0 else "cancelled"
        postings.append(
            _leg(form, order, line, Amount(change, order.currency, day), component, commitment_id)
        )
    version = order.drafted
    order = _step(order, OPEN, version=version)
    if postings:
        _post(actor, form, order, f"order v{version}", postings, day)
    return order


def _commit(order: PurchaseOrder, line: OrderLine) -> int:
    commitment = Commitment.objects.create(
        production_id=order.production_id,
        unit_id=order.unit_id,
        account_id=line.account_id,
        cost_center_id=order.cost_center_id,
        currency=order.currency,
        reference=f"{order.number}/{line.line_no}",
        segments=line.segments,
    )
    OrderCommitment.objects.create(
        production_id=order.production_id,
        unit_id=order.unit_id,
        order=order,
        cost_center_id=order.cost_center_id,
        line_no=line.line_no,
        commitment=commitment,
    )
    return commitment.pk


def _leg(
    form: Form, order: PurchaseOrder, line: OrderLine | Commitment, amount: Amount,
    component: str, commitment_id: int,
) -> PostingDraft:  # fmt: skip
    return form.posting(
        form.account(line.account.code, order.number), form.role("book_control"),
        order.cost_center_id, amount, component=component, book=COMMITMENT,
        commitment_id=commitment_id, segments=line.segments,
    )  # fmt: skip


def _post(
    actor: User, form: Form, order: PurchaseOrder, what: str, postings: Sequence[PostingDraft],
    day: date,
) -> None:  # fmt: skip
    lines = [asdict(LinePlan(x.account.code, str(x.quantity), str(x.rate), x.description,
                             x.segments))
             for x in selectors.lines_of(order, order.version)]  # fmt: skip
    entry = entries.Entry(
        order.number, order.vendor.name, order.description or what, day, tuple(postings)
    )
    amounts = [[p.component, p.commitment_id, str(p.amount)] for p in postings]
    standing = selectors.committed_lines(order.production, [order])[order.pk]
    said = {
        "order": order.number, "what": what, "lines": lines, "posted": amounts,
        "before": [[c.line_no, *map(str, c.standing)] for c in standing], "day": day.isoformat(),
        "reason": order.reason,
    }  # fmt: skip
    entries.enter(actor=actor, form=form, kind="order", said=said, entries=[entry])


@transaction.atomic
def close_order(*, actor: User, order: PurchaseOrder, day: date, reason: str) -> PurchaseOrder:
    """Cancel whatever is still open; nothing more is expected on the order."""
    _must_be(order, OPEN, to="closed")
    lines = selectors.committed_lines(order.production, [order])[order.pk]
    if status(order.state, [line.standing for line in lines]) == "closed":
        raise WrongStep(f"{order.number} has nothing open: it is closed already.")
    _cancel(actor, order, lines, day, reason)
    return order


@transaction.atomic
def void_order(*, actor: User, order: PurchaseOrder, day: date, reason: str) -> PurchaseOrder:
    """Take an order back that nothing has relieved. Raises WrongStep when something has."""
    _must_be(order, DRAFT, APPROVED, OPEN, to="voided")
    lines = selectors.committed_lines(order.production, [order])[order.pk]
    if any(line.standing.relieved for line in lines):
        raise WrongStep(
            f"{order.number} is relieved in part: close it, or void what relieved it first."
        )
    if order.version and order.state != OPEN:
        raise WrongStep(f"{order.number} has an amendment drafted: withdraw that first.")
    if any(line.standing.open for line in lines):
        _cancel(actor, order, lines, day, reason)
    return _step(order, VOID, reason=_reason(order, reason))


def _cancel(
    actor: User, order: PurchaseOrder, lines: Sequence[selectors.CommittedLine], day: date,
    reason: str,
) -> None:  # fmt: skip
    form = entries.form_for(order.production, order.unit)
    commitments = _commitments(lines)
    legs = [
        _leg(form, order, commitments[line.commitment_id],
             Amount(-line.standing.open, order.currency, day), "cancelled", line.commitment_id)
        for line in lines
        if line.standing.open
    ]  # fmt: skip
    _post(actor, form, order, f"cancelled: {_reason(order, reason)}", legs, day)

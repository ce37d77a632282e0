"""Payments: payables against the bank, and which invoice was paid by how much."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db import transaction

from access.errors import Invalid, NotFoundHere, Refused
from access.models import Production, User
from ledger import differences, entries
from ledger.differences import Debt
from ledger.entries import Amount, Form, amount_of
from ledger.journal import ACTUAL, PostingDraft
from ledger.models import Account, Posting
from purchasing import papers, selectors
from purchasing.models import Entry, Settlement, Vendor
from purchasing.papers import Paper
from purchasing.states import ZERO


@dataclass(frozen=True, slots=True)
class PaymentPlan:
    """A payment to one vendor: by which number (check, wire), and what of which invoice."""

    vendor: Vendor
    number: str
    day: date
    invoices: tuple[tuple[int, str], ...]
    bank: str = ""


@transaction.atomic
def pay_invoices(*, actor: User, production: Production, plan: PaymentPlan) -> Entry:
    """Pay invoices of one vendor in full or in part: payables against the bank.

    Each invoice's payables are taken down where they stand, cost centre by cost centre. Raises
    Invalid when an invoice is not open, of another vendor, currency or unit, or is overpaid.
    """
    chosen = _chosen(production, plan)
    first = chosen[0][0].entry
    form = entries.form_for(production, first.unit, [plan.bank])
    bank = form.account(plan.bank, "Bank") if plan.bank else form.role("bank")
    paper = Paper("payment", plan.number.strip(), plan.day, first.currency, plan.vendor)
    if not paper.number:
        raise Invalid("Payment: expected the number of the check or wire, found nothing.")
    papers.refuse_double(form, paper)
    postings: list[PostingDraft] = []
    settled = []
    for found, text in chosen:
        amount = amount_of(text, first.currency, f"Invoice {found.entry.number}")
        if abs(amount) > abs(found.open) or (amount > 0) != (found.open > 0):
            raise Invalid(
                f"Invoice {found.entry.number} has {papers.say(found.open, first.currency)} open, "
                f"found {papers.say(amount, first.currency)}. Pay at most what is open."
            )
        settled.append((found.entry, amount))
        postings += _legs(form, bank, found, amount, plan.day)
    times = papers.times_entered(form, paper)
    said = {
        "vendor": plan.vendor.name, "number": paper.number, "day": plan.day.isoformat(),
        "bank": bank.code, "invoices": [[e.number, e.version, str(a)] for e, a in settled],
        "version": times,
    }  # fmt: skip
    total = sum((p.amount for p in postings), ZERO)
    entry = entries.Entry(paper.number, plan.vendor.name, "", plan.day, tuple(postings))
    batch = entries.enter(actor=actor, form=form, kind="payment", said=said, entries=[entry])
    payment = papers.register(
        actor=actor,
        form=form,
        paper=paper,
        times=times,
        batch=batch,
        postings=postings,
        total=total,
    )
    for invoice, amount in settled:
        Settlement.objects.create(
            production=production, unit=invoice.unit, cost_center_id=invoice.cost_center_id,
            payment=payment, invoice=invoice, amount=amount,
        )  # fmt: skip
    return payment


def _legs(
    form: Form, bank: Account, found: selectors.Paper, amount: Decimal, day: date
) -> list[PostingDraft]:
    """The payment of one invoice, cost centre by cost centre; where it is in foreign money, with
    what its rate has moved since the invoice."""
    invoice = found.entry
    key = invoice.batch_id, invoice.transaction_number
    carried = differences.carried_by_center(form.production, key)
    legs: list[PostingDraft] = []
    for center, part, debt in _by_center(found, amount):
        money = Amount(part, invoice.currency, day)
        line = form.posting(form.role("payables"), bank, center, money, component="payment")
        legs.append(line)
        moved = differences.settlement_difference(
            form, debt=replace(debt, base=carried.get(center)), paid=money, payment=line
        )
        if moved.posting is not None:
            legs.append(moved.posting)
    return legs


def _chosen(production: Production, plan: PaymentPlan) -> list[tuple[selectors.Paper, str]]:
    chosen = []
    for entry_id, text in plan.invoices:
        found = selectors.paper(production, entry_id)
        if found is None or found.entry.kind != "invoice":
            raise NotFoundHere
        if not found.open:
            raise Invalid(f"Invoice {found.entry.number} is {found.status}: nothing is open.")
        chosen.append((found, text))
    if not chosen:
        raise Invalid("Payment: expected invoices to pay, found none. Tick at least one.")
    kinds = {(f.entry.vendor_id, f.entry.currency, f.entry.unit_id) for f, _ in chosen}
    if len(kinds) > 1 or chosen[0][0].entry.vendor_id != plan.vendor.pk:
        raise Invalid(
            "Payment: its invoices are of several vendors, currencies or units. Pay each apart."
        )
    if len({f.entry.pk for f, _ in chosen}) != len(chosen):
        raise Invalid("Payment: an invoice stands in it twice. Name each once.")
    return chosen


def _by_center(found: selectors.Paper, amount: Decimal) -> list[tuple[int, Decimal, Debt]]:
    sums: dict[int, Decimal] = {}
    invoice = found.entry
    for posting in Posting.objects.filter(
        production_id=invoice.production_id, batch_id=invoice.batch_id,
        transaction_number=invoice.transaction_number, book=ACTUAL,
    ).order_by("line_no"):  # fmt: skip
        center = posting.cost_center_id
        sums[center] = sums.get(center, ZERO) + posting.amount
    parts = spread(sums, found.settled, amount)
    if parts is None:
        raise Refused(
            f"Invoice {invoice.number} credits one department and charges another: it is paid in "
            "full or not at all."
        )
    before = dict(spread(sums, ZERO, found.settled) or []) if found.settled else {}
    return [
        (center, part, Debt(sums[center], None, before.get(center, ZERO))) for center, part in parts
    ]


def spread(
    sums: dict[int, Decimal], before: Decimal, amount: Decimal
) -> list[tuple[int, Decimal]] | None:
    """A payment of `amount` over an invoice's cost centres, after `before` was paid of it.

    The cost centres are paid one after the other, in the order of the invoice's lines: nothing
    need be rounded, and the last payment completes each. None for a part of an invoice whose cost
    centres have different signs.
    """
    if not before and amount == sum(sums.values(), ZERO):
        return [(center, whole) for center, whole in sums.items() if whole]
    if len({whole > 0 for whole in sums.values() if whole}) > 1:
        return None
    parts = []
    skip, left, sign = abs(before), abs(amount), 1 if amount > 0 else -1
    for center, whole in sums.items():
        here = max(abs(whole) - skip, ZERO)
        skip = max(skip - abs(whole), ZERO)
        if part := min(here, left):
            parts.append((center, sign * part))
            left -= part
    return parts

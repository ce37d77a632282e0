"""Vendor invoices: costs against payables, and the orders they relieve."""

from dataclasses import asdict, dataclass
from datetime import date, timedelta

from django.db import transaction

from access.errors import Invalid
from access.models import Production, User
from ledger import entries
from ledger.entries import Source
from ledger.journal import ACTUAL
from purchasing import papers
from purchasing.models import Entry, Vendor
from purchasing.papers import CostLine, Paper
from purchasing.states import ZERO
from taxonomy.models import Unit


@dataclass(frozen=True, slots=True)
class InvoicePlan:
    """An invoice as it came. Without `due_on` the vendor's terms count from its date."""

    unit: Unit
    vendor: Vendor
    number: str
    dated: date
    currency: str
    lines: tuple[CostLine, ...]
    due_on: date | None = None
    description: str = ""
    accepts_over: bool = False


@transaction.atomic
def enter_invoice(
    *, actor: User, production: Production, plan: InvoicePlan, source: Source | None = None
) -> Entry:
    """Post an invoice: costs against payables, and the relief of the orders its lines name.
    `source` is where a file has it.

    Raises Refused when the vendor's invoice of that number stands already, OverRelief when a line
    passes its order and `accepts_over` is not set, and Invalid naming the line at fault.
    """
    number = plan.number.strip()
    if not number:
        raise Invalid("Invoice: expected its number, found nothing.")
    due_on = plan.due_on or plan.dated + timedelta(days=plan.vendor.terms_days)
    paper = Paper(
        "invoice", number, plan.dated, plan.currency, plan.vendor, None, due_on, plan.accepts_over
    )
    form = entries.form_for(production, plan.unit, [line.account for line in plan.lines])
    papers.refuse_double(form, paper)
    postings = papers.cost_postings(form, paper, form.role("payables"), plan.lines)
    times = papers.times_entered(form, paper)
    said = {
        "vendor": plan.vendor.name, "number": number, "dated": plan.dated.isoformat(),
        "due_on": due_on.isoformat(), "currency": plan.currency, "unit": plan.unit.code,
        "lines": [asdict(line) for line in plan.lines], "accepts_over": plan.accepts_over,
        "version": times,
    }  # fmt: skip
    entry = entries.Entry(number, plan.vendor.name, plan.description, plan.dated, postings)
    batch = entries.enter(
        actor=actor, form=form, kind="invoice", said=said, entries=[entry], source=source
    )
    total = sum((p.amount for p in postings if p.book == ACTUAL), ZERO)
    return papers.register(
        actor=actor,
        form=form,
        paper=paper,
        times=times,
        batch=batch,
        postings=postings,
        total=total,
    )

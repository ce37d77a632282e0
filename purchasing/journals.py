"""Journal entries: as many legs as it takes, zero in each currency."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from django.db import transaction

from access.errors import Invalid
from access.models import Production, User
from ledger import entries
from ledger.entries import Amount, Form, Source, amount_of
from ledger.journal import ACTUAL, PostingDraft
from ledger.models import Account
from purchasing import papers, selectors
from purchasing.models import Entry
from purchasing.papers import CostLine, Paper, Relieved
from purchasing.states import ZERO
from taxonomy.models import CostCenter, Unit

PREFIX = "JE-"


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One leg: a debit or a credit on an account. `cost_center` is a code, needed where the
    account has no department of its own; `order` and `order_line` name what a cost relieves."""

    account: str
    debit: str = ""
    credit: str = ""
    cost_center: str = ""
    order: str = ""
    order_line: int = 0
    segments: str = ""


@dataclass(frozen=True, slots=True)
class JournalPlan:
    """A journal entry, in its own currency."""

    unit: Unit
    day: date
    currency: str
    description: str
    lines: tuple[JournalLine, ...]
    number: str


@transaction.atomic
def enter_journal(
    *, actor: User, production: Production, plan: JournalPlan, cost_centers: Sequence[CostCenter],
    source: Source | None = None,
) -> Entry:  # fmt: skip
    """Post a journal entry through the clearing account, where it must come out at zero.

    `source` names the rows of the file it stands in, where it was not typed. Raises Refused when a
    journal of that number stands already, and Invalid naming the line at fault, or by how much
    debits and credits differ.
    """
    form = entries.form_for(production, plan.unit, [line.account for line in plan.lines])
    number = plan.number.strip()
    if not number:  # taking the next one here would post a journal twice that was sent twice
        following = selectors.next_number(production, "journal", PREFIX)
        raise Invalid(f"Journal: expected its number, found nothing. {following} is free.")
    paper = Paper("journal", number, plan.day, plan.currency)
    papers.refuse_double(form, paper)
    centers = {c.code: c.pk for c in cost_centers}
    relieved = Relieved(production, {}, {}, {})
    legs: list[PostingDraft] = []
    for at, line in enumerate(plan.lines, 1):
        legs += _legs(form, paper, relieved, line, centers, f"Line {at}")
    actual = [leg for leg in legs if leg.book == ACTUAL]
    difference = sum((leg.amount for leg in actual), ZERO)
    if len(actual) < 2 or difference:
        side = "debits" if difference > 0 else "credits"
        raise Invalid(
            f"Journal {number}: expected debits and credits alike, found "
            f"{papers.say(abs(difference), plan.currency)} more {side}."
            if difference
            else f"Journal {number}: expected two lines or more, found {len(actual)}."
        )
    postings = tuple(sorted(legs, key=lambda leg: leg.book))
    times = papers.times_entered(form, paper)
    said = {
        "number": number, "day": plan.day.isoformat(), "currency": plan.currency,
        "description": plan.description, "lines": [asdict(line) for line in plan.lines],
        "version": times,
    }  # fmt: skip
    entry = entries.Entry(number, "", plan.description, plan.day, postings)
    batch = entries.enter(
        actor=actor, form=form, kind="journal", said=said, entries=[entry], source=source
    )
    total = sum((leg.amount for leg in actual if leg.amount > 0), ZERO)
    return papers.register(
        actor=actor, form=form, paper=paper, times=times, batch=batch, postings=postings,
        total=total,
    )  # fmt: skip


def _legs(
    form: Form, paper: Paper, relieved: Relieved, line: JournalLine, centers: dict[str, int],
    where: str,
) -> list[PostingDraft]:  # fmt: skip
    account = form.account(line.account, where)
    if bool(line.debit.strip()) == bool(line.credit.strip()):
        raise Invalid(f"{where}: expected a debit or a credit, found both or neither.")
    text = line.debit if line.debit.strip() else line.credit
    amount = amount_of(text, paper.currency, where)
    if line.credit.strip():
        amount = -amount
    center = _center(account, line, centers, where)
    clearing = form.role("journal_clearing")
    if account.pk == clearing.pk:
        raise Invalid(f"{where}: {account.code} is what every journal goes through. Name another.")
    money = Amount(amount, paper.currency, paper.day)
    coded = form.coding(line.segments, where)
    legs = [form.posting(account, clearing, center, money, component="journal", segments=coded)]
    if line.order:
        asked = CostLine(line.account, str(amount), "", line.order, line.order_line)
        legs += papers.relief_postings(form, paper, relieved, asked, amount, where)
    return legs


def _center(account: Account, line: JournalLine, centers: dict[str, int], where: str) -> int:
    if line.cost_center:
        found = centers.get(line.cost_center.strip().upper())
        if found is None:
            raise Invalid(f"{where}: expected a cost centre, found {line.cost_center!r}.")
        return found
    if account.cost_center_id is None:
        raise Invalid(
            f"{where}: {account.code} {account.name} belongs to no department. "
            "Name the cost centre."
        )
    return account.cost_center_id

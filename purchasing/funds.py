"""Petty cash and purchase cards: what a custodian is given, spends, is given back, and returns.

Imprest: an envelope of receipts debits the costs and credits the custodian's account, and a
reimbursement restores the float. A card's envelope codes what the card was charged, against its
clearing account; its replenishment is apart.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction

from access.errors import Invalid, Refused
from access.models import Production, User
from ledger import entries
from ledger.entries import Amount, Source, amount_of
from ledger.journal import ACTUAL
from purchasing import papers, selectors
from purchasing.models import Entry, Fund
from purchasing.papers import CostLine, Paper
from purchasing.states import ZERO
from taxonomy import money
from taxonomy.models import CostCenter, Unit

# Kind of fund -> the standard account it stands on when none is named.
ROLES = {"petty_cash": "petty_cash", "card": "card_clearing"}
# What moves between the bank and the fund, and in which direction the fund's balance goes.
MOVES = {"advance": 1, "reimbursement": 1, "return": -1}


@dataclass(frozen=True, slots=True)
class FundPlan:
    """A float or card as it is opened. `account` is its own; empty for the standard one."""

    unit: Unit
    cost_center: CostCenter
    kind: str
    custodian: str
    currency: str
    imprest: str
    account: str = ""


def open_fund(*, actor: User, production: Production, plan: FundPlan) -> Fund:
    """Open a custodian's float or card. No money moves: the first advance does that."""
    assert actor.is_active
    if plan.kind not in ROLES:
        raise Invalid(f"Fund: expected petty_cash or card, found {plan.kind!r}.")
    if not plan.custodian.strip():
        raise Invalid("Fund: expected who holds it, found nothing.")
    try:
        money.minor_units(plan.currency)
    except money.UnknownCurrency as error:
        raise Invalid(f"Currency: {error}") from None
    held = selectors.funds(production).filter(
        kind=plan.kind, custodian__iexact=plan.custodian.strip()
    )
    if held.exists():
        raise Refused(f"{plan.custodian.strip()} holds such a fund already. Use that one.")
    form = entries.form_for(production, plan.unit)
    named = plan.account.strip()
    account = form.account(named, "Account") if named else form.role(ROLES[plan.kind])
    if account.clearing_role in ("journal_clearing", "book_control"):
        raise Invalid(f"Account: {account.code} {account.name} is held by nobody.")
    if account.statement == "cost":
        raise Invalid(f"Account: {account.code} {account.name} is a cost account.")
    return Fund.objects.create(
        production=production,
        unit=plan.unit,
        cost_center=plan.cost_center,
        kind=plan.kind,
        custodian=plan.custodian.strip(),
        account=account,
        currency=plan.currency,
        imprest=amount_of(plan.imprest, plan.currency, "Imprest"),
    )


@transaction.atomic
def move_cash(
    *, actor: User, fund: Fund, kind: str, number: str, day: date, amount: str, bank: str = ""
) -> Entry:
    """Advance, reimburse or return cash: the fund's account against the bank.

    A return may not be more than the custodian holds.
    """
    if kind not in MOVES:
        raise Invalid(f"Cash: expected {', '.join(MOVES)}, found {kind!r}.")
    _must_be_open(fund)
    form = entries.form_for(fund.production, fund.unit, [fund.account.code, bank])
    paper = Paper(kind, number.strip(), day, fund.currency, None, fund)
    _numbered(paper)
    papers.refuse_double(form, paper)
    value = amount_of(amount, fund.currency, kind.capitalize())
    if value < 0:
        raise Invalid(f"{kind.capitalize()}: expected an amount above zero, found {value}.")
    _lock(fund)
    held = selectors.fund_balance(fund)
    if kind == "return" and value > held:
        raise Refused(
            f"{fund.custodian} holds {papers.say(held, fund.currency)}, less than "
            f"{papers.say(value, fund.currency)}."
        )
    account = form.account(fund.account.code, "Fund")
    other = form.account(bank, "Bank") if bank else form.role("bank")
    leg = form.posting(
        account, other, fund.cost_center_id, Amount(MOVES[kind] * value, fund.currency, day),
        component=kind[:16],
    )  # fmt: skip
    times = papers.times_entered(form, paper)
    said = {"fund": fund.custodian, "number": paper.number, "day": day.isoformat(),
            "amount": str(value), "bank": other.code,
            "version": times}  # fmt: skip
    entry = entries.Entry(paper.number, fund.custodian, kind, day, (leg,))
    batch = entries.enter(actor=actor, form=form, kind=kind[:12], said=said, entries=[entry])
    return papers.register(
        actor=actor, form=form, paper=paper, times=times, batch=batch, postings=(leg,), total=value
    )


@transaction.atomic
def post_envelope(
    *, actor: User, fund: Fund, number: str, day: date, lines: Sequence[CostLine],
    accepts_over: bool = False, source: Source | None = None,
) -> Entry:  # fmt: skip
    """Post an envelope of receipts: costs against the fund's account, orders relieved.

    `source` names the rows of the file it stands in, where it was not typed.
    Petty cash cannot spend more than the custodian holds; a card can, and shows what it owes.
    """
    _must_be_open(fund)
    named = [fund.account.code, *(line.account for line in lines)]
    form = entries.form_for(fund.production, fund.unit, named)
    paper = Paper("envelope", number.strip(), day, fund.currency, None, fund, None, accepts_over)
    _numbered(paper)
    papers.refuse_double(form, paper)
    account = form.account(fund.account.code, "Fund")
    postings = papers.cost_postings(form, paper, account, lines)
    total = sum((p.amount for p in postings if p.book == ACTUAL), ZERO)
    _lock(fund)
    held = selectors.fund_balance(fund)
    if fund.kind == "petty_cash" and total > held:
        raise Refused(
            f"Envelope {paper.number} is {papers.say(total, fund.currency)}, "
            f"{fund.custodian} holds {papers.say(held, fund.currency)}. "
            "Post the missing advance first, or take receipts out."
        )
    times = papers.times_entered(form, paper)
    said = {"fund": fund.custodian, "number": paper.number, "day": day.isoformat(),
            "lines": [asdict(line) for line in lines], "accepts_over": accepts_over,
            "version": times}  # fmt: skip
    entry = entries.Entry(paper.number, fund.custodian, "envelope", day, postings)
    batch = entries.enter(
        actor=actor, form=form, kind="envelope", said=said, entries=[entry], source=source
    )
    return papers.register(
        actor=actor,
        form=form,
        paper=paper,
        times=times,
        batch=batch,
        postings=postings,
        total=total,
    )


def close_fund(*, actor: User, fund: Fund) -> Fund:
    """Close a fund whose cash is all accounted for. Raises Refused while anything is held."""
    assert actor.is_active
    held = selectors.fund_balance(fund)
    if held:
        raise Refused(
            f"{fund.custodian} still holds {papers.say(held, fund.currency)}: post the last "
            "envelope and the return first."
        )
    if Fund.objects.filter(pk=fund.pk, is_open=True).update(is_open=False) != 1:
        raise Refused(f"{fund.custodian}'s fund is closed already.")
    fund.refresh_from_db()
    return fund


def to_restore(fund: Fund) -> Decimal:
    """What a reimbursement would bring the float back to: imprest less what is held."""
    missing: Decimal = fund.imprest - selectors.fund_balance(fund)
    return max(missing, ZERO)


def _must_be_open(fund: Fund) -> None:
    if not fund.is_open:
        raise Refused(f"{fund.custodian}'s fund is closed. Open another.")


def _numbered(paper: Paper) -> None:
    if not paper.number:
        raise Invalid(f"{paper.kind.capitalize()}: expected its number, found nothing.")


def _lock(fund: Fund) -> None:
    """Two envelopes of one custodian wait for each other: each sees what the other spent."""
    selectors.lock(f"fund:{fund.pk}")

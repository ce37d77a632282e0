"""After the lock: transfers, contingency draws and overages, asked for and decided by two."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from access.errors import Invalid, Refused
from access.models import Production, User
from budgets import selectors
from budgets.models import KINDS, BudgetChange, BudgetChangeLine
from budgets.posting import Leg, center_of, kept_by, office_form, one_at_a_time, post
from ledger import entries, services
from ledger.entries import Form
from ledger.models import Account, Batch
from taxonomy.money import format_amount

ZERO = Decimal(0)
MOST_LINES = 200


class NotConserved(Invalid):
    """The lines of the change make or lose money, or take it from where it is not taken."""

    code = "E_CONSERVATION"


class NotLocked(Refused):
    """There is no locked budget to change."""

    code = "E_NOT_LOCKED"


@transaction.atomic
def request_change(
    *, actor: User, production: Production, kind: str, day: date, reason: str,
    lines: Sequence[tuple[str, str]], is_crossing: bool = False,
) -> BudgetChange:  # fmt: skip
    """Ask for a change of the locked budget; `lines` are (account, amount as typed). A transfer
    that `is_crossing` the line is one that an override was signed for; the database asks for it.

    Raises NotLocked, NotConserved, and Invalid naming the line.
    """
    if kind not in KINDS:
        raise Invalid(f"Kind: expected one of {', '.join(KINDS)}, found {kind[:20]!r}.")
    if selectors.locked_version(production) is None:
        raise NotLocked("No budget is locked yet: import another version instead.")
    if not reason.strip():
        raise Invalid("Reason: expected why the budget changes, found nothing.")
    form = office_form(production)
    meant = _meant(form, lines)
    check_conservation(kind, [(a.line, amount) for a, amount in meant], is_crossing=is_crossing)
    return _ask(actor, production, kind, day, reason, meant)


@transaction.atomic
def ask_to_take_back(
    *, actor: User, change: BudgetChange, day: date, reason: str
) -> BudgetChange:  # fmt: skip
    """Ask for the opposite of an approved change, line by line; another person approves it.

    Raises Refused when it was not approved, takes another back, or was taken back before.
    """
    change.refresh_from_db()
    if change.state != "approved" or change.takes_back_id is not None:
        raise Refused(f"{change.reference} is no approved change that could be taken back.")
    if selectors.changes(change.production).filter(takes_back=change).exists():
        raise Refused(f"{change.reference} was taken back, or is asked to be, already.")
    if not reason.strip():
        raise Invalid("Reason: expected why the change is taken back, found nothing.")
    lines = selectors.change_lines(change.production)[change.pk]
    meant = [(row.account, -row.amount) for row in lines]
    return _ask(actor, change.production, change.kind, day, reason, meant, change)


def _ask(
    actor: User, production: Production, kind: str, day: date, reason: str,
    meant: Sequence[tuple[Account, Decimal]], takes_back: BudgetChange | None = None,
) -> BudgetChange:  # fmt: skip
    one_at_a_time(production)
    last = selectors.changes(production).first()
    number = last.number + 1 if last else 1
    said = {
        "change": f"BC-{number:04d}", "kind": kind, "day": day.isoformat(), "reason": reason,
        "by": actor.pk, "lines": [{"account": a.code, "amount": f"{m:f}"} for a, m in meant],
    }  # fmt: skip
    data = json.dumps(said, sort_keys=True, ensure_ascii=False).encode()
    sha256 = hashlib.sha256(data).digest()
    document = services.keep_document(
        actor=actor, production=production, name=f"BC-{number:04d}.json", sha256=sha256,
        byte_size=len(data), data=[data],
    )  # fmt: skip
    change = BudgetChange.objects.create(
        production=production, number=number, kind=kind, day=day, reason=reason.strip(),
        document=document, document_sha256=sha256, document_size=len(data), requested_by=actor,
        takes_back=takes_back,
    )  # fmt: skip
    BudgetChangeLine.objects.bulk_create(
        BudgetChangeLine(
            production=production, change=change, account=account,
            cost_center_id=center_of(account), amount=amount,
        )
        for account, amount in meant
    )  # fmt: skip
    services.seal_now()
    return change


def _meant(form: Form, lines: Sequence[tuple[str, str]]) -> list[tuple[Account, Decimal]]:
    if not 0 < len(lines) <= MOST_LINES:
        raise Invalid(f"Lines: expected 1 to {MOST_LINES}, found {len(lines)}.")
    meant: dict[str, tuple[Account, Decimal]] = {}
    for place, (code, typed) in enumerate(lines, 1):
        where = f"Line {place}"
        account = form.account(code, where)
        if account.statement != "cost":
            raise Invalid(f"{where}: {account.code} {account.name} is no cost account.")
        if account.code in meant:
            raise Invalid(f"{where}: {account.code} stands there twice. Name it once.")
        amount = entries.amount_of(typed, form.production.currency, where)
        meant[account.code] = (account, amount)
    return list(meant.values())


def check_conservation(
    kind: str, lines: Sequence[tuple[str, Decimal]], *, is_crossing: bool = False
) -> None:
    """What the database asks of a change too; `lines` are (line of the account, amount)."""
    net = sum((m for _, m in lines), ZERO)
    above = sum((m for line, m in lines if line == "ATL"), ZERO)
    contingency = [m for line, m in lines if line == "CONT"]
    others = [m for line, m in lines if line != "CONT"]
    if kind != "overage" and net != 0:
        raise NotConserved(
            f"The lines net to {net:,f}, expected 0: a {kind} moves budget and makes none. An "
            "approved overage is what raises the budget."
        )
    if kind == "draw":
        if not contingency or not others or max(contingency) > 0 or min(others) < 0:
            raise NotConserved(
                "A draw takes from contingency (negative) and gives to named accounts (positive)."
            )
        return
    if contingency:
        raise NotConserved(f"A {kind} leaves contingency alone: take from it by a draw.")
    if kind == "transfer" and above != 0 and not is_crossing:
        raise NotConserved(
            f"The transfer would move {above:,f} across the line, and the lock froze what is "
            "above and below it. Use a contingency draw or an overage, or ask for an override "
            "that moves it across."
        )
    if kind == "overage" and min(others) < 0:
        raise NotConserved("An overage adds to accounts: every amount is positive.")


@transaction.atomic
def approve_change(*, actor: User, change: BudgetChange) -> Batch:
    """Approve what somebody else asked for, and post it to the budget book.

    Raises Refused when it was decided before, is one's own, or takes more than is there.
    """
    production = change.production
    one_at_a_time(production)
    _decidable(actor, change)
    lines = selectors.change_lines(production)[change.pk]
    _enough_there(production, change, lines)
    form = office_form(production)

    def link(batch: Batch) -> None:
        _decide(actor, change, "approved", batch)

    legs = [
        Leg(row.account, row.amount, change.kind, change.reference, change.reason, place, 1, 0,
            change.document_size)
        for place, row in enumerate(lines, 1)
    ]  # fmt: skip
    batch = post(
        actor=actor, form=form, kind=change.kind, day=(change.day, form.period_id(change.day)),
        document=kept_by(change.document_id, bytes(change.document_sha256)),
        legs=legs, link=link,
    )  # fmt: skip
    change.refresh_from_db()
    return batch


def reject_change(*, actor: User, change: BudgetChange) -> BudgetChange:
    """Refuse what somebody else asked for; it stays on record."""
    _decidable(actor, change)
    _decide(actor, change, "rejected", None)
    change.refresh_from_db()
    return change


def _decidable(actor: User, change: BudgetChange) -> None:
    change.refresh_from_db()
    if change.state != "requested":
        raise Refused(f"{change.reference} is {change.state} already.")
    if change.requested_by_id == actor.pk:
        raise Refused(f"You asked for {change.reference}: another person decides it.")


def _decide(actor: User, change: BudgetChange, state: str, batch: Batch | None) -> None:
    rows = BudgetChange.objects.filter(pk=change.pk, state="requested")
    if rows.update(state=state, decided_by=actor, decided_at=timezone.now(), batch=batch) != 1:
        raise Refused(f"{change.reference} was decided by somebody else, or is not yours to decide")


def _enough_there(
    production: Production, change: BudgetChange, lines: Sequence[BudgetChangeLine]
) -> None:
    """What a draw takes of contingency, and a transfer of an account, is there to take."""
    for row in lines:
        if row.amount > 0:
            continue
        remains = selectors.standing(production, row.account).final_budget
        if remains + row.amount < 0:
            takes, less = ("draws", "Draw") if change.kind == "draw" else ("moves", "Move")
            raise NotConserved(
                f"{change.reference} {takes} {format_amount(-row.amount, production.currency)} of "
                f"{row.account.code}, and {format_amount(remains, production.currency)} is left. "
                f"{less} less, or ask for an overage."
            )

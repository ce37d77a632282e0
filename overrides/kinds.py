"""What each kind of override posts, and how that is taken back. Nothing is ever changed in place:
each goes through the service an accountant uses for it, and leaves a batch of its own.
"""

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from access import context
from access.errors import Invalid, NotFoundHere, Refused
from access.models import Production, User
from access.selectors import actions_on
from budgets import changes
from budgets import selectors as budgets
from budgets.posting import center_of, office_form
from ledger import corrections, entries
from ledger import selectors as ledger
from ledger.corrections import Change, Posted
from ledger.models import Account, Batch
from overrides import carrying, selectors
from overrides.carrying import POSTING, Asked, Carrier, Meant, not_ratified, why
from overrides.models import Override
from overrides.states import KINDS
from purchasing import journals, orders, papers
from purchasing import selectors as purchasing
from purchasing.journals import JournalLine, JournalPlan
from purchasing.models import PurchaseOrder
from purchasing.orders import LinePlan
from taxonomy import selectors as taxonomy

CHANGES = {"contingency_draw": "draw", "over_budget": "overage", "atl_btl": "transfer"}
FROZEN = "The lock of budget v{} froze what is above and below the line"
IS = 2  # of the two documents of a distribution change, the one that shows what it became


def plan(*, actor: User, production: Production, asked: Asked) -> Meant:
    """What an override would post. Raises Invalid and Refused as the services do."""
    return carrying.of(asked.kind).plan(actor, production, asked)


def run(*, found: Override, approver: User) -> Batch:
    """Post what was signed. Inside a transaction whose context is the requester's; `approver` is
    one of those who signed, where a service wants two."""
    return carrying.of(found.kind).run(found, approver)


def take_back(*, found: Override, batch: Batch, approver: User) -> Batch:
    """Post the opposite of what was carried out, in an open period."""
    return carrying.of(found.kind).take_back(found, batch, approver)


def register() -> None:
    """Say which kinds this app carries out."""
    for kind in ("contingency_draw", "over_budget"):
        carrying.add(kind, Carrier(_plan_change, _run_change, _take_change_back))
    carrying.add("atl_btl", Carrier(_plan_crossing, _run_crossing, _take_crossing_back, POSTING))
    carrying.add("over_po", Carrier(_plan_order, _run_order, _take_order_back, POSTING))
    carrying.add("reclassification", Carrier(_plan_move, _run_move, _move_back, POSTING))
    carrying.add("late_posting", Carrier(_plan_late, _run_late, reverse_whole, POSTING))


def _day(found: Override) -> date:
    return date.fromisoformat(found.proposed["day"])


def _line(account: Account, center: str, amount: Decimal) -> dict[str, str]:
    return {"account": account.code, "amount": f"{amount:.4f}", "cost_center": center}


def _typed(amount: str) -> str:
    """A proposed amount as somebody would type it."""
    return f"{Decimal(amount).normalize():f}"


def _centers(production: Production) -> dict[int, str]:
    return {c.pk: c.code for c in taxonomy.cost_centers(production)}


# --- contingency draws and overages -------------------------------------------------------------


def _plan_change(_: User, production: Production, asked: Asked) -> Meant:
    locked = budgets.locked_version(production)
    if locked is None or locked.batch_id is None:
        raise changes.NotLocked("No budget is locked yet: import another version instead.")
    form, centers = office_form(production), _centers(production)
    lines: list[tuple[Account, Decimal]] = []
    for place, (code, typed) in enumerate(asked.lines, 1):
        account = form.account(code, f"Line {place}")
        lines.append((account, entries.amount_of(typed, production.currency, f"Line {place}")))
    if not lines:
        raise Invalid("Lines: expected accounts and amounts, found nothing.")
    kind = CHANGES[asked.kind]
    is_crossing = asked.kind == "atl_btl"
    changes.check_conservation(
        kind, [(account.line, amount) for account, amount in lines], is_crossing=is_crossing
    )
    rule = FROZEN if is_crossing else "The budget of v{} is what may be spent"
    return Meant(
        f"budget v{locked.number}",
        selectors.entry_of_batch(production, locked.batch_id) or b"",
        rule.format(locked.number),
        {
            "day": asked.day.isoformat(),
            "lines": [_line(a, centers[center_of(a)], amount) for a, amount in lines],
        },
    )


def _run_change(found: Override, approver: User) -> Batch:
    change = changes.request_change(
        actor=found.requested_by, production=found.production, kind=CHANGES[found.kind],
        day=_day(found), reason=why(found),
        lines=[(line["account"], _typed(line["amount"])) for line in found.proposed["lines"]],
        is_crossing=found.kind == "atl_btl",
    )  # fmt: skip
    with _as(found, approver):
        return changes.approve_change(actor=approver, change=change)


def _take_change_back(found: Override, batch: Batch, approver: User) -> Batch:
    change = budgets.changes(found.production).get(batch=batch)
    asked = changes.ask_to_take_back(
        actor=found.requested_by,
        change=change,
        day=timezone.now().date(),
        reason=not_ratified(found),
    )
    with _as(found, approver):
        return changes.approve_change(actor=approver, change=asked)


class _as:
    """For a while, the approver is who acts; then the requester again."""

    def __init__(self, found: Override, person: User) -> None:
        self.production_id, self.requester = found.production_id, found.requested_by_id
        self.person = person.pk

    def __enter__(self) -> None:
        context.enter(user_id=self.person, production_id=self.production_id)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:  # otherwise the transaction is over, and its context with it
            context.enter(user_id=self.requester, production_id=self.production_id)


# --- orders -------------------------------------------------------------------------------------


def _order(production: Production, number: str) -> PurchaseOrder:
    order = purchasing.order_by_number(production, number)
    if order is None:
        raise NotFoundHere
    return order


def _plan_order(_: User, production: Production, asked: Asked) -> Meant:
    order = _order(production, asked.order)
    if order.state != "open" or order.version != order.drafted:
        raise Refused(f"{order.number} is {order.state}: only an open order is passed over.")
    if order.currency != production.currency:
        raise Refused(f"{order.number} is in {order.currency}: amend the order itself.")
    form, now = entries.form_for(production, order.unit), purchasing.lines_of(order, order.version)
    by_account = {line.account.code: line for line in now}
    amend, before, proposed = [], [], []
    for place, (code, typed) in enumerate(asked.lines, 1):
        line = by_account.pop(form.account(code, f"Line {place}").code, None)
        if line is None:
            raise Invalid(f"Line {place}: {order.number} has no line on {code} that is left.")
        more = entries.amount_of(typed, order.currency, f"Line {place}")
        if more < 0:
            raise Invalid(f"Line {place}: expected by how much it is more, found {typed}.")
        amend.append([line.line_no, f"{line.amount + more:.4f}"])
        before.append([line.line_no, f"{line.amount:.4f}"])
        proposed.append(_line(line.account, order.cost_center.code, more))
    standing = purchasing.committed_lines(production, [order])[order.pk]
    digest = _entry_of_commitment(production, standing[0].commitment_id)
    return Meant(
        f"order {order.number}", digest, f"{order.number} is what was ordered",
        {"amend": amend, "before": before, "day": asked.day.isoformat(), "lines": proposed,
         "order": order.number, "version": order.version},
    )  # fmt: skip


def _entry_of_commitment(production: Production, commitment_id: int) -> bytes:
    batch = purchasing.batch_of_commitment(production, commitment_id)
    return selectors.entry_of_batch(production, batch) or b""


def _run_order(found: Override, approver: User) -> Batch:
    said = dict(found.proposed["amend"])
    return _amend(found, approver, found.proposed["version"], said, why(found))


def _take_order_back(found: Override, _: Batch, approver: User) -> Batch:
    order = _order(found.production, found.proposed["order"])
    before = dict(found.proposed["before"])
    return _amend(found, approver, order.version, before, not_ratified(found))


def _amend(
    found: Override, approver: User, version: int, amounts: dict[int, str], reason: str
) -> Batch:
    production, requester = found.production, found.requested_by
    order = _order(production, found.proposed["order"])
    if order.state != "open" or order.version != version:
        raise Refused(f"{order.number} was amended since, or is not open any more.")
    lines = [
        LinePlan(line.account.code, "1", _typed(amounts[line.line_no]), line.description,
                 line.segments)
        if line.line_no in amounts
        else LinePlan(line.account.code, f"{line.quantity:f}", f"{line.rate:f}", line.description,
                      line.segments)
        for line in purchasing.lines_of(order, order.version)
    ]  # fmt: skip
    order = orders.amend_order(actor=requester, order=order, lines=lines, reason=reason[:200])
    with _as(found, approver):
        order = orders.approve_order(actor=approver, order=order)
    day = max(_day(found), order.ordered_on)
    orders.open_order(actor=requester, order=order, day=day)
    batch = selectors.batch_of_this_transaction(production, "order")
    return ledger.batch_by_id(production, batch)


# --- distribution changes -----------------------------------------------------------------------


def _to_be_moved(production: Production, asked: Asked) -> Posted:
    if asked.document is None or not asked.changes:
        raise Invalid("Expected a posted document and where its lines belong.")
    old = corrections.posted(production, *asked.document)
    if any(p.currency != production.currency for p in old.postings):
        raise Refused(f"{old.name} is in another currency: move it by a distribution change.")
    return old


def _document_name(old: Posted) -> str:
    return f"document {old.key[0]}-{old.key[1]} {old.name}"[:120]


def moved_lines(production: Production, asked: Asked) -> list[dict[str, str]]:
    """What moving lines of a document would post, as an override proposes it."""
    assert asked.document is not None, "what is moved was posted"
    centers = _centers(production)
    return [
        _line(m.account, centers.get(m.cost_center_id) or selectors.home_of(m.account), m.amount)
        for m in corrections.planned_move(production, asked.document, asked.changes)
    ]


def _plan_move(actor: User, production: Production, asked: Asked) -> Meant:
    old = _to_be_moved(production, asked)
    proposed: dict[str, Any] = {
        "changes": [asdict(change) for change in asked.changes],
        "day": asked.day.isoformat(), "document": list(old.key),
    }  # fmt: skip
    if carrying.is_department(actions_on(actor, production)):
        # Who may not post tries nothing.
        if any(change.cost_center_id is not None for change in asked.changes):
            raise Invalid("Lines: name the account alone, it says whose cost it becomes.")
        _check_movable(production, old, asked.day)
        proposed["lines"] = moved_lines(production, asked)
    else:
        proposed["lines"] = _tried(
            lambda: _move(actor, production, asked.day, proposed, "to be asked for")
        )
    if len({line["cost_center"] for line in proposed["lines"]}) < 2:
        raise Invalid(
            f"{old.name} stays in its department: make a distribution change, which needs no leave."
        )
    return Meant(
        _document_name(old),
        selectors.entry_of_batch(production, old.key[0]) or b"",
        "A cost stays in the department it was posted to",
        proposed,
    )


def _run_move(found: Override, _: User) -> Batch:
    return _move(found.requested_by, found.production, _day(found), found.proposed, why(found))


def _move(
    actor: User, production: Production, day: date, proposed: dict[str, Any], reason: str
) -> Batch:
    key = proposed["document"][0], proposed["document"][1]
    wanted = [Change(**change) for change in proposed["changes"]]
    paper = purchasing.paper_of(production, *key)
    if paper is not None:
        return papers.redistribute_paper(
            actor=actor, production=production, entry=paper.entry, day=day, reason=reason,
            changes=wanted,
        )  # fmt: skip
    return corrections.change_distribution(
        actor=actor, production=production, key=key, day=day, reason=reason, changes=wanted
    )


def _move_back(found: Override, batch: Batch, _: User) -> Batch:
    production = found.production
    old = ledger.document(production, found.proposed["document"][0], found.proposed["document"][1])
    now = ledger.document(production, batch.pk, IS)
    assert old is not None and now is not None, "what was carried out is posted"
    codes = {a.pk: a.code for a in ledger.accounts(production)}
    back = [
        asdict(Change(is_.line_no, codes[was.account_id], was.cost_center_id, was.segments))
        for was, is_ in zip(old[1], now[1], strict=True)
        if (was.account_id, was.cost_center_id) != (is_.account_id, is_.cost_center_id)
    ]
    proposed = {"changes": back, "document": [batch.pk, IS]}
    today = timezone.now().date()
    return _move(found.requested_by, production, today, proposed, not_ratified(found))


def _tried(post: Any) -> list[dict[str, str]]:
    """What an act would post: it is done, looked at and taken back before anybody sees it."""
    with transaction.atomic():
        lines = selectors.posted_lines(post().pk)
        transaction.set_rollback(True)
    return lines


# --- across the line ----------------------------------------------------------------------------


def _plan_crossing(actor: User, production: Production, asked: Asked) -> Meant:
    """Budget that is moved across, or a posted cost. The seal refuses to try it unsigned, so what
    a cost's move would post is worked out and not tried."""
    if asked.document is None:
        return _plan_change(actor, production, asked)
    locked = budgets.locked_version(production)
    if locked is None:
        raise changes.NotLocked("No budget is locked yet: make a distribution change instead.")
    old = _to_be_moved(production, asked)
    _check_movable(production, old, asked.day)
    return Meant(
        _document_name(old), selectors.entry_of_batch(production, old.key[0]) or b"",
        FROZEN.format(locked.number),
        {
            "changes": [asdict(change) for change in asked.changes], "day": asked.day.isoformat(),
            "document": list(old.key), "lines": moved_lines(production, asked),
        },
    )  # fmt: skip


def _check_movable(production: Production, old: Posted, day: date) -> None:
    """What trying a move would find, where it cannot be tried."""
    paper = purchasing.paper_of(production, *old.key)
    if paper is not None and paper.settled:
        raise Refused(f"{old.name} is paid: void the payment first, or move budget instead.")
    if not any(a <= day <= z for a, z, _ in ledger.open_periods(production)):
        raise Refused(f"{day:%d %b %Y} lies in no open week. Name a day that does.")


def _run_crossing(found: Override, approver: User) -> Batch:
    if "document" in found.proposed:
        return _run_move(found, approver)
    return _run_change(found, approver)


def _take_crossing_back(found: Override, batch: Batch, approver: User) -> Batch:
    if "document" in found.proposed:
        return _move_back(found, batch, approver)
    return _take_change_back(found, batch, approver)


# --- closed weeks -------------------------------------------------------------------------------


def _plan_late(actor: User, production: Production, asked: Asked) -> Meant:
    period = next(
        (p for p in ledger.periods(production) if p.starts_on <= asked.day <= p.ends_on), None
    )
    if period is None or period.state != "closed":
        raise Invalid(f"{asked.day:%d %b %Y} lies in no closed week: post it as usual.")
    lines = [[code, typed] for code, typed in asked.lines]
    proposed: dict[str, Any] = {"day": asked.day.isoformat(), "journal": lines}
    proposed["lines"] = _tried(lambda: _journal(actor, production, proposed, "OVR-0000"))
    return Meant(
        f"wk {period.number}",
        selectors.leaf_about(production, "period.close", "period", period.number) or b"",
        f"Wk {period.number} is closed",
        proposed,
    )


def _run_late(found: Override, _: User) -> Batch:
    return _journal(found.requested_by, found.production, found.proposed, found.reference)


def reverse_whole(found: Override, batch: Batch, _: User) -> Batch:
    """Take back the one document that was posted."""
    return corrections.reverse_document(
        actor=found.requested_by, production=found.production, key=(batch.pk, 1),
        day=timezone.now().date(), reason=not_ratified(found),
    )  # fmt: skip


def _journal(actor: User, production: Production, proposed: dict[str, Any], name: str) -> Batch:
    lines = tuple(
        JournalLine(code, credit=typed.strip()[1:])
        if typed.strip().startswith("-")
        else JournalLine(code, debit=typed)
        for code, typed in proposed["journal"]
    )
    unit = office_form(production).unit
    plan = JournalPlan(
        unit=unit, day=date.fromisoformat(proposed["day"]), currency=production.currency,
        description=f"OVERRIDE {name}: {KINDS['late_posting']}", lines=lines, number=name,
    )  # fmt: skip
    entry = journals.enter_journal(
        actor=actor, production=production, plan=plan,
        cost_centers=list(taxonomy.cost_centers(production)),
    )  # fmt: skip
    return entry.batch

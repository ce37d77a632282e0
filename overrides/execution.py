"""What the clock does: it carries out what was approved, lets run out what was not, and takes back
what nobody ratified. A worker's part; each step is one database transaction, and the database
lets each happen once, whoever else tries at the same moment.
"""

import logging

from django.db import OperationalError, transaction
from django.utils import timezone

from access import context
from access.errors import Refused
from access.models import Production, User
from access.selectors import every_production
from ledger import selectors as ledger
from overrides import branching, checks, deciding, kinds, selectors, telling
from overrides.deciding import Decision
from overrides.keys import check_made
from overrides.models import Override, Step
from overrides.requests import NotAllowedHere, in_words
from overrides.signatures import SignatureError
from overrides.states import APPROVED, EXECUTED, REQUESTED

log = logging.getLogger(__name__)


def work_through(production: Production | None = None) -> int:
    """Do what is due on one production or on all of them; how many steps were taken.

    Twice is harmless: what was done is not pending any more.
    """
    taken = 0
    for each in [production] if production else list(every_production()):
        with context.acting(user_id=context.NOBODY, production_id=each.pk):
            pending = selectors.pending_ids(each)
        for override_id in pending:
            taken += settle(each, override_id)
    return taken


def settle(production: Production, override_id: int) -> bool:
    """Take the step that is due on one override; whether one was taken."""
    try:
        return _settle(production, override_id)
    except Refused as refusal:
        return _stop(production, override_id, refusal)
    except OperationalError as fault:
        log.warning("override %s is tried again: %s", override_id, fault)
    return False


def _settle(production: Production, override_id: int) -> bool:
    with transaction.atomic():
        found = _entered(production, override_id)
        if found is None:
            return False
        has_ended = selectors.has_ended(found)
        if found.state in (REQUESTED, APPROVED) and has_ended:
            _step(found, "expire")
        elif found.state == APPROVED:
            _execute(found)
        elif found.state == EXECUTED and has_ended:
            _revert(found)
        else:
            return False
    return True


def _entered(production: Production, override_id: int) -> Override | None:
    """The override, in the context of whoever asked for it."""
    context.enter(user_id=context.NOBODY, production_id=production.pk)
    found = selectors.override_by_id(override_id)
    if found is not None:
        context.enter(user_id=found.requested_by_id, production_id=production.pk)
    return found


def _execute(found: Override) -> None:
    _check_signatures(found)
    checked = checks.check(found.production, found.kind, found.proposed)
    batch = kinds.run(found=found, approver=_approver(found))
    branching.grow(found)
    _step(found, "execute", batch=batch, checked=checked)


def _check_signatures(found: Override) -> None:
    """Every approval was made by its key, computed once more: the database counts signatures and
    cannot compute one, so a row that was written past the services is found out here.

    Raises Refused. What the rules and addresses were at that moment is the log's to say.
    """
    origins = selectors.origins_ever(found.production)
    for step in selectors.steps(found):
        if step.step == "approve":
            assert step.key is not None and step.person is not None, "approvals are signed"
            digest = deciding.digest_of(found, Decision("approve"), step.key)
            try:
                check_made(step.key, step.signature, digest, origins)
            except SignatureError as fault:
                raise Refused(
                    f"The signature of {step.person.name} on it does not hold, so nothing was "
                    "carried out. Tell whoever keeps this installation, and ask again."
                ) from fault


def _revert(found: Override) -> None:
    executed = next(s for s in selectors.steps(found) if s.step == "execute")
    assert executed.batch_id is not None, "what is executed was posted"
    batch = ledger.batch_by_id(found.production, executed.batch_id)
    made = kinds.take_back(found=found, batch=batch, approver=_approver(found))
    branching.take_back(found)
    _step(found, "revert", batch=made)


def _approver(found: Override) -> User:
    """Who of the signers stands as the second person where a service wants two: the line producer
    or the accountant where one signed."""
    signed = [s for s in selectors.steps(found) if s.step == "approve"]
    assert signed, "what is approved was signed"
    first = sorted(signed, key=lambda s: (s.role not in checks.APPROVING, s.number))[0]
    assert first.person is not None, "people sign"
    return first.person


def _step(found: Override, step: str, **more: object) -> None:
    with in_words():
        Step.objects.create(
            production_id=found.production_id, override=found, number=0, step=step, becomes="",
            taken_at="2000-01-01T00:00Z", leaf=b"", **more,
        )  # fmt: skip


def _stop(production: Production, override_id: int, refusal: Refused) -> bool:
    """What cannot be carried out any more goes back, with the reason; what cannot be taken back
    stays as it is, and is said loudly until somebody clears the way."""
    try:
        with transaction.atomic():
            found = _entered(production, override_id)
            if found is None:
                return False
            has_ended = selectors.has_ended(found)
            if found.state == EXECUTED and has_ended:
                log.critical("%s is not reverted: %s", found.reference, refusal.message)
                telling.tell(found, "stuck", timezone.now().toordinal())
            if found.state != APPROVED or has_ended:
                return False  # somebody was quicker; the next sweep sees what is due now
            _step(found, "stop", reason=refusal.message)
    except NotAllowedHere as other:
        log.info("override %s: %s", override_id, other.message)
        return False
    return True

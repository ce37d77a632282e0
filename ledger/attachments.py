"""Attaching files to what they support, and taking them back. The database logs each of both."""

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from access.errors import Invalid, NotFoundHere, Refused
from access.models import Production, User
from ledger.media import plain_name
from ledger.models import Attachment, AttachmentKind, AttachmentWithdrawal, Transaction
from ledger.selectors import attachment_by_id, withdrawals
from ledger.services import TooBig

LONGEST_TARGET = 80
LONGEST_REASON = 300
_ATTACH = "SELECT journal.attach(%s, %s, %s, %s, %s, %s)"


class Withdrawn(Refused):
    """The attachment was taken back before."""

    code = "E_WITHDRAWN"


@transaction.atomic
def attach(
    *,
    actor: User,
    production: Production,
    kind: str,
    name: str,
    data: bytes,
    place: tuple[int, int] | None = None,
    target: str = "",
) -> Attachment:
    """Keep a file's bytes once, and attach them to the document at `place` (batch, number).

    Without a place, `target` says in words or numbers what the file supports. Whoever attaches
    hands in the bytes: no file is reached by naming it. Raises Invalid for words that cannot be
    taken, TooBig above the limit, and NotFoundHere where the actor may not see the document.
    """
    assert actor.is_active
    kinds = [choice.value for choice in AttachmentKind]
    if kind not in kinds:
        raise Invalid(f"kind: expected one of {', '.join(kinds)}, found {kind[:20]!r}")
    target = target.strip()
    if place is None and not (1 <= len(target) <= LONGEST_TARGET and target.isprintable()):
        raise Invalid(
            f"what it supports: expected 1 to {LONGEST_TARGET} characters on one line, such as an "
            "order's or an agreement's number"
        )
    if place is not None and target:
        raise Invalid("what it supports: it is attached to a document, leave this empty")
    if not data:
        raise Invalid("file: it is empty; choose the file again")
    if len(data) > settings.MAX_ATTACHMENT_BYTES:
        raise TooBig(
            f"file: it has {len(data):,} bytes, and {settings.MAX_ATTACHMENT_BYTES:,} is the most "
            "an attachment may have; scan it at a lower resolution, or split it"
        )
    if place is not None and not is_seen(production, *place):
        raise NotFoundHere
    batch_id, number = place or (None, None)
    with connection.cursor() as cursor:
        cursor.execute(_ATTACH, [batch_id, number, target, kind, plain_name(name), data])
        [made] = cursor.fetchone() or [0]
    found = attachment_by_id(production, made)
    assert found is not None, "whoever attaches a file sees it"
    return found


@transaction.atomic
def withdraw(*, actor: User, attachment: Attachment, reason: str) -> AttachmentWithdrawal:
    """Take an attachment back; its record and bytes stay, and nobody opens it any more.

    For whoever attached it, and for those who import files; ask `may_withdraw` first. Raises
    Invalid without a reason, and Withdrawn when it was taken back before.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise Invalid(f"reason: expected 1 to {LONGEST_REASON} characters on one line")
    if attachment.pk in withdrawals([attachment]):
        raise Withdrawn(f"{attachment.name} was withdrawn before: there is nothing more to do")
    try:
        with transaction.atomic():
            return AttachmentWithdrawal.objects.create(
                production_id=attachment.production_id,
                attachment=attachment,
                unit_id=attachment.unit_id,
                reason=reason,
                actor=actor,
            )
    except IntegrityError:
        raise Withdrawn(f"{attachment.name} was withdrawn by somebody just now") from None


def is_seen(production: Production, batch_id: int, number: int) -> bool:
    """Whether there is such a document, in a cost centre of whoever asks."""
    found = Transaction.objects.filter(production=production, batch_id=batch_id, number=number)
    return found.exists()


def may_withdraw(actor: User, attachment: Attachment, actions: frozenset[str]) -> bool:
    """Whether the database will let this person take the attachment back."""
    return attachment.actor_id == actor.pk or "import_files" in actions

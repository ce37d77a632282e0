"""Telling a production's people, once for a flood, by the screen, mail and webhook.

An alert is counted up; a message about it goes out at once, and then at most once in its kind's
quiet time, with the count as it then is. `alerts/sending.py` sends them.
"""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils import timezone

from access.errors import Invalid, Refused
from access.models import Production, User
from access.outbound import checked_url
from alerts import kinds, selectors, vault
from alerts.models import Alert, AlertHook, AlertSeen, Notice, Secret
from alerts.outside import road


def raise_alert(*, production: Production, kind: str, source: str, outside: bool = True) -> None:
    """Something has happened: count it, and see to it that its audience is told. In the worker's
    context of the production. `outside` False keeps it to the screen."""
    alert = _counted(production, kind, source)
    if not outside:
        return
    if settings.ALERT_MAIL:
        _see_to_notice(alert, "mail")
    hook = selectors.hook_of(production)
    if hook is not None and hook.url:
        _see_to_notice(alert, "webhook")


def supersede(*, production: Production, kind: str, source: str) -> int:
    """What was told of a matter before is over, now that it is of another kind: each matter has one
    open alert, of how it stands. How many were closed."""
    open_ = Alert.objects.filter(
        production=production, source=source, audience=kinds.of(kind).audience,
        closed_at__isnull=True,
    )  # fmt: skip
    return open_.exclude(kind=kind).update(closed_at=timezone.now())


def _counted(production: Production, kind: str, source: str) -> Alert:
    same = Alert.objects.filter(
        production=production, kind=kind, source=source, closed_at__isnull=True
    )
    now = timezone.now()
    if same.update(count=F("count") + 1, last_at=now) == 0:
        try:
            with transaction.atomic():
                return Alert.objects.create(
                    production=production, kind=kind, source=source,
                    audience=kinds.of(kind).audience,
                )  # fmt: skip
        except IntegrityError:
            same.update(count=F("count") + 1, last_at=now)
    return same.get()


def _see_to_notice(alert: Alert, channel: str) -> None:
    """One message waits at a time; the next goes out when the quiet after the last is over."""
    last = selectors.last_notice(alert, channel)
    if last is not None and last.sent_at is None:
        return
    try:
        with transaction.atomic():
            Notice.objects.create(
                production_id=alert.production_id, alert=alert, channel=channel, key=uuid.uuid4(),
                run_after=_not_before(alert, last, channel),
            )  # fmt: skip
    except IntegrityError:
        return  # another worker's message waits already


def _not_before(alert: Alert, last: Notice | None, channel: str) -> datetime:
    """When the next message may go out: after its alert's own quiet, and where alerts of a kind go
    out together, after the last message about any of them."""
    kind = kinds.of(alert.kind)
    sent = last.sent_at if last is not None else None
    if kind.audience == kinds.SIGNING:
        same = Notice.objects.filter(
            production_id=alert.production_id, channel=channel, alert__audience=kind.audience
        )
        sent = same.aggregate(last=Max("sent_at"))["last"]
    now = timezone.now()
    return now if sent is None else max(now, sent + timedelta(seconds=kind.quiet_seconds))


@transaction.atomic
def set_hook(*, actor: User, production: Production, url: str, secret: str) -> AlertHook:
    """From now on alerts are sent to this address, signed with this secret; '' is nowhere."""
    if url:
        checked_url(url, road())
        if len(url) > 500:
            raise Invalid("address: expected at most 500 characters")
        if len(secret) < 16:
            raise Invalid("secret: expected at least 16 characters; the receiver checks with it")
    hook = AlertHook.objects.create(production=production, url=url, made_by=actor)
    if url:
        Secret.objects.create(
            production=production, kind="hook", subject_id=hook.pk, made_by=actor,
            sealed=vault.sealed(secret, production_id=production.pk, kind="hook"),
        )  # fmt: skip
    return hook


def mark_read(*, actor: User, alert: Alert) -> None:
    """The person has read the alert as it stands now."""
    seen = AlertSeen.objects.filter(alert=alert, user=actor)
    if seen.update(count=alert.count) == 0:
        AlertSeen.objects.create(
            production_id=alert.production_id, alert=alert, user=actor, count=alert.count
        )


def close_alert(*, actor: User, alert: Alert) -> None:
    """The matter is settled: should it come again, it is a new alert."""
    moved = Alert.objects.filter(pk=alert.pk, closed_at__isnull=True).update(
        closed_at=timezone.now(), closed_by=actor
    )
    if moved != 1:
        raise Refused("this alert has been closed already")

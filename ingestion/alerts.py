"""Telling a production's accounting team, once for a flood, by the screen, mail and webhook.

An alert is counted up; a message about it goes out at once, and then at most once in an hour, with
the count as it then is. Messages go out at least once, each under a key that stays the same.
"""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from datetime import timedelta
from email.utils import formatdate
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from access import context
from access.errors import Invalid, Refused
from access.models import Production, User
from access.outbound import Limits, NotFetched, Outbound, Road, checked_url, send_once
from access.services import CONSOLE_EMAIL
from ingestion import telling, vault
from ingestion.alert_tables import Alert, AlertHook, AlertSeen, Notice
from ingestion.backoff import TryLater, seconds_before_try
from ingestion.feed_tables import Secret
from ingestion.models import WorkItem

QUIET_SECONDS = 3_600
MOST_TRIES = 12
HOOK_LIMITS = Limits(most_bytes=65_536, seconds=10.0)
WORDS = {
    "file": "Files wait because they are over their limit",
    "call": "A vendor's API refuses or misleads us",
    "work": "Work was given up after many tries",
}


class NotTold(Exception):
    """A message could not be brought to anybody, however often it was tried."""


def road() -> Road:
    """Where this installation lets anything be sent or fetched."""
    return Road(settings.OUTBOUND_HOSTS, settings.OUTBOUND_LOOPBACK)


def raise_alert(*, production: Production, kind: str, source: str, outside: bool = True) -> None:
    """Something has gone wrong: count it, and see to it that the team is told. In the worker's
    context of the production. `outside` False keeps it to the screen."""
    alert = _counted(production, kind, source)
    if not outside:
        return
    if settings.ALERT_MAIL:
        _see_to_notice(alert, "mail")
    hook = telling.hook_of(production)
    if hook is not None and hook.url:
        _see_to_notice(alert, "webhook")


def _counted(production: Production, kind: str, source: str) -> Alert:
    same = Alert.objects.filter(
        production=production, kind=kind, source=source, closed_at__isnull=True
    )
    now = timezone.now()
    if same.update(count=F("count") + 1, last_at=now) == 0:
        try:
            with transaction.atomic():
                return Alert.objects.create(production=production, kind=kind, source=source)
        except IntegrityError:
            same.update(count=F("count") + 1, last_at=now)
    return same.get()


def _see_to_notice(alert: Alert, channel: str) -> None:
    """One message waits at a time; the next goes out when the quiet after the last is over."""
    last = telling.last_notice(alert, channel)
    if last is not None and last.sent_at is None:
        return
    run_after = timezone.now()
    if last is not None and last.sent_at is not None:
        run_after = max(run_after, last.sent_at + timedelta(seconds=QUIET_SECONDS))
    try:
        with transaction.atomic():
            notice = Notice.objects.create(
                production_id=alert.production_id, alert=alert, channel=channel, key=uuid.uuid4()
            )
    except IntegrityError:
        return  # another worker's message waits already
    WorkItem.objects.create(
        production_id=alert.production_id, kind="notice", subject_id=notice.pk,
        priority=200, run_after=run_after,
    )  # fmt: skip


def run_notice(*, notice_id: int, production_id: int, attempts: int) -> None:
    """Send one message. Done twice, it is sent twice under one key: nobody can do better."""
    with context.acting(user_id=context.NOBODY, production_id=production_id):
        notice = telling.notice_by_id(production_id, notice_id)
        if notice.sent_at is not None:
            return
        team = _team()
        hook = telling.hook_of(notice.production)
        secret = telling.secret_of("hook", hook.pk) if hook is not None else None
    count = notice.alert.count
    try:
        if notice.channel == "mail":
            _send_mail(notice, count, team)
        elif hook is not None and hook.url and secret is not None:
            _send_hook(notice, count, hook, secret)
    except (NotFetched, SMTPException, OSError) as fault:
        if attempts >= MOST_TRIES:
            raise NotTold(f"{notice.channel}: {type(fault).__name__}") from fault
        raise TryLater(seconds_before_try(attempts)) from fault
    with context.acting(user_id=context.NOBODY, production_id=production_id):
        Notice.objects.filter(pk=notice.pk, sent_at__isnull=True).update(
            sent_at=timezone.now(), count=count
        )


def _team() -> list[tuple[int, str]]:
    """(id, address) of the accounting team of the context's production."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, email FROM sec.accounting_team()")
        rows = cursor.fetchall()
    return [(int(user_id), str(email)) for user_id, email in rows if email != CONSOLE_EMAIL]


def _send_mail(notice: Notice, count: int, team: list[tuple[int, str]]) -> None:
    production, alert = notice.production, notice.alert
    text = (
        f"{WORDS[alert.kind]}: {count:,} time{'s' * (count != 1)} since "
        f"{alert.first_at:%d %b %Y %H:%M} UTC, last {alert.last_at:%d %b %Y %H:%M} UTC.\n"
        f"Production {production.code}, source {alert.source or 'any'}.\n\n"
        "Open Dead letters in prodacct to see what waits and to decide.\n"
    )
    messages = [
        EmailMessage(
            subject=f"[{production.code}] {WORDS[alert.kind]} ({count:,})",
            body=text,
            to=[email],
            # The same key each time it is tried: a mailbox that has it already can tell.
            headers={
                "Message-ID": f"<{notice.key}.{user_id}@prodacct>",
                "Date": formatdate(notice.made_at.timestamp()),
            },
        )
        for user_id, email in team
    ]
    get_connection().send_messages(messages)


def signature(secret: str, moment: int, body: bytes) -> str:
    """What a receiver computes to know that a message is ours: HMAC-SHA256 of `moment.body`."""
    said = f"{moment}.".encode() + body
    return f"t={moment},v1={hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()}"


def _send_hook(notice: Notice, count: int, hook: AlertHook, kept: Secret) -> None:
    alert = notice.alert
    body = json.dumps(
        {
            "id": str(notice.key), "production": notice.production.code, "kind": alert.kind,
            "source": alert.source, "what": WORDS[alert.kind], "count": count,
            "first_at": alert.first_at.isoformat(), "last_at": alert.last_at.isoformat(),
        },
        sort_keys=True,
    ).encode()  # fmt: skip
    secret = vault.opened(bytes(kept.sealed), production_id=hook.production_id, kind="hook")
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": str(notice.key),
        "Prodacct-Signature": signature(secret, int(time.time()), body),
    }
    answer = asyncio.run(send_once(Outbound(road(), HOOK_LIMITS), "POST", hook.url, headers, body))
    if not 200 <= answer.status < 300:
        raise NotFetched(f"the webhook answered {answer.status}")


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

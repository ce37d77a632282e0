"""Bringing messages about alerts to people, by mail and webhook: at least once, each under a key
that stays the same however often it is tried.

What waits for the same people goes out in one message.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from email.utils import formatdate
from smtplib import SMTPException
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.utils import timezone

from access import context
from access.errors import Invalid
from access.outbound import Limits, NotFetched, Outbound, send_once
from alerts import kinds, selectors, vault
from alerts.models import Alert, AlertHook, Notice, Secret
from alerts.outside import address_of, road

HOOK_LIMITS = Limits(most_bytes=65_536, seconds=10.0)


class NotSent(Exception):
    """The message did not get through this time; the cause says why."""


def send_notice(*, notice_id: int, production_id: int) -> None:
    """Send one message, and with it what else waits for the same people. Done twice, it is sent
    twice under one key: nobody can do better. Raises NotSent."""
    with context.acting(user_id=context.NOBODY, production_id=production_id):
        notice = selectors.notice_by_id(production_id, notice_id)
        if notice.sent_at is not None:
            return
        # The oldest leads, and lends its key: whichever of them is tried again, it is one message.
        group = sorted([notice, *_others(notice)], key=lambda each: each.pk)
        team = selectors.team(notice.alert.audience)
        hook = selectors.hook_of(notice.production)
        secret = selectors.secret_of("hook", hook.pk) if hook is not None else None
    try:
        if notice.channel == "mail":
            _send_mail(group, team)
        elif hook is not None and hook.url and secret is not None:
            _send_hook(group, hook, secret)
    except (NotFetched, Invalid, SMTPException, OSError) as fault:
        # Invalid: a host that was taken off the list, and may be put back.
        raise NotSent(f"{notice.channel}: {type(fault).__name__}") from fault
    with context.acting(user_id=context.NOBODY, production_id=production_id):
        for each in group:
            Notice.objects.filter(pk=each.pk, sent_at__isnull=True).update(
                sent_at=timezone.now(), count=each.alert.count
            )


def _others(notice: Notice) -> list[Notice]:
    """What waits for the same people by the same road. Intake's alerts go out one by one."""
    if notice.alert.audience != kinds.SIGNING:
        return []
    rows = Notice.objects.filter(
        production_id=notice.production_id, channel=notice.channel, sent_at__isnull=True,
        alert__audience=notice.alert.audience,
    ).exclude(pk=notice.pk)  # fmt: skip
    return list(rows.select_related("alert", "production"))


def _named(alert: Alert) -> str:
    return (
        f"{alert.source}: {kinds.of(alert.kind).what}"
        if alert.audience == kinds.SIGNING
        else (kinds.of(alert.kind).what)
    )


def _said(alert: Alert) -> str:
    times = f"{alert.count:,} time{'s' * (alert.count != 1)}"
    code = alert.production.code
    address = address_of(kinds.of(alert.kind), code, alert.source)
    source = "" if alert.audience == kinds.SIGNING else f", source {alert.source or 'any'}"
    return (
        f"{_named(alert)}: {times} since {alert.first_at:%d %b %Y %H:%M} UTC, "
        f"last {alert.last_at:%d %b %Y %H:%M} UTC.\n"
        f"Production {code}{source}.\n\n{kinds.of(alert.kind).where}\n"
        + (f"{address}\n" if address else "")
    )


def _send_mail(group: Sequence[Notice], team: list[tuple[int, str]]) -> None:
    notice, code = group[0], group[0].production.code
    more = f" and {len(group) - 1:,} more" if len(group) > 1 else ""
    messages = [
        EmailMessage(
            subject=f"[{code}] {_named(notice.alert)} ({notice.alert.count:,}){more}",
            body="\n".join(_said(each.alert) for each in group),
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


def _told(alert: Alert) -> dict[str, Any]:
    return {
        "kind": alert.kind, "source": alert.source, "what": kinds.of(alert.kind).what,
        "count": alert.count, "first_at": alert.first_at.isoformat(),
        "last_at": alert.last_at.isoformat(),
    }  # fmt: skip


def _send_hook(group: Sequence[Notice], hook: AlertHook, kept: Secret) -> None:
    notice = group[0]
    told: dict[str, Any] = {"id": str(notice.key), "production": notice.production.code}
    told |= _told(notice.alert)
    if len(group) > 1:
        told["more"] = [_told(each.alert) for each in group[1:]]
    body = json.dumps(told, sort_keys=True).encode()
    secret = vault.opened(bytes(kept.sealed), production_id=hook.production_id, kind="hook")
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": str(notice.key),
        "Prodacct-Signature": signature(secret, int(time.time()), body),
    }
    answer = asyncio.run(send_once(Outbound(road(), HOOK_LIMITS), "POST", hook.url, headers, body))
    if not 200 <= answer.status < 300:
        raise NotFetched(f"the webhook answered {answer.status}")

"""What administrators are shown of refused requests."""

import ipaddress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from access.devices import device_of
from access.errors import Invalid
from access.models import Production
from alerts import selectors as told
from readlog.attempt_tables import Attempt
from readlog.reasons import WORDS
from readlog.selectors import PAGE_ROWS, AttemptFilter, attempts
from readlog.told import READING, REFUSED
from reports.read_screen import day_sent, number_sent

_ASKED = ("reason", "ip", "from", "to")


def attempts_view(production: Production, sent: dict[str, str]) -> dict[str, Any]:
    """One page of refusals, newest first, and who was refused again and again."""
    kept = {key: sent.get(key, "").strip() for key in _ASKED}
    open_ = told.alerts(production).filter(kind__in=(REFUSED, READING), closed_at__isnull=True)
    view: dict[str, Any] = {
        "sent": kept,
        "reasons": list(WORDS.items()),
        "repeats": [
            {
                "who": each.source,
                "last": _moment(each.last_at),
                "what": "read more than a person reads"
                if each.kind == READING
                else "was refused again and again",
            }
            for each in open_
        ],
    }
    try:
        wanted = _filter(kept, sent)
    except Invalid as error:
        return {**view, "problem": error.message}
    page = list(attempts(wanted)[: PAGE_ROWS + 1])
    shown = page[:PAGE_ROWS]
    if len(page) > len(shown):
        asked = {key: value for key, value in kept.items() if value}
        following = urlencode({**asked, "before": shown[-1].pk})
        view["next_url"] = f"{reverse('attempts', args=[production.code])}?{following}"
    return {**view, "attempts": [_row(attempt) for attempt in shown]}


def _filter(kept: dict[str, str], sent: dict[str, str]) -> AttemptFilter:
    if kept["reason"] and kept["reason"] not in WORDS:
        raise Invalid(f"reason: expected one of the list, found {kept['reason'][:40]!r}")
    try:
        ip = str(ipaddress.ip_address(kept["ip"])) if kept["ip"] else ""
    except ValueError:
        raise Invalid(
            f"address: expected one such as 192.0.2.1, found {kept['ip'][:40]!r}"
        ) from None
    return AttemptFilter(
        kept["reason"], ip, day_sent(kept, "from"), day_sent(kept, "to"),
        number_sent(sent, "before"),
    )  # fmt: skip


def _row(attempt: Attempt) -> dict[str, Any]:
    session = attempt.session_hash
    return {
        "first": _moment(attempt.first_at),
        "last": _moment(attempt.last_at),
        "times": f"{attempt.count:,}",
        "why": WORDS.get(attempt.reason, attempt.reason),
        "status": attempt.status or "",
        "screen": attempt.route.replace("_", " ").capitalize(),
        "method": attempt.method,
        "who": str(attempt.user) if attempt.user else "",
        "ip": attempt.ip or "",
        "device": device_of(attempt.agent),
        "agent": attempt.agent,
        "session8": bytes(session).hex()[:8] if session else "",
        "payload8": bytes(attempt.payload_mac).hex()[:8],
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")

"""Writing down what was refused: who it seems to have been, from where, and why."""

import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings
from django.db import connection


@dataclass(frozen=True)
class Refusal:
    """A refused request. `email` is looked up and not kept; `code` is the production it named."""

    reason: str
    status: int
    method: str
    route: str
    code: str
    user_id: int | None
    email: str
    ip: str | None
    agent: str
    session_hash: bytes | None
    payload: bytes


def keep_attempt(refusal: Refusal) -> None:
    """Add the refusal to those of its minute. By itself: whatever was asked for is rolled back."""
    key = hmac.new(settings.SECRET_KEY.encode(), b"attempt payloads v1", hashlib.sha256).digest()
    said: list[str | int | bytes | None] = [
        refusal.reason, refusal.status, refusal.method[:10], refusal.route[:60],
        refusal.code.replace("\0", "")[:20], refusal.user_id, refusal.email.replace("\0", "")[:254],
        refusal.ip, refusal.agent.replace("\0", "")[:200], refusal.session_hash,
        hmac.new(key, refusal.payload, hashlib.sha256).digest(),
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sec.attempt_quarantined(%s, %s::smallint, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            said,
        )

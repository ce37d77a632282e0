"""Recording what a person is shown, before they are shown it."""

import hashlib
from dataclasses import dataclass

from django.db import connection

from access import context, roles, selectors
from access.models import Membership, User

MOST_ADDRESS, MOST_FILTERS = 300, 2_000


@dataclass(frozen=True)
class Asked:
    """A request as it is recorded. `strength` names what was proved at sign-in."""

    strength: str
    method: str
    route: str
    address: str
    filters: str


@dataclass(frozen=True)
class Answer:
    """What was sent back; `rows` is None where they cannot be counted."""

    body: bytes
    status: int
    rows: int | None
    is_download: bool
    duration_ms: int


def recorded_memberships(user: User) -> list[Membership]:
    """The person's memberships of today under which every request is recorded.

    For requests that are about no production. Enters the person's context.
    """
    context.enter(user_id=user.pk, production_id=context.NO_PRODUCTION)
    return [m for m in selectors.memberships_of(user) if m.role in roles.READ_LOGGED]


def record_read(*, actor: User, production_id: int, asked: Asked, answer: Answer) -> int:
    """Write one entry; its id. In the transaction whose commit comes before the answer is sent.

    The database writes who and when by itself, and the entry into the office's sealed log. Any
    DatabaseError means that nothing was recorded, and then nothing may be shown.
    """
    context.enter(user_id=actor.pk, production_id=production_id)
    said = [
        asked.strength, asked.method, asked.route, _fit(asked.address, MOST_ADDRESS),
        _fit(asked.filters, MOST_FILTERS), answer.rows, answer.status,
        hashlib.sha256(answer.body).digest(), len(answer.body), answer.is_download,
        answer.duration_ms,
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sec.read_noted(%s, %s, %s, %s, %s, %s, %s::smallint, %s, %s, %s, %s)", said
        )
        (made,) = cursor.fetchone() or (0,)
    return int(made)


def _fit(text: str, most: int) -> str:
    """Text a column holds: cut with a sign that it was, and without what no text can hold."""
    text = text.replace("\0", "\ufffd")
    return text if len(text) <= most else text[: most - 1] + "…"

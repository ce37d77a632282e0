"""Looking at a production's pages as another member is shown them, to read only (decision 42).

Who may look as whom is decided by functions of the database (readlog/sql/viewings.sql), each time
it begins and again at every request.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from access import context, selectors
from access.errors import Invalid, Refused
from access.models import Production, User
from access.sessions import hash_of
from readlog.viewing_tables import Viewing

OPEN: Final = "open"
# What ended a view, as people are told.
ENDED: Final = {
    "button": "it was stopped",
    "time": "thirty minutes were over",
    "session": "the session ended",
    "place": "your place or theirs is not what it was",
}
LONGEST_REASON = 300
MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Viewable:
    """Somebody whose pages whoever asks may look at."""

    person: int
    name: str
    role: str
    centers: list[str]


@dataclass(frozen=True, slots=True)
class Held:
    """How it stands with a view: OPEN, or a key of ENDED."""

    standing: str
    production_id: int
    code: str
    person: int
    ends_at: datetime


def mark_of(session_key: str | None) -> bytes:
    """What a view keeps of its session: not the hash by which a session is asked for."""
    kept = b"prodacct viewing v1\0" + hash_of(session_key or "")
    return hashlib.sha256(kept).digest()


def people() -> list[Viewable]:
    """Whose pages the person of the context may look at, by name."""
    return [Viewable(*row) for row in _ask("SELECT * FROM sec.viewable_people()")]


def begin(
    *, actor: User, person_id: int, reason: str, mark: bytes, came_from: tuple[str | None, str]
) -> int:
    """Begin to look as another: the view's number. Raises Invalid and Refused in words."""
    assert actor.is_active
    said = " ".join(reason.split())
    if not 0 < len(said) <= LONGEST_REASON:
        raise Invalid(f"Why: expected 1 to {LONGEST_REASON} characters, found {len(said)}.")
    with _in_words():
        asked = (person_id, said.replace("\0", ""), mark, *came_from)
        return int(_ask("SELECT sec.viewing_begun(%s, %s, %s, %s, %s)", *asked)[0][0])


def held(number: int, mark: bytes) -> Held | None:
    """How it stands with a view of the person and session that ask; None if it is not theirs."""
    found = _ask("SELECT * FROM sec.viewing_held(%s, %s)", number, mark)
    return Held(*found[0]) if found else None


def end(*, actor: User, number: int, mark: bytes, how: str) -> bool:
    """End a view by the button, or with the session; False if it was over."""
    assert actor.is_active
    return bool(_ask("SELECT sec.viewing_ended(%s, %s, %s)", number, mark, how)[0][0])


def views_of(production: Production) -> QuerySet[Viewing]:
    """The views that the person who asks may know of, the newest first."""
    found = Viewing.objects.filter(production=production).select_related("viewer", "person")
    return found.order_by("-pk")[:MOST_SHOWN]


def end_all_over() -> int:
    """As the worker: end the views that are over though nobody came back; how many."""
    ended = 0
    for production in list(selectors.every_production()):
        with context.acting(user_id=context.NOBODY, production_id=production.pk):
            ended += int(_ask("SELECT sec.viewings_swept()")[0][0])
    return ended


@contextmanager
def _in_words() -> Iterator[None]:
    """What the database refuses, as a refusal that is shown."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError as fault:
        if getattr(fault.__cause__, "sqlstate", "") not in {"23514", "42501"}:
            raise
        raise Refused(str(fault).split("\n", maxsplit=1)[0]) from fault


def _ask(sql: str, *asked: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked or None)
        return list(cursor.fetchall())

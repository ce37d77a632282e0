"""Where a person is signed in, ending it, and what happened at the door."""

from dataclasses import dataclass
from datetime import datetime

from allauth.core.internal.httpkit import get_client_ip
from django.db import connection
from django.http import HttpRequest

from access.devices import device_of
from access.models import User
from access.session_tables import DoorEntry, Session
from access.sessions import FROM, hash_of

ENTRIES_SHOWN = 30
WHAT = {
    "came_in": "Signed in",
    "wrong_password": "Wrong password",
    "wrong_factor": "Wrong second factor",
    "wrong_signing": "Wrong code or pass phrase to sign with",
    "held": "Refused: too many attempts",
    "went_out": "Signed out",
    "ended": "A session was ended from another",
    "key_added": "A second factor was set up",
    "key_removed": "A second factor was removed",
    "codes_made": "New recovery codes were made",
    "fallback_made": "A fallback key to sign overrides with was made",
    "password_set": "The password was set",
    "reset_asked": "A letter to set a new password was asked for",
    "reset_refused": "A link to set a new password was refused",
    "joined": "An invitation was taken up",
    "invitation_refused": "An invitation was refused",
    "address_asked": "A new e-mail address was asked for",
    "address_changed": "The e-mail address was changed",
    "address_refused": "A link to change the e-mail address was refused",
    "view_began": "You began to view as somebody else",
    "view_ended": "You stopped viewing as somebody else",
    "seen_as": "The accountant viewed a production as you",
}


@dataclass(frozen=True)
class SessionRow:
    """A session as its owner is shown it."""

    id: int
    device: str
    ip: str | None
    made_at: datetime
    seen_at: datetime
    is_this: bool


@dataclass(frozen=True)
class EntryRow:
    """What happened at the door, in words."""

    at: datetime
    what: str
    ip: str | None
    device: str


def came_from(request: HttpRequest) -> tuple[str | None, str]:
    """The address, seen past proxies of ours, and the browser of a request."""
    return get_client_ip(request), request.META.get("HTTP_USER_AGENT", "")[:200]


def note(request: HttpRequest, kind: str, email: str) -> None:
    """Write down what happened at the door; a person of that address is found, if there is one."""
    assert kind in WHAT
    request.door_kind = (kind, email)  # type: ignore[attr-defined]  # for what stands around it
    ip, agent = came_from(request)
    with connection.cursor() as cursor:
        cursor.execute("SELECT sec.door_noted(%s, %s, %s, %s)", [kind, email, ip, agent])


def mark(request: HttpRequest) -> None:
    """Leave in a session that is just beginning where it came from."""
    request.session[FROM] = list(came_from(request))


def sessions_of(user: User, session_key: str | None) -> list[SessionRow]:
    """The person's open sessions, the one that asks first."""
    this = hash_of(session_key) if session_key else b""
    found = Session.objects.filter(user=user).defer("data").order_by("-seen_at")
    rows = [
        SessionRow(s.pk, device_of(s.agent), s.ip, s.made_at, s.seen_at, bytes(s.key_hash) == this)
        for s in found
    ]
    return sorted(rows, key=lambda row: not row.is_this)


def entries_of(user: User) -> list[EntryRow]:
    """What happened lately at the door in the person's name."""
    found = DoorEntry.objects.filter(user=user).order_by("-at")[:ENTRIES_SHOWN]
    return [EntryRow(e.at, WHAT.get(e.kind, e.kind), e.ip, device_of(e.agent)) for e in found]


def end_session(*, actor: User, session_id: int) -> int:
    """End one of the person's own sessions; its next click is nobody's. How many it was."""
    return Session.objects.filter(user=actor, pk=session_id).delete()[0]


def end_other_sessions(*, actor: User, session_key: str | None) -> int:
    """End all of the person's sessions but the one that asks."""
    this = hash_of(session_key or "")
    return Session.objects.filter(user=actor).exclude(key_hash=this).delete()[0]

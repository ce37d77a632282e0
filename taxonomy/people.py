"""Who is on a production: inviting, taking up an invitation, changing and ending a place.

Here and not in access, since a place names cost centres. What may be done is decided by functions
of the database (taxonomy/sql/people.sql), which are all that the web role can call: nobody changes
their own place, and nobody gives the right to give. What is checked here is checked there too.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from access import letters, roles
from access.errors import Invalid, NotFoundHere, Refused
from access.invitation_tables import Invitation
from access.models import Membership, Production, User

LONGEST_REASON = 300
LONGEST_NAME = 120
# What our own functions raise in words; everything else is a fault and stays one.
_SAID = {"23514", "42501"}
GIVEN = [role for role, (_, may) in roles.ROLES.items() if "manage_access" not in may]
REFUSALS = {
    "unknown": "This link opens nothing. Open it from the letter once more, or ask for a new one.",
    "accepted": "This invitation has been taken up already. Sign in instead.",
    "withdrawn": "This invitation was withdrawn. Ask whoever invited you.",
    "expired": "This invitation is over: it was good for seven days. Ask for a new one.",
    "another": "This invitation is for somebody else. Sign out, then open the link again.",
    "member": "You are on this production already.",
    "sign in": "You have an account here: sign in, and the invitation waits for you.",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A role on a production between two days, the last included, with codes of cost centres."""

    role: str
    centers: tuple[str, ...]
    starts_on: date
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody on a production, as whoever manages access is shown them."""

    person: int
    name: str
    email: str
    role: str
    starts_on: date
    ends_on: date | None
    reason: str
    centers: list[str]
    has_second_factor: bool
    last_seen_at: datetime | None
    is_active: bool


@dataclass(frozen=True, slots=True)
class Held:
    """An invitation as who holds its token sees it; `person` is the id of who has the address."""

    id: int
    standing: str
    email: str
    role: str
    title: str
    code: str
    inviter: str
    person: int | None


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn what the database refuses into a refusal that is shown."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError as fault:
        state = getattr(fault.__cause__, "sqlstate", "")
        if state == "P0002":
            raise NotFoundHere from fault
        if state not in _SAID:
            raise
        raise Refused(str(fault).split("\n", maxsplit=1)[0]) from fault


def hash_of(token: str) -> bytes:
    """What is kept of an invitation's token."""
    return hashlib.sha256(b"prodacct invitation v1\0" + token.encode()).digest()


def needs_centers(role: str) -> bool:
    """Whether the role sees the costs of what it is given, rather than all or none."""
    may = roles.actions_of(role)
    return "view_costs" in may and "view_all_costs" not in may


def _checked(place: Place) -> Place:
    """The place as it is given: cost centres only for a role that is given them one by one."""
    if place.role not in GIVEN:
        raise Invalid(f"Role: expected one of {', '.join(GIVEN)}, found {place.role[:40]!r}.")
    if place.ends_on is not None and place.ends_on < place.starts_on:
        raise Invalid(
            f"Last day: expected {place.starts_on:%d %b %Y} or later, found "
            f"{place.ends_on:%d %b %Y}."
        )
    if not needs_centers(place.role):
        return Place(place.role, (), place.starts_on, place.ends_on)
    if not place.centers:
        raise Invalid("Cost centres: a department head is given one at least, found none.")
    return place


def _reason(text: str) -> str:
    said = text.strip()
    if not 0 < len(said) <= LONGEST_REASON:
        raise Invalid(f"Reason: expected 1 to {LONGEST_REASON} characters, found {len(said)}.")
    return said


def invite(
    *, actor: User, production: Production, email: str, place: Place, link: Callable[[str], str]
) -> int:
    """Invite an address to a place on the production: the invitation's number.

    `link` makes the address of a page from a token, which is sent and not kept. An earlier
    invitation of the same address is withdrawn. Raises Invalid and Refused in words.
    """
    address = letters.mailbox(email, "E-mail")
    if not letters.can_send():
        raise Refused("No mail server is named (PRODACCT_MAIL), so nobody can be invited.")
    given = _checked(place)
    token = secrets.token_urlsafe(32)
    with _in_words():
        letter = letters.put(
            to=address, subject=f"Your place on {_one_line(production.title)}",
            text=_letter(actor, production, given, link(token)),
        )  # fmt: skip
        asked = (hash_of(token), address, given.role, list(given.centers), given.starts_on,
                 given.ends_on, letter)  # fmt: skip
        return int(_ask("SELECT sec.invited(%s, %s, %s, %s, %s, %s, %s)", *asked)[0][0])


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _letter(actor: User, production: Production, place: Place, link: str) -> str:
    until = f" to {place.ends_on:%d %b %Y}" if place.ends_on else ""
    return (
        f"{_one_line(actor.name)} invites you to {_one_line(production.title)} "
        f"({production.code}) as {roles.label_of(place.role)}, from "
        f"{place.starts_on:%d %b %Y}{until}.\n\n"
        f"Open this within seven days to take your place:\n\n{link}\n\n"
        "It works once, and for this address only. If you know nothing of this production, do "
        "nothing: without you nothing happens.\n"
    )


def withdraw(*, actor: User, production: Production, invitation_id: int) -> None:
    """Take an invitation back. Raises NotFoundHere for one that is not open here."""
    assert actor.is_active
    with _in_words():
        if not _ask("SELECT sec.invitation_withdrawn(%s)", invitation_id)[0][0]:
            raise NotFoundHere


def change_place(
    *, actor: User, production: Production, person_id: int, place: Place, reason: str
) -> None:
    """Give a member another role, other days or other cost centres. Raises Invalid, Refused."""
    assert actor.is_active
    given, said = _checked(place), _reason(reason)
    with _in_words():
        _ask(
            "SELECT sec.place_changed(%s, %s, %s, %s, %s, %s)",
            person_id, given.role, list(given.centers), given.starts_on, given.ends_on, said,
        )  # fmt: skip


def end_place(*, actor: User, production: Production, person_id: int, reason: str) -> None:
    """End a member's place at once, and with it all their sessions. Raises Invalid, Refused."""
    assert actor.is_active
    said = _reason(reason)
    with _in_words():
        _ask("SELECT sec.place_ended(%s, %s)", person_id, said)


def held_invitation(token_hash: bytes) -> Held | None:
    """What the invitation of this token says, to whoever holds the token."""
    found = _ask("SELECT * FROM sec.invitation_held(%s)", token_hash)
    return Held(*found[0]) if found else None


def accept(*, held: Held, token_hash: bytes, name: str = "", password: str = "") -> str:
    """Take up an invitation: 'accepted', or the name of a refusal (REFUSALS).

    Whoever is signed in by the context takes it up as who they are; where nobody has the address,
    a person of this name and password is made. Raises Invalid for a name or password that is none.
    """
    hashed = None
    if held.person is None:
        named = _one_line(name)
        if not 0 < len(named) <= LONGEST_NAME:
            raise Invalid(f"Name: expected 1 to {LONGEST_NAME} characters, found {len(named)}.")
        try:
            validate_password(password, User(email=held.email, name=named))
        except ValidationError as error:
            raise Invalid("Password: " + " ".join(error.messages)) from None
        name, hashed = named, make_password(password)
    found = _ask("SELECT sec.invitation_accepted(%s, %s, %s)", token_hash, name, hashed)
    return str(found[0][0])


def people() -> list[PersonRow]:
    """Everybody on the production of the context, by name; nobody for who may not know."""
    return [PersonRow(*row) for row in _ask("SELECT * FROM sec.people()")]


def centers_to_give() -> list[tuple[str, str]]:
    """(code, name) of the cost centres of the context's production, for who manages access."""
    return [(str(c), str(n)) for c, n in _ask("SELECT code, name FROM sec.centers_to_give()")]


def invitations(production: Production) -> QuerySet[Invitation]:
    """The production's invitations, the newest first, without what opens them."""
    found = Invitation.objects.filter(production=production).defer("token_hash")
    return found.select_related("invited_by").order_by("-pk")


def letter_state(number: int | None) -> str:
    """'waiting', 'sent' or 'given up'; '' for a letter that was never put."""
    return str(_ask("SELECT coalesce(sec.letter_state(%s), '')", number)[0][0])


def versions_of(production: Production, person_id: int) -> list[dict[str, Any]]:
    """What the person's place was, the newest first: at, by, what, role, days, reason."""
    found = Membership.history.filter(production=production, user_id=person_id)
    return list(
        found.order_by("-history_date", "-history_id").values(
            "history_date", "history_type", "history_user__name", "role", "starts_on", "ends_on",
            "reason",
        )
    )  # fmt: skip


def _ask(sql: str, *asked: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked or None)
        return list(cursor.fetchall())

"""A person changes the address they sign in with: asked for, and confirmed from the new mailbox."""

import hashlib
import secrets
from collections.abc import Callable

from django.db import connection

from access import letters
from access.address_tables import AddressChange
from access.errors import Invalid, Refused
from access.models import User
from access.sessions import hash_of as hash_of_session

REFUSALS = {
    "unknown": "This link opens nothing for you. Open it from the letter once more, signed in as "
    "whoever asked for it.",
    "used": "This address has been confirmed already.",
    "withdrawn": "Another address was asked for or a password set since: this link opens nothing.",
    "expired": "This link is over: it was good for a day. Ask for the change again.",
    "taken": "Somebody here has this address. Nothing was changed.",
}


def hash_of(token: str) -> bytes:
    """What is kept of a letter's token."""
    return hashlib.sha256(b"prodacct address v1\0" + token.encode()).digest()


def checked(*, actor: User, address: str) -> str:
    """An address a person may ask for, as it is kept. Raises Invalid and Refused in words.

    Whether somebody else has it is not told.
    """
    new = letters.mailbox(address, "New address")
    if new == actor.email:
        raise Invalid("New address: that is the one you have.")
    if not letters.can_send():
        raise Refused("No mail server is named (PRODACCT_MAIL), so no address can be confirmed.")
    return new


def ask(*, actor: User, new: str, link: Callable[[str], str]) -> None:
    """Send a letter to a new address that was checked.

    `link` makes the address of a page from a token, which is sent and not kept.
    """
    token = secrets.token_urlsafe(32)
    _ask("SELECT sec.address_asked(%s, %s)", hash_of(token), new)
    letters.put(
        to=new, subject="prodacct: confirm this address",
        text=(
            f"{' '.join(actor.name.split())} asked to sign in with {new} from now on, instead of "
            f"{actor.email}. Open this within a day, signed in as before:\n\n{link(token)}\n\n"
            "It works once. If you know nothing of it, do nothing: then nothing happens.\n"
        ),
    )  # fmt: skip


def confirm(*, actor: User, token_hash: bytes, session_key: str | None) -> str:
    """Take up a wish: 'confirmed', or a key of REFUSALS. The person's other sessions end."""
    this = hash_of_session(session_key or "")
    said = str(_ask("SELECT sec.address_confirmed(%s, %s)", token_hash, this))
    if said == "confirmed":
        actor.refresh_from_db(fields=["email"])
    return said


def waiting_for(user: User) -> AddressChange | None:
    """The address the person asked for and has not confirmed."""
    found = AddressChange.objects.filter(user=user, state="asked").defer("token_hash")
    return found.order_by("-pk").first()


def _ask(sql: str, *asked: bytes | str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        (found,) = cursor.fetchone() or (None,)
    return found

"""Word to a person that a key of theirs changed, so that a thief's change is not quiet."""

from django.http import HttpRequest
from django.utils import timezone

from access import door, letters
from access.devices import device_of
from access.models import User


def note_and_tell(request: HttpRequest, user: User, kind: str, *, to: str = "") -> None:
    """Write down what happened to the person's keys, and send them a letter about it, `to` the
    address they had where that has changed."""
    door.note(request, kind, user.email)
    ip, agent = door.came_from(request)
    what = door.WHAT[kind]
    letters.put(
        to=to or user.email,
        subject=f"prodacct: {what[0].lower()}{what[1:]}",
        text=(
            f"{what}, for {user.email}, on {timezone.now():%d %b %Y at %H:%M} UTC, from "
            f"{device_of(agent)} at {ip or 'an unknown address'}.\n\n"
            "If that was you, there is nothing to do. If not, set a new password at once "
            f"({request.build_absolute_uri('/login/forgotten/')}), end all your sessions, and tell "
            "whoever manages access to your production.\n"
        ),
    )

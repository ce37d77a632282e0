"""How a session has proved who it is: by the password alone or by a second factor too, and when.

allauth keeps a record of each proof in the session; a passkey is a second factor whether it came
after a password or instead of one, since the device asks for a finger, a face or a PIN.
"""

import time
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest

from access import roles, selectors
from access.models import User
from access.requests import VIEWING

SECOND = "mfa"


def proofs(request: HttpRequest, user: User) -> list[dict[str, Any]]:
    """What this session has proved of the person, oldest first."""
    return list(get_authentication_records(request, user))


def has_passed(request: HttpRequest, user: User) -> bool:
    """Whether the session has passed a second factor."""
    return any(proof["method"] == SECOND for proof in proofs(request, user))


def is_needed(user: User) -> bool:
    """Whether a role the person holds today asks for a second factor. Reads the context."""
    return any(m.role in roles.SECOND_FACTOR for m in selectors.memberships_of(user))


def is_enrolled(user: User) -> bool:
    """Whether the person has a second factor; recovery codes alone are none."""
    factors = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=factors).exists())


def proved_lately(request: HttpRequest, user: User, seconds: float | None = None) -> bool:
    """Whether the person has just proved who they are, as strongly as they can.

    Signing in counts. Whoever has a second factor has proved nothing by a password alone.
    """
    most = settings.ACCOUNT_REAUTHENTICATION_TIMEOUT if seconds is None else seconds
    late = {p["method"] for p in proofs(request, user) if p["at"] > time.time() - most}
    return SECOND in late or ("password" in late and not is_enrolled(user))


def is_due(request: HttpRequest, user: User, url_name: str) -> bool:
    """Whether what is asked for weighs, and the last proof is too long ago for it.

    Opening a form asks sooner than sending it, by as long as a session rests before it ends: what
    was typed into a form that was opened in time is taken.
    """
    is_form = request.method in ("GET", "HEAD")
    if not roles.weighs(url_name, is_form=is_form) or VIEWING in request.session:
        return False
    spare = 0 if is_form else settings.SESSION_IDLE_SECONDS
    return not proved_lately(request, user, settings.STEP_UP_SECONDS + spare)


def record_enrolment(request: HttpRequest, user: User, kind: str) -> None:
    """A factor just set up has been proved, by a code or a gesture; the session gets a new id."""
    record_authentication(request, user, SECOND, type=kind)
    request.session.cycle_key()

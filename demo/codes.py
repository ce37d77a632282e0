"""The authenticator apps of Night Ferry's people, whom nobody has a telephone for.

Each secret follows from the installation's own, so it is another on every machine, and the codes of
now can be told without asking the database.
"""

import base64
import hashlib
import hmac

from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.conf import settings

from demo import film


def address(name: str) -> str:
    """The e-mail address somebody of the film signs in with."""
    return f"{name}@nightferry.example"


def app_secret(name: str) -> str:
    """What the person's authenticator app knows, in base32."""
    word = hmac.new(settings.SECRET_KEY.encode(), f"demo app of {name}".encode(), hashlib.sha256)
    return base64.b32encode(word.digest()[:20]).decode()


def codes(name: str) -> list[str]:
    """The codes that are right now, the oldest first."""
    secret = app_secret(name)
    return [format_hotp_value(hotp_value(secret, n)) for n in yield_hotp_counters_from_time()]


def lines() -> list[str]:
    """Who may sign in, and the code of each."""
    return [
        f"  {codes(name)[1]}  {address(name)}  {shown}, {role}"
        + (f" ({', '.join(given)})" if given else "")
        for name, shown, role, given in film.PEOPLE
    ]

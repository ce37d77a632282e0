"""Signing in, for tests that are about something else: as somebody who has done it all."""

import time
from random import randrange

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from access.models import User

BACKEND = "django.contrib.auth.backends.ModelBackend"
WHOSE = "account_authentication_methods_user"


def sign_in(client: Client, person: User, *, second_factor: bool = True) -> Client:
    """A session that has passed the password, and the second factor unless it is said not to."""
    client.force_login(person, backend=BACKEND)
    session = client.session
    proofs = [{"method": "password", "at": time.time()}]
    if second_factor:
        proofs.append({"method": "mfa", "type": "totp", "at": time.time()})
    session[AUTHENTICATION_METHODS_SESSION_KEY] = proofs
    session[WHOSE] = str(person.pk)
    session.save()
    return client


def code_of(secret: str, ahead: int = 0) -> str:
    """The code an authenticator app shows for a secret, now or some half minutes on."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead))


def browser(**options: object) -> Client:
    """Somebody's browser, at an address of its own: attempts are counted by address."""
    made = f"10.{randrange(256)}.{randrange(256)}.{randrange(256)}"
    return Client(
        raise_request_exception=False, SERVER_NAME="localhost", REMOTE_ADDR=made, **options
    )


def by_password(client: Client, email: str, password: str, following: str = "") -> HttpResponse:
    """The answer to an address and a password."""
    where = reverse("login") + (f"?next={following}" if following else "")
    return client.post(where, {"login": email, "password": password, "next": following})

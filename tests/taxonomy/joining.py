"""Invitations in tests: an administrator, the letters that wait, and the link in one."""

import itertools
import os
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.db import transaction

from access import letters
from access.models import User
from taxonomy import people
from taxonomy.people import Place
from tests.access.house import asking, newcomer, read
from tests.factories import Film, role

_number = itertools.count(1)
TODAY = datetime.now(tz=UTC).date()


@pytest.fixture
def post(database: None, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Letters can be sent; the list is where the worker brings them."""
    monkeypatch.setattr(settings, "ALERT_MAIL", True)
    monkeypatch.setattr(mail, "outbox", [], raising=False)
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend")
    return mail.outbox


def administrator(film: Film) -> User:
    return newcomer(film, "ines", "administrator")


def invite(film: Film, actor: User, email: str, **place: Any) -> str:
    """Invite as the web role does: the token that only the letter holds."""
    links: list[str] = []

    def link(token: str) -> str:
        links.append(token)
        return f"http://localhost/p/{film.code}/join/{token}/"

    given = {"role": "department_head", "centers": ("CAM",), "starts_on": TODAY, **place}
    with asking("web", actor, film):
        people.invite(
            actor=actor, production=film.production, email=email, place=Place(**given), link=link
        )
    return links[0]


def delivered(post: list[Any], email: str) -> list[Any]:
    """The letters that came for an address, once the worker has been by."""
    with role("worker"):
        letters.send_due()
    return [message for message in post if message.to == [email]]


def link_in(message: Any) -> str:
    """The path of the link in a letter."""
    found = re.search(r"http://[^/\s]+(/\S+)", message.body)
    assert found
    return found[1]


def address() -> str:
    return f"guest{next(_number)}-{os.getpid()}@example.org"


def owner(sql: str, *asked: Any) -> list[tuple[Any, ...]]:
    with role("owner"), transaction.atomic():
        return read(sql, *asked)


def states(email: str) -> list[str]:
    found = owner("SELECT state FROM access_invitation WHERE email = %s ORDER BY id", email)
    return [str(state) for (state,) in found]


def noted(email: str) -> list[str]:
    found = owner("SELECT kind FROM access_doorentry WHERE address = %s ORDER BY id", email)
    return [str(kind) for (kind,) in found]

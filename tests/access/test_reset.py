"""A forgotten password, and word of changed keys; letters through a real SMTP server."""

import itertools
import socket
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from access import letters, services
from access.models import User
from tests.access.house import asking, read
from tests.access.web_house import body_of
from tests.factories import Film, role
from tests.signing_in import browser, by_password, code_of, sign_in
from tests.taxonomy.joining import administrator, invite, link_in, noted

OLD, NEW = "a long enough password", "quite another password"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_number = itertools.count(1)


class Mailbox:
    """What a mail server was brought."""

    def __init__(self) -> None:
        self.came: list[Message] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.came.append(message_from_bytes(envelope.content))
        return "250 OK"

    def of(self, email: str) -> list[Message]:
        return [message for message in self.came if message["To"] == email]


@pytest.fixture
def box(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mail server on loopback, at a port of its own, and the settings that name it."""
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    monkeypatch.setattr(settings, "ALERT_MAIL", True)
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
    monkeypatch.setattr(settings, "EMAIL_HOST", "127.0.0.1")
    monkeypatch.setattr(settings, "EMAIL_PORT", port)
    yield box
    server.stop()


@pytest.fixture
def person(film: Film) -> User:
    with role("owner"):
        console = services.console_person()
        made = services.add_person(
            actor=console, email=f"ray{next(_number)}-{film.code}@example.org".lower(), name="Ray",
            password=OLD,
        )  # fmt: skip
        services.give_membership(
            actor=console, production=film.production, user=made, role="payroll"
        )
        services.give_authenticator_app(actor=console, user=made, secret=SECRET)
    return made


def work() -> int:
    with role("worker"):
        return letters.send_due()


def text_of(message: Message) -> Any:
    """The letter, as link_in reads it; its headers are those of a proper one."""
    for name in ("Subject", "From", "Date", "Message-ID"):
        assert message[name]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    return type("Letter", (), {"body": body.decode()})


def test_a_forgotten_password_is_set_by_a_letter_once_and_the_second_factor_still_asked(
    box: Mailbox, person: User
) -> None:
    with role("web"):
        before = sign_in(browser(), person)
        known = browser().post(reverse("password_forgotten"), {"email": person.email.upper()})
        other = browser().post(reverse("password_forgotten"), {"email": "no-one@example.org"})
        assert body_of(known) == body_of(other)
        assert "If somebody here has this address" in known.content.decode()
    work()
    assert box.of("no-one@example.org") == []
    (letter,) = box.of(person.email)
    path = link_in(text_of(letter))
    with role("web"):
        client = browser()
        assert client.get(path).headers["Location"] == reverse("password_reset")
        for sent, said in (
            ({"password": NEW, "again": OLD}, "not the same"),
            ({"password": "short", "again": "short"}, "at least 12 characters"),
        ):
            answer = client.post(reverse("password_reset"), sent)
            assert answer.status_code == 422 and said in answer.content.decode()
        done = client.post(reverse("password_reset"), {"password": NEW, "again": NEW})
        assert done.headers["Location"] == reverse("login")
        assert before.get("/me/keys/").headers["Location"].startswith(reverse("login"))
        assert client.get("/me/keys/").headers["Location"].startswith(reverse("login"))
        assert by_password(browser(), person.email, OLD).status_code == 200
        second = by_password(client, person.email, NEW)
        assert second.headers["Location"] == reverse("mfa_authenticate")
        client.post(reverse("mfa_authenticate"), {"code": code_of(SECRET)})
        assert client.get("/me/keys/").status_code == 200
        again = browser()
        assert again.get(path, follow=True).status_code == 410, "a link is good once"
    work()
    assert "password was set" in text_of(box.of(person.email)[1]).body
    assert noted(person.email)[:2] == ["reset_asked", "password_set"]
    assert "reset_refused" in noted(person.email)


@pytest.mark.parametrize("forge", ["another person's", "cut", "an hour old", "a closed account's"])
def test_a_reset_link_that_is_not_good_changes_nothing(
    box: Mailbox, film: Film, person: User, forge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with role("web"):
        browser().post(reverse("password_forgotten"), {"email": person.email})
    work()
    path = link_in(text_of(box.of(person.email)[0]))
    if forge == "another person's":
        path = path.replace(f"/{person.pk}/", f"/{film.cast['amir'].pk}/")
    elif forge == "cut":
        path = f"{path[:-3]}/"
    elif forge == "an hour old":
        monkeypatch.setattr(settings, "PASSWORD_RESET_TIMEOUT", -1)
    else:
        with role("owner"):
            User.objects.filter(pk=person.pk).update(is_active=False)
    with role("web"):
        client = browser()
        client.get(path)
        for answer in (
            client.get(reverse("password_reset")),
            client.post(reverse("password_reset"), {"password": NEW, "again": NEW}),
        ):
            assert answer.status_code == 410
    with role("owner"):
        assert User.objects.get(pk=person.pk).check_password(OLD)


def test_asking_for_letters_again_and_again_is_stopped(box: Mailbox, person: User) -> None:
    with role("web"):
        said = [
            browser().post(reverse("password_forgotten"), {"email": person.email}).status_code
            for _ in range(6)
        ]
    assert said == [200] * 5 + [429]
    work()
    assert len(box.of(person.email)) == 5


def test_word_goes_out_of_every_key_that_changes(box: Mailbox, person: User) -> None:
    with role("owner"):
        Authenticator.objects.filter(user=person).delete()
    with role("web"):
        client = sign_in(browser(), person)
        secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
        client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
        client.post(reverse("mfa_generate_recovery_codes"))
    work()
    said = [message["Subject"] for message in box.of(person.email)]
    assert said == [
        "prodacct: a second factor was set up", "prodacct: new recovery codes were made",
    ]  # fmt: skip


def test_a_letter_waits_for_a_mail_server_that_is_away_and_nobody_waits_with_it(
    box: Mailbox, film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    work()
    port = settings.EMAIL_PORT
    monkeypatch.setattr(settings, "EMAIL_PORT", 1)  # nobody listens there
    email, ines = f"late{next(_number)}-{film.code}@example.org".lower(), administrator(film)
    invite(film, ines, email)
    began = time.monotonic()
    assert work() == 0
    assert time.monotonic() - began < settings.EMAIL_TIMEOUT
    with role("owner"), transaction.atomic():
        assert read(
            "SELECT tries, sealed IS NOT NULL, run_after > now() FROM sec.letter l"
            " JOIN access_invitation i ON i.mail = l.id WHERE i.email = %s", email,
        ) == [(1, True, True)]  # fmt: skip
        read("UPDATE sec.letter SET run_after = now() WHERE sealed IS NOT NULL")
    monkeypatch.setattr(settings, "EMAIL_PORT", port)
    assert work() >= 1
    assert f"/p/{film.code}/join/" in text_of(box.of(email)[0]).body
    with role("owner"):
        kept = read(
            "SELECT sealed FROM sec.letter l JOIN access_invitation i ON i.mail = l.id"
            " WHERE i.email = %s", email,
        )  # fmt: skip
    assert kept == [(None,)], "nothing of it stays"


def test_a_letter_nobody_here_sealed_is_not_sent(box: Mailbox, film: Film) -> None:
    """Somebody puts bytes of theirs into the queue by raw SQL."""
    work()
    with asking("web", film.cast["cho"], film):
        ((number,),) = read("SELECT sec.letter_put('a letter of mine')")
    assert work() == 0
    with role("web"):
        assert read("SELECT sec.letter_state(%s)", number) == [("given up",)]

"""A person changes their own address: proof, a letter to the new one, word to the old, a click."""

import itertools
import re
import time
from typing import Any

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings
from django.core import mail
from django.db.utils import DatabaseError
from django.test import Client
from django.urls import reverse

from access import letters, services
from access.address_tables import AddressChange
from access.models import User
from access.session_tables import Session
from tests.access.house import asking, read
from tests.factories import Film, role
from tests.signing_in import browser, by_password, sign_in

PASSWORD = "a long enough password"
_number = itertools.count(1)


@pytest.fixture(autouse=True)
def post(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters go into Django's own outbox."""
    monkeypatch.setattr(settings, "ALERT_MAIL", True)
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend")


def somebody(film: Film) -> tuple[User, Client]:
    with role("owner"):
        made = services.add_person(
            actor=services.console_person(), name="Mo Mover", password=PASSWORD,
            email=f"mover{next(_number)}-{film.code}@ex.org".lower(),
        )  # fmt: skip
        services.give_membership(
            actor=services.console_person(), production=film.production, user=made,
            role="department_head",
        )  # fmt: skip
    return made, sign_in(browser(), made)


def new_of(person: User) -> str:
    return f"new-{person.email}"


def ask(client: Client, address: str) -> Any:
    return client.post(reverse("address"), {"address": address})


def letters_to(address: str) -> list[str]:
    """The letters that have come to an address."""
    with role("worker"):
        letters.send_due()
    return [str(m.subject) + "\n" + str(m.body) for m in mail.outbox if m.to == [address]]


def link_to(address: str) -> str:
    found = re.search(r"http://[^/\s]+(/me/address/\S+)", letters_to(address)[-1])
    assert found
    return found[1]


def opened(client: Client, link: str) -> Client:
    assert client.get(link).headers["Location"] == reverse("address_confirm")
    return client


def email_of(person: User) -> str:
    with role("owner"):
        return User.objects.get(pk=person.pk).email


def test_an_address_is_changed_by_a_letter_to_it_and_the_old_one_gets_word(film: Film) -> None:
    person, client = somebody(film)
    old, new = person.email, new_of(person)
    with role("web"):
        elsewhere = sign_in(browser(), person)
        assert ask(client, f" {new.upper()} ").headers["Location"] == reverse("address")
        link = link_to(new)
        assert email_of(person) == old, "nothing before the letter is opened"
        assert "A new e-mail address was asked for".lower() in letters_to(old)[0].lower()
        page = opened(client, link).get(reverse("address_confirm")).content.decode()
        assert new in page and email_of(person) == old, "a click of one's own"
        done = client.post(reverse("address_confirm"))
        assert done.headers["Location"] == reverse("sessions")
        assert client.get(reverse("sessions")).status_code == 200, "this session stays"
        assert elsewhere.get("/").headers["Location"].startswith(reverse("login"))
        assert email_of(person) == new
        assert any("The e-mail address was changed".lower() in said.lower()
                   for said in letters_to(old))  # fmt: skip
        assert by_password(browser(), old, PASSWORD).status_code == 200
        assert by_password(browser(), new, PASSWORD).status_code == 302
        again = opened(client, link).post(reverse("address_confirm"))
        assert again.status_code == 410 and "confirmed already" in again.content.decode()
    with role("owner"):
        kinds = set(_noted(person))
        assert {"address_asked", "address_changed", "address_refused"} <= kinds
        ((kept,),) = read(
            "SELECT token_hash FROM access_addresschange WHERE user_id = %s", person.pk
        )
    assert link.rstrip("/").rpartition("/")[2].encode() not in bytes(kept)
    assert len(bytes(kept)) == 32


def _noted(person: User) -> list[str]:
    return [kind for (kind,) in read(
        "SELECT kind FROM access_doorentry WHERE user_id = %s ORDER BY at", person.pk)]  # fmt: skip


def test_who_has_not_just_proved_themselves_is_asked_first(film: Film) -> None:
    person, client = somebody(film)
    session = client.session
    kept = session[AUTHENTICATION_METHODS_SESSION_KEY]
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{**p, "at": time.time() - 400} for p in kept]
    session.save()
    with role("web"):
        for answer in (client.get(reverse("address")), ask(client, new_of(person))):
            assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert letters_to(new_of(person)) == []


@pytest.mark.parametrize("address", ["", "nobody", "a@b@c", f"{'x' * 250}@ex.org", "same"])
def test_what_is_no_new_address_is_refused_in_words(film: Film, address: str) -> None:
    person, client = somebody(film)
    with role("web"):
        answer = ask(client, person.email.upper() if address == "same" else address)
    assert answer.status_code == 422
    assert "New address:" in answer.content.decode()


def test_without_a_mail_server_nothing_is_asked(film: Film, monkeypatch: Any) -> None:
    monkeypatch.setattr(settings, "ALERT_MAIL", False)
    person, client = somebody(film)
    with role("web"):
        answer = ask(client, new_of(person))
        assert answer.status_code == 409 and "No mail server" in answer.content.decode()


@pytest.mark.parametrize("why", ["expired", "withdrawn", "another wish", "taken", "another person"])
def test_a_link_that_is_not_good_changes_nothing(film: Film, why: str) -> None:
    person, client = somebody(film)
    old, new = person.email, new_of(person)
    other, others = somebody(film)
    with role("web"):
        ask(client, new)
        link = link_to(new)
    with role("owner"):
        if why == "expired":
            AddressChange.objects.filter(user=person).update(expires_at="2026-01-01T00:00Z")
        elif why == "taken":
            User.objects.filter(pk=other.pk).update(email=new)
        elif why == "withdrawn":
            User.objects.filter(pk=person.pk).update(password_set_at="2999-01-01T00:00Z")
    if why == "withdrawn":
        client = sign_in(browser(), User.objects.get(pk=person.pk))
    said = {
        "expired": "good for a day", "withdrawn": "a password set since",
        "taken": "has this address",
        "another wish": "Another address was asked for", "another person": "opens nothing for you",
    }[why]  # fmt: skip
    with role("web"):
        if why == "another wish":
            ask(client, f"more-{new}")
        asker = others if why == "another person" else client
        answer = opened(asker, link).post(reverse("address_confirm"))
        assert answer.status_code == 410
        assert said in answer.content.decode()
    assert email_of(person) == old
    assert email_of(other) == (new if why == "taken" else other.email)


def test_a_link_opens_nothing_for_who_is_not_signed_in(film: Film) -> None:
    person, client = somebody(film)
    with role("web"):
        ask(client, new_of(person))
        answer = browser().get(link_to(new_of(person)))
        assert answer.headers["Location"].startswith(reverse("login"))


def test_letters_are_not_sent_without_end(film: Film) -> None:
    person, client = somebody(film)
    with role("web"):
        codes = [ask(client, f"{n}-{person.email}").status_code for n in range(7)]
    assert codes == [302] * 5 + [429] * 2


def test_raw_sql_changes_the_address_of_nobody_else(film: Film) -> None:
    person, client = somebody(film)
    other, _ = somebody(film)
    with role("web"):
        ask(client, new_of(person))
    with role("owner"):
        ((kept,),) = read(
            "SELECT token_hash FROM access_addresschange WHERE user_id = %s", person.pk
        )
        open_sessions = Session.objects.filter(user=person).count()
    with asking("web", other, film):
        assert read("SELECT sec.address_confirmed(%s, %s)", kept, kept) == [("unknown",)]
        assert read("SELECT address FROM access_addresschange") == []
    for statement in (
        "UPDATE access_user SET email = 'x@ex.org'",
        "SELECT token_hash FROM access_addresschange",
        "INSERT INTO access_addresschange (user_id) VALUES (sec.user_id())",
        "UPDATE access_addresschange SET state = 'confirmed'",
        "SELECT sec.address_asked(sha256('x'), 'no address')",
    ):
        with pytest.raises(DatabaseError), asking("web", person, film):
            read(statement)
    with role("web"), pytest.raises(DatabaseError, match="Only a person themselves"):
        read("SELECT sec.address_asked(sha256('x'), 'x@ex.org')")
    with role("owner"):
        assert Session.objects.filter(user=person).count() == open_sessions
    assert email_of(person) == person.email

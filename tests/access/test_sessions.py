"""Sessions: listed, ended at once, over in time, and of no use to who reads the database."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse

from access import door
from access.devices import device_of
from access.models import User
from access.sessions import hash_of
from tests.access.house import asking, newcomer, own_connection, read, readable
from tests.factories import Film, role
from tests.signing_in import browser, by_password, sign_in

PASSWORD = "a long enough password"
PHONE = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/141.0 Mobile Safari/537.36"


@pytest.fixture
def person(film: Film) -> User:
    return newcomer(film, "Sid", "line_producer", password=PASSWORD)


def is_in(client: Client) -> bool:
    return not client.get("/").headers.get("Location", "").startswith(reverse("login"))


def test_a_session_is_ended_from_another_at_the_very_next_click(person: User) -> None:
    with role("web"):
        desk, phone, third = (sign_in(browser(), person) for _ in range(3))
        rows = desk.get(reverse("sessions")).context["sessions"]
        assert [row.is_this for row in rows] == [True, False, False]
        theirs = {bytes(hash_of(c.session.session_key)): c for c in (phone, third)}
        with role("owner"):
            held = dict(
                read("SELECT id, key_hash FROM access_session WHERE user_id = %s", person.pk)
            )
        chosen = theirs[bytes(held[rows[1].id])]
        assert is_in(chosen)
        desk.post(reverse("session_end"), {"session": rows[1].id})
        assert [is_in(c) for c in (desk, chosen)] == [True, False]
        desk.post(reverse("session_end"), {"session": "others"})
        assert [is_in(c) for c in (desk, phone, third)] == [True, False, False]
        (this,) = desk.get(reverse("sessions")).context["sessions"]
        out = desk.post(reverse("session_end"), {"session": this.id})
        assert out.headers["Location"] == reverse("login")
        assert not is_in(desk)


@pytest.mark.parametrize("asked", ["", "0", "x", "9" * 30, "\u0661", "-1"])
def test_ending_what_is_no_session_of_ones_own_is_not_found(person: User, asked: str) -> None:
    with role("web"):
        client = sign_in(browser(), person)
        assert client.post(reverse("session_end"), {"session": asked}).status_code == 404


def test_nobody_ends_the_session_of_another(film: Film, person: User) -> None:
    with role("web"):
        amir = sign_in(browser(), film.cast["amir"])
        (row,) = sign_in(browser(), person).get(reverse("sessions")).context["sessions"]
        assert amir.post(reverse("session_end"), {"session": row.id}).status_code == 404
        with asking("web", film.cast["amir"], film):
            assert door.end_session(actor=person, session_id=row.id) == 0, "nor by raw SQL"


@pytest.mark.parametrize(
    ("column", "back", "lasts"),
    [("seen_at", 59 * 60, True), ("seen_at", 61 * 60, False), ("ends_at", 13 * 3600, False)],
)
def test_a_session_ends_when_nothing_is_asked_and_when_its_day_is_over(
    person: User, column: str, back: int, lasts: bool
) -> None:
    with role("web"):
        client = sign_in(browser(), person)
    with role("owner"), transaction.atomic():
        read(
            f"UPDATE access_session SET {column} = {column} - make_interval(secs => %s)"
            " WHERE user_id = %s", back, person.pk,
        )  # fmt: skip
    with role("web"):
        assert is_in(client) is lasts


def test_asking_again_does_not_make_the_day_longer(person: User) -> None:
    with role("web"):
        client = sign_in(browser(), person)
        asked = (
            "SELECT extract(epoch FROM ends_at - made_at) FROM access_session WHERE user_id = %s"
        )
        for _ in range(3):
            session = client.session
            session["x"] = "y"
            session.save()
            is_in(client)
    with role("owner"):
        assert read(asked, person.pk) == [(settings.SESSION_COOKIE_AGE,)]


def test_a_deactivated_person_is_out_at_the_next_click(person: User) -> None:
    with role("web"):
        client = sign_in(browser(), person)
        assert is_in(client)
    with role("owner"):
        User.objects.filter(pk=person.pk).update(is_active=False)
    with role("web"):
        assert not is_in(client)


def test_the_database_knows_no_key_that_opens_a_session(film: Film, person: User) -> None:
    with role("web"):
        client = sign_in(browser(), person)
        key = client.session.session_key
    with role("owner"):
        rows = read("SELECT s::text FROM access_session s WHERE user_id = %s", person.pk)
        assert rows and key not in readable(rows)
    with role("web"):
        thief = browser()
        thief.cookies[settings.SESSION_COOKIE_NAME] = hash_of(key).hex()
        assert not is_in(thief)


def test_raw_sql_of_the_web_role_reads_no_session_but_the_persons_own(
    film: Film, person: User
) -> None:
    with role("web"):
        client = sign_in(browser(), person)
        held = hash_of(client.session.session_key)
    with own_connection("web") as web:
        assert web.execute("SELECT id FROM access_session").fetchall() == []
        for statement in (
            "SELECT data FROM access_session", "UPDATE access_session SET user_id = 1",
            "INSERT INTO access_session (agent) VALUES ('x')", "SELECT * FROM django_session",
            "UPDATE access_doorentry SET kind = 'x'", "DELETE FROM access_doorentry",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(statement)
        # Nor does what a session holds become another person's.
        amir = film.cast["amir"].pk
        assert web.execute(
            "SELECT sec.session_kept(%s, 'x', %s, NULL, '', 900, false)", [held, amir]
        ).fetchone() == (False,)
    with asking("web", film.cast["amir"], film):
        assert read("DELETE FROM access_session WHERE user_id = %s RETURNING id", person.pk) == []


def test_what_happened_at_the_door_is_told_to_whose_name_it_was(person: User) -> None:
    with role("web"):
        thief = browser(HTTP_USER_AGENT=PHONE)
        for _ in range(6):
            by_password(thief, person.email, "wrong")
        by_password(browser(), f"no-{person.email}", "wrong")
        client = sign_in(browser(), person)
        page = client.get(reverse("sessions"))
        said = [(row.what, row.device) for row in page.context["entries"]]
        assert said == [
            ("Refused: too many attempts", "Chrome on Android"),
            *[("Wrong password", "Chrome on Android")] * 5,
        ]
        assert page.content.decode().count("Chrome on Android") == 6
    with role("owner"), pytest.raises(Exception, match="stays"), transaction.atomic():
        read("UPDATE access_doorentry SET kind = 'came_in'")
    with role("owner"):
        unknown = "SELECT kind FROM access_doorentry WHERE user_id IS NULL AND address = %s"
        assert read(unknown, f"no-{person.email}") == [("wrong_password",)]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "shown"),
    [(0, "198.51.100.7", "192.0.2.9"), (1, "10.9.9.9, 198.51.100.7", "198.51.100.7"),
     (0, "", "192.0.2.9"), (1, "no address", None)],
)  # fmt: skip
def test_the_address_at_the_door_is_the_senders_past_our_own_proxies_only(
    proxies: int, forwarded: str, shown: str | None
) -> None:
    request = RequestFactory().get(
        "/", REMOTE_ADDR="192.0.2.9", headers={"x-forwarded-for": forwarded}
    )
    with override_settings(ALLAUTH_TRUSTED_PROXY_COUNT=proxies):
        assert door.came_from(request) == (shown, "")


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (PHONE, "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
         "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/141.0 Safari/537.36 Edg/141.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
         "Firefox on Linux"),
        ("", "A browser"),
        ("<script>", "A browser"),
    ],
)  # fmt: skip
def test_a_device_is_named_as_its_owner_would(agent: str, device: str) -> None:
    assert device_of(agent) == device


def test_behind_tls_the_cookies_belong_to_this_host_alone() -> None:
    asked = "from prodacct import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
    said = subprocess.run(
        [sys.executable, "-c", asked], check=True, capture_output=True, text=True,
        cwd=Path(__file__).resolve().parents[2], env={**os.environ, "PRODACCT_HTTPS": "1"},
    ).stdout  # fmt: skip
    assert said.split() == ["__Host-session", "__Host-csrftoken"]

"""What is refused is kept for administrators, who, from where and why; a flood fills no disk."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from access import context
from access.models import User
from access.sessions import hash_of
from alerts import selectors as told
from overrides.carrying import Asked
from readlog import repeats
from readlog.attempt_tables import Attempt
from tests.access.house import asking, newcomer, own_connection, read, readable
from tests.budgets.films import DAY, locked
from tests.factories import Film, role
from tests.overrides.signing import founded
from tests.readlog.room import make_room
from tests.signing_in import browser, by_password, sign_in

PASSWORD = "a long enough password"


@pytest.fixture(autouse=True)
def room(database: None) -> Iterator[None]:
    """What other tests were refused within this minute does not take this one's room."""
    make_room()
    yield


@pytest.fixture
def person(film: Film) -> User:
    return newcomer(film, "Rea", "line_producer", password=PASSWORD)


def kept(client: Client) -> list[dict[str, Any]]:
    """What is kept of a browser's requests, oldest first."""
    with role("owner"):
        rows = Attempt.objects.filter(ip=client.defaults["REMOTE_ADDR"]).order_by("pk").values()
        return list(rows)


def reasons(client: Client) -> list[tuple[str, int, str, int | None]]:
    return [(r["reason"], r["status"], r["route"], r["user_id"]) for r in kept(client)]


def test_what_is_not_there_or_not_theirs_is_kept_with_who_asked(
    film: Film, other_film: Film, person: User
) -> None:
    with role("web"):
        client = sign_in(browser(HTTP_USER_AGENT="Probe/1.0"), person)
        key = client.session.session_key
        client.get(reverse("imports", args=[film.code]))
        client.get(reverse("periods", args=[other_film.code]))
        client.get(f"/p/{film.code}/no-such-screen/")
        client.get(reverse("cost_report", args=[film.code]))  # theirs
    assert reasons(client) == [
        ("not_found", 404, "imports", person.pk),
        ("not_found", 404, "periods", person.pk),
        ("not_found", 404, "", person.pk),
    ]
    first, second, _ = kept(client)
    assert first["production_id"] == film.production.pk
    assert second["production_id"] == other_film.production.pk
    assert first["agent"] == "Probe/1.0"
    assert bytes(first["session_hash"]) == hash_of(key)
    assert bytes(first["payload_mac"]) != bytes(second["payload_mac"])


def test_signing_in_that_fails_is_kept_without_what_was_typed(person: User) -> None:
    with role("web"):
        client = browser()
        for _ in range(6):
            by_password(client, person.email, "Sesame-open-9")
        by_password(client, "Sesame-as-a-name@example.org", "Sesame-open-9")
    found = kept(client)
    assert {(r["reason"], r["user_id"]) for r in found} == {
        ("sign_in", person.pk), ("throttled", person.pk), ("sign_in", None),
    }  # fmt: skip
    assert sum(r["count"] for r in found) == 7
    with role("owner"):
        rows = read("SELECT a::text FROM readlog_attempt a")
    assert "esame" not in readable(rows).lower()


def test_a_form_without_its_token_and_a_dead_session_are_kept(film: Film, person: User) -> None:
    with role("web"):
        client = sign_in(browser(enforce_csrf_checks=True), person)
        assert client.post(reverse("session_end"), {"session": "others"}).status_code == 403
        thief = browser()
        thief.cookies[settings.SESSION_COOKIE_NAME] = "s" * 32
        assert thief.get(reverse("imports", args=[film.code])).status_code == 302
        newcomer_ = browser()
        newcomer_.get(reverse("imports", args=[film.code]))
    assert reasons(client) == [("csrf", 403, "session_end", person.pk)]
    assert reasons(thief) == [("session", 302, "imports", None)]
    assert bytes(kept(thief)[0]["session_hash"]) == hash_of("s" * 32)
    assert reasons(newcomer_) == [], "whoever was sent to sign in was not refused"


def test_a_refused_step_of_an_override_is_kept(film: Film) -> None:
    locked(film, "Account\tDescription\tTotal\n3310\tCamera\t900.00", "900.00")
    founded(film.cast, film).asks(Asked("over_budget", DAY, (("3310", "5.00"),)))
    with role("web"):
        bea = sign_in(browser(), film.cast["bea"])
        sent = {"decision": "approve", "credential": '{"rawId": "forged"}'}
        answer = bea.post(reverse("override_decide", args=[film.code, 1]), sent)
    assert answer.status_code >= 400
    assert reasons(bea) == [
        ("override", answer.status_code, "override_decide", film.cast["bea"].pk)
    ]


def test_what_the_database_refuses_is_kept(film: Film) -> None:
    with role("web"), own_connection("owner") as owner:
        amir = sign_in(browser(), film.cast["amir"])
        owner.execute("REVOKE SELECT ON ledger_period FROM prodacct_web")
        try:
            assert amir.get(reverse("periods", args=[film.code])).status_code == 500
        finally:
            owner.execute("GRANT SELECT ON ledger_period TO prodacct_web")
    assert reasons(amir) == [("database", 500, "periods", film.cast["amir"].pk)]


def test_equal_ones_are_counted_and_a_flood_takes_no_more_than_its_room(film: Film) -> None:
    with role("web"):
        client = browser()
        for _ in range(30):
            client.get("/nothing-here/")
        flood = browser()
        for number in range(15):
            flood.get(reverse("periods", args=[film.code]), {"n": number})
            flood.post(reverse("login") + f"nowhere{number}/")
        call = (
            "SELECT sec.attempt_quarantined('not_found', 404::smallint, 'GET', %s, '', NULL, '',"
            " %s, 'x', NULL, sha256(%s::text::bytea))"
        )
        for number in range(400):
            read(call, f"route{number}", f"198.51.{100 + number // 200}.{number % 200}", number)
    found = kept(client)
    assert sum(row["count"] for row in found) == 30
    assert len(found) <= 2, "a minute may end meanwhile"
    with role("owner"):
        per_minute = read("SELECT minute, count(*), sum(count) FROM readlog_attempt"
                          " WHERE minute > now() - interval '5 minutes' GROUP BY 1")  # fmt: skip
    assert all(rows <= 61 for _, rows, _ in per_minute)
    assert sum(times for *_, times in per_minute) >= 430, "and every one of them is counted"


def test_of_one_address_ten_rows_a_minute_are_kept_apart(database: None) -> None:
    call = (
        "SELECT sec.attempt_quarantined('not_found', 404::smallint, 'GET', %s, '', NULL, '',"
        " '203.0.113.77', 'x', NULL, sha256(''))"
    )
    with role("web"):
        for number in range(200):
            read(call, f"route{number}")
    with role("owner"):
        rows = list(Attempt.objects.filter(ip="203.0.113.77").values("reason", "count", "minute"))
    minutes = {row["minute"] for row in rows}
    assert len(rows) <= 11 * len(minutes)
    assert sum(row["count"] for row in rows) == 200
    assert "overflow" in {row["reason"] for row in rows}


def test_only_administrators_see_them_and_only_of_their_own_people(
    film: Film, other_film: Film, person: User
) -> None:
    here, there = (
        newcomer(film, "addie", "administrator"),
        newcomer(other_film, "olga", "administrator"),
    )
    stranger = browser()
    with role("web"):
        member = sign_in(browser(), person)
        member.get(reverse("imports", args=[film.code]))
        member.get("/nowhere-at-all/")
        member.get(reverse("periods", args=[other_film.code]))
        stranger.get("/nowhere-at-all/")
        senders = {c.defaults["REMOTE_ADDR"] for c in (member, stranger)}

    def seen(user: User | None, where: Film) -> set[tuple[str, str | None, bool]]:
        with asking("web", user, where):
            rows = read("SELECT reason, route, user_id, host(ip) FROM readlog_attempt")
        return {(why, route, user == person.pk) for why, route, user, ip in rows if ip in senders}

    unknown = ("not_found", "", False)
    assert seen(here, film) == {
        ("not_found", "imports", True), ("not_found", "", True), unknown,
    }  # fmt: skip
    assert seen(there, other_film) == {("not_found", "periods", True), unknown}
    for name in ("amir", "lena", "cho", "bea", "eve", "otto"):
        assert seen(film.cast[name], film) == set(), name
    assert seen(None, film) == seen(here, other_film) == set()
    with own_connection("bond") as bond, pytest.raises(psycopg.errors.InsufficientPrivilege):
        bond.execute("SELECT 1 FROM readlog_attempt")
    with own_connection("web") as web:
        for statement in (
            "UPDATE readlog_attempt SET count = 1", "DELETE FROM readlog_attempt",
            "INSERT INTO readlog_attempt DEFAULT VALUES",
            "SELECT * FROM sec.repeated_attempts(10, 10)",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(statement)


def test_the_screen_shows_administrators_what_was_refused_by_reason_and_address(
    film: Film, person: User
) -> None:
    admin = newcomer(film, "addie", "administrator")
    with role("web"):
        member = sign_in(browser(HTTP_USER_AGENT="<script>alert(1)</script>"), person)
        member.get(reverse("imports", args=[film.code]))
        client = sign_in(browser(), admin)
        where, ip = reverse("attempts", args=[film.code]), member.defaults["REMOTE_ADDR"]
        page = client.get(where, {"ip": ip})
        assert [(r["why"], r["screen"], r["who"]) for r in page.context["attempts"]] == [
            ("Not there, or not theirs", "Imports", "Rea")
        ]
        assert "<script>alert" not in page.content.decode()
        assert client.get(where, {"ip": ip, "reason": "csrf"}).context["attempts"] == []
        for wrong, said in (
            ({"ip": "x'"}, "address: expected one such as"), ({"reason": "x"}, "reason: expected"),
            ({"from": "x"}, "from: expected a day"),
        ):  # fmt: skip
            answer = client.get(where, wrong)
            assert (answer.status_code, said in answer.content.decode()) == (422, True)
        assert "Refused" in [item["label"] for item in page.context["nav"]]


def test_who_is_refused_again_and_again_is_one_alert_for_administrators(
    film: Film, other_film: Film, person: User
) -> None:
    admin = newcomer(film, "addie", "administrator")
    with role("web"):
        member, few = sign_in(browser(), person), sign_in(browser(), film.cast["cho"])
        for number in range(12):
            member.get(reverse("imports", args=[film.code]) + f"{number}/")
        for _ in range(3):
            few.get(reverse("imports", args=[film.code]))
    ip = member.defaults["REMOTE_ADDR"]

    def alerts(where: Film) -> dict[str, int]:
        with role("worker"):
            repeats.tell_of_repeats()
        with asking("owner", None, where):
            rows = told.alerts(where.production).filter(kind="attempts")
            return dict(rows.values_list("source", "count"))

    once = {ip: 1, f"person {person.pk}": 1}
    assert alerts(film) == once
    assert alerts(film) == once, "nothing came since"
    assert not {ip, f"person {person.pk}"} & alerts(other_film).keys()
    with role("web"):
        member.get(reverse("imports", args=[film.code]))
    assert alerts(film) == dict.fromkeys(once, 2)
    with role("web"):
        page = sign_in(browser(), admin).get(reverse("attempts", args=[film.code]))
        assert {each["who"] for each in page.context["repeats"]} == set(once)
        assert page.context["bell"]["count"] == 2
        amir = sign_in(browser(), film.cast["amir"])
        assert amir.get(reverse("alerts", args=[film.code])).context["alerts"] == []
    with role("worker"), transaction.atomic():
        context.enter(user_id=0, production_id=film.production.pk)
        assert [user_id for user_id, _ in told.team("manage_access")] == [admin.pk]


def test_a_refusal_arrives_though_it_cannot_be_recorded(
    film: Film, person: User, caplog: pytest.LogCaptureFixture
) -> None:
    with role("web"), own_connection("owner") as owner:
        client = sign_in(browser(), person)
        named = (
            "sec.attempt_quarantined(text, smallint, text, text, text, bigint, text, inet, text,"
            " bytea, bytea)"
        )
        owner.execute(f"REVOKE EXECUTE ON FUNCTION {named} FROM prodacct_web")
        try:
            assert client.get(reverse("imports", args=[film.code])).status_code == 404
        finally:
            owner.execute(f"GRANT EXECUTE ON FUNCTION {named} TO prodacct_web")
    assert "a refused request was not recorded: not_found" in caplog.text
    assert kept(client) == []
    assert not connection.in_atomic_block

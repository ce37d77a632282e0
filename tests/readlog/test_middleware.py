"""Every request of a bond representative or an auditor: recorded before it is answered."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from access import services
from access.models import User
from ledger.attachments import attach
from ledger.verify import verify_production
from readlog.models import Read
from tests.access.house import asking, newcomer, own_connection, read
from tests.access.web_house import without_keys
from tests.factories import (
    Cast,
    Film,
    acting,
    cost_line,
    cost_lines,
    import_data,
    role,
)
from tests.ledger.exhibits import png
from tests.signing_in import browser, sign_in


@pytest.fixture
def auditor(film: Film) -> User:
    return newcomer(film, "audrey", "auditor")


def recorded(film: Film, user: User) -> list[dict[str, Any]]:
    """The entries of a person on a film, oldest first."""
    with role("owner"):
        rows = Read.objects.filter(production=film.production, user=user).order_by("pk")
        return [{**row, "sha256": bytes(row["sha256"])} for row in rows.values()]


def came(response: HttpResponse) -> tuple[int, bytes, int]:
    """What arrived at the browser, as the entry should tell it."""
    return response.status_code, hashlib.sha256(response.content).digest(), len(response.content)


def told(entry: dict[str, Any]) -> tuple[int, bytes, int]:
    return entry["status"], entry["sha256"], entry["body_bytes"]


def test_each_request_is_one_entry_that_tells_what_arrived(film: Film, auditor: User) -> None:
    import_data(film, cost_lines([cost_line(1), cost_line(2)]))
    with role("web"):
        client = sign_in(browser(), auditor)
        asked = [
            client.get(reverse("account_lines", args=[film.code, "3310"]), {"upto": "2"}),
            client.get(reverse("cost_report", args=[film.code])),
            client.get(reverse("imports", args=[film.code])),  # not an auditor's: 404
            client.get(reverse("productions"), {"all": "1"}),
            client.get(f"/p/{film.code}/no-such-screen/"),
            client.get("/p/NO-SUCH-FILM/periods/"),
            client.post(reverse("query_log", args=[film.code]), {"person": "1"}),
            client.get(reverse("query_log_export", args=[film.code]), {"format": "csv"}),
            client.head(reverse("cost_report", args=[film.code])),
        ]
    entries = recorded(film, auditor)
    assert [told(entry) for entry in entries] == [came(response) for response in asked]
    assert [entry["status"] for entry in entries] == [200, 200, 404, 200, 404, 404, 404, 200, 200]
    first, *_, listed, _ = entries
    assert first["filters"] == '{"upto": ["2"]}'
    assert (first["rows_shown"], first["method"], first["route"]) == (2, "GET", "account_lines")
    assert first["address"] == f"/p/{film.code}/accounts/3310/"
    assert (first["role"], first["strength"]) == ("auditor", "password + totp")
    assert (listed["is_download"], listed["rows_shown"]) == (True, 7)
    assert entries[5]["address"] == "/p/…", "what another production is called is not told"
    assert entries[-1]["body_bytes"] == 0


def test_downloads_are_recorded_with_the_hash_of_the_very_file(film: Film, auditor: User) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    with role("owner"):
        ((batch, number),) = read(
            "SELECT batch_id, number FROM ledger_transaction WHERE production_id = %s",
            film.production.pk,
        )
    with role("web"), acting(film, "amir"):
        held = attach(
            actor=film.cast["amir"], production=film.production, kind="receipt", name="r.png",
            data=png(b"a receipt"), place=(batch, number),
        )  # fmt: skip
    with role("web"):
        client = sign_in(browser(), auditor)
        file = client.get(reverse("attachment_file", args=[film.code, held.pk]))
        book = client.get(reverse("query_log_export", args=[film.code]), {"format": "xlsx"})
    entries = recorded(film, auditor)
    assert [told(entry) for entry in entries] == [came(file), came(book)]
    assert entries[0]["sha256"] == hashlib.sha256(png(b"a receipt")).digest()
    assert (entries[0]["rows_shown"], entries[1]["rows_shown"]) == (None, 1)
    assert entries[1]["is_download"]


def test_a_bond_representative_is_recorded_and_others_are_not(film: Film, cast: Cast) -> None:
    with role("web"), without_keys(cast):
        bea = sign_in(browser(), film.cast["bea"])
        page = bea.get(reverse("landing", args=[film.code]))
        assert "is recorded" in bea.get(reverse("query_log", args=[film.code])).content.decode()
        out = bea.post(reverse("logout"))
        for name in ("amir", "lena", "cho", "eve", "otto"):
            sign_in(browser(), film.cast[name]).get(reverse("landing", args=[film.code]))
        browser().get(reverse("landing", args=[film.code]))
    entries = recorded(film, film.cast["bea"])
    assert told(entries[0]) == came(page)
    assert [entry["route"] for entry in entries] == ["landing", "query_log", "logout"]
    assert told(entries[2]) == came(out)
    with role("owner"):
        people = "SELECT DISTINCT user_id FROM readlog_read WHERE production_id = %s"
        assert read(people, film.production.pk) == [(film.cast["bea"].pk,)]


def test_on_two_films_what_is_about_neither_is_recorded_in_both(
    film: Film, other_film: Film
) -> None:
    with role("web"):
        bea = sign_in(browser(), film.cast["bea"])
        bea.get(reverse("landing", args=[film.code]))
        bea.get(reverse("sessions"))
    routes = [[e["route"] for e in recorded(each, film.cast["bea"])] for each in (film, other_film)]
    assert routes == [["landing", "sessions"], ["sessions"]]


def test_who_audits_one_film_and_keeps_the_books_of_another_is_recorded_on_the_first(
    film: Film, other_film: Film
) -> None:
    person = newcomer(film, "mixed", "auditor")
    with role("owner"):
        services.give_membership(
            actor=services.console_person(), production=other_film.production, user=person,
            role="production_accountant",
        )  # fmt: skip
    with role("web"):
        client = sign_in(browser(), person)
        assert client.get(reverse("imports", args=[other_film.code])).status_code == 200
        client.get(reverse("productions"), {"all": "1"})
    assert [e["route"] for e in recorded(film, person)] == ["productions"]
    assert recorded(other_film, person) == []


def test_an_auditor_changes_nothing(film: Film, auditor: User) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    with role("owner"):
        ((batch, number),) = read(
            "SELECT batch_id, number FROM ledger_transaction WHERE production_id = %s",
            film.production.pk,
        )
    with role("web"):
        client = sign_in(browser(), auditor)
        where = reverse("attach", args=[film.code, f"{batch}-{number}"])
        assert client.post(where, {"kind": "receipt"}).status_code == 404
    assert recorded(film, auditor)[0]["status"] == 404


# --- when it cannot be written -----------------------------------------------------------------


@contextmanager
def without_the_right_to_write() -> Iterator[None]:
    """The function that writes may not be called meanwhile, as after a mistaken migration."""
    named = (
        "sec.read_noted(text, text, text, text, text, integer, smallint, bytea, bigint, boolean,"
        " integer)"
    )
    with own_connection("owner") as owner:
        owner.execute(f"REVOKE EXECUTE ON FUNCTION {named} FROM prodacct_web")
        try:
            yield
        finally:
            owner.execute(f"GRANT EXECUTE ON FUNCTION {named} TO prodacct_web")


def assert_nothing_shown(response: HttpResponse, canary: str) -> None:
    assert response.status_code == 503
    said = response.content.decode()
    assert "could not be written. Nothing was shown and nothing was changed" in said
    assert canary not in said and canary not in repr(response.headers)


def test_where_it_cannot_be_written_there_is_a_503_and_no_data(film: Film, auditor: User) -> None:
    import_data(film, cost_lines([cost_line(1, vendor="UNSEENVENDOR")]))
    lines = reverse("account_lines", args=[film.code, "3310"]) + "?upto=2"
    with role("web"):
        client = sign_in(browser(), auditor)
        assert "UNSEENVENDOR" in client.get(lines).content.decode()
        with without_the_right_to_write():
            assert_nothing_shown(client.get(lines), "UNSEENVENDOR")
            assert_nothing_shown(
                client.get(reverse("query_log_export", args=[film.code])), "account_lines"
            )
            assert_nothing_shown(client.get(reverse("productions"), {"all": "1"}), film.code)
            amir = sign_in(browser(), film.cast["amir"])
            assert amir.get(lines).status_code == 200, "nobody else is kept out"
        assert client.get(lines).status_code == 200
    assert [entry["status"] for entry in recorded(film, auditor)] == [200, 200]


def test_a_table_that_takes_no_row_and_a_log_that_is_held_show_nothing_either(
    film: Film, auditor: User
) -> None:
    lines = reverse("cost_report", args=[film.code])
    with role("web"), own_connection("owner") as owner:
        client = sign_in(browser(), auditor)
        owner.execute(
            "ALTER TABLE readlog_read ADD CONSTRAINT takes_none CHECK (production_id <>"
            f" {film.production.pk}) NOT VALID"
        )
        try:
            assert_nothing_shown(client.get(lines), "Camera package rental")
        finally:
            owner.execute("ALTER TABLE readlog_read DROP CONSTRAINT takes_none")
        with owner.transaction():
            owner.execute(
                "SELECT 1 FROM ledger_loghead WHERE production_id = %s FOR UPDATE",
                [film.production.pk],
            )
            assert_nothing_shown(client.get(lines), "Camera package rental")
        assert client.get(lines).status_code == 200
    assert len(recorded(film, auditor)) == 1


def test_nothing_is_changed_by_a_request_that_cannot_be_recorded(film: Film) -> None:
    bea = film.cast["bea"]
    with role("web"):
        here, there = (sign_in(browser(), bea) for _ in range(2))
        with without_the_right_to_write():
            ended = here.post(reverse("session_end"), {"session": "others"})
            assert ended.status_code == 503
        assert there.get(reverse("sessions")).status_code == 200, "the other session goes on"


# --- who may read it, and for good -------------------------------------------------------------


def test_entries_stay_as_they_are_and_an_altered_one_is_named(film: Film, auditor: User) -> None:
    with role("web"):
        sign_in(browser(), auditor).get(reverse("cost_report", args=[film.code]))
    with own_connection("web") as web:
        for statement in (
            "UPDATE readlog_read SET status = 404",
            "DELETE FROM readlog_read",
            "INSERT INTO readlog_read DEFAULT VALUES",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(statement)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="in their own name"):
            web.execute(
                "SELECT sec.read_noted('', 'GET', '', '', '', 0, 200::smallint, sha256(''), 0,"
                " false, 0)"
            )
    with own_connection("owner") as owner:
        for statement in ("UPDATE readlog_read SET status = 404", "DELETE FROM readlog_read"):
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
                owner.execute(statement)
        with role("owner"):
            assert verify_production(film.production).findings == []
        with owner.transaction():
            owner.execute("ALTER TABLE readlog_read DISABLE TRIGGER USER")
            owner.execute(
                "UPDATE readlog_read SET filters = '{}x' WHERE production_id = %s",
                [film.production.pk],
            )
            owner.execute("ALTER TABLE readlog_read ENABLE TRIGGER USER")
    with role("owner"):
        (found,) = verify_production(film.production).findings
    assert (found.record[:5], found.problem) == ("read ", "filters was logged as '{}', is '{}x'")


def test_raw_sql_shows_a_recorded_person_their_own_lines_alone(film: Film, auditor: User) -> None:
    admin = newcomer(film, "addie", "administrator")
    bea, amir, cho = (film.cast[name] for name in ("bea", "amir", "cho"))
    with role("web"):
        for person in (bea, auditor):
            sign_in(browser(), person).get(reverse("landing", args=[film.code]))
    seen = {}
    for person in (bea, auditor, amir, admin, cho):
        for database_role in ("web", "bond"):
            with asking(database_role, person, film):
                found = {row[0] for row in read("SELECT user_id FROM readlog_read")}
            assert seen.setdefault(person.name, found) == found
    both = {bea.pk, auditor.pk}
    assert seen == {
        "Bea": {bea.pk}, "audrey": both, "Amir": both, "addie": both, "Cho": set(),
    }  # fmt: skip
    with role("web"):
        assert read("SELECT 1 FROM readlog_read") == [], "nothing without a context"


def test_many_at_once_are_all_recorded(film: Film, auditor: User) -> None:
    """The log's head is one row: they wait for one another, and none is lost."""
    made: list[int] = []

    def ask() -> None:
        client = sign_in(Client(SERVER_NAME="localhost"), auditor)
        made.extend(
            client.get(reverse("cost_report", args=[film.code])).status_code for _ in range(3)
        )
        connections.close_all()

    with role("web"):
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert made == [200] * 12
    assert len(recorded(film, auditor)) == 12
    with role("owner"):
        assert verify_production(film.production).findings == []

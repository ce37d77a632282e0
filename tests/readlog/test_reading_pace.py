"""Who reads more than anybody reads waits, is written down, and administrators are told."""

import itertools
import json
from typing import Any

import pytest
from django.db import connection
from django.db.utils import ProgrammingError
from django.test import Client
from django.urls import reverse

from access.models import User
from alerts import selectors as told
from readlog import reading, repeats
from readlog.attempt_tables import Attempt
from tests.access.house import asking, newcomer, read
from tests.factories import Film, role
from tests.signing_in import browser, sign_in

_number = itertools.count(1)


def reader(film: Film, held: str = "department_head") -> tuple[User, Client]:
    """Somebody of this test alone, and their browser."""
    person = newcomer(film, f"reader{next(_number)}", held, ("CAM",))
    return person, sign_in(browser(), person)


def age(person: User, minutes: int) -> None:
    """What the person read so far was that long ago."""
    with role("owner"):
        read("UPDATE sec.reading SET minute = minute - make_interval(mins => %s)"
             " WHERE person = %s RETURNING 1", minutes, person.pk)  # fmt: skip


def counted(person: User) -> tuple[int, int]:
    with role("owner"):
        found = read("SELECT coalesce(sum(requests), 0), coalesce(sum(rows_shown), 0)"
                     " FROM sec.reading WHERE person = %s", person.pk)  # fmt: skip
    return int(found[0][0]), int(found[0][1])


def test_too_many_requests_wait_in_words_and_are_kept(film: Film, settings: Any) -> None:
    settings.READING_REQUESTS_A_MINUTE = 5
    person, client = reader(film)
    page = reverse("cost_report", args=[film.code])
    with role("web"):
        answers = [client.get(page) for _ in range(7)]
        # A minute may turn meanwhile, after which most of what was before still counts.
        assert [a.status_code for a in answers[:5]] == [200] * 5
        held = answers[-1]
        assert held.status_code == 429
        assert 1 <= int(held.headers["Retry-After"]) <= 60
        assert held.headers["Cache-Control"] == "no-store"
        said = held.content.decode()
        assert "5 requests a minute" in said and "Whoever manages access has been told" in said
        assert client.get("/me/sessions/").status_code == 429, "on all screens together"
        assert client.post(page).status_code == 429
        other = sign_in(browser(), person)
        assert other.get(page).status_code == 429, "from wherever the person asks"
        assert reader(film)[1].get(page).status_code == 200, "and nobody else"
    with role("owner"):
        kept = Attempt.objects.filter(user=person).order_by("pk").values_list(
            "reason", "status", "route", "production_id"
        )  # fmt: skip
        assert ("reading", 429, "cost_report", film.production.pk) in list(kept)
        assert {row[0] for row in kept} == {"reading"}
    age(person, 2)
    with role("web"):
        assert client.get(page).status_code == 200, "waiting helps"


def test_rows_of_ten_minutes_are_added_up_over_pages_and_files(film: Film, settings: Any) -> None:
    person, client = reader(film, "production_accountant")
    with role("web"):
        page = client.get(reverse("cost_report", args=[film.code]))
        assert counted(person) == (1, page.content.count(b"<tr"))
        client.get(reverse("query_log_export", args=[film.code]))
        assert counted(person)[0] == 2
        settings.READING_ROWS = 500
        reading.count_rows(person.pk, 499)
        held = client.get(reverse("cost_report", args=[film.code]))
        assert held.status_code == 429
        assert 480 <= int(held.headers["Retry-After"]) <= 600
        assert "500 rows in 10 minutes" in held.content.decode()
        age(person, 9)
        held = client.get(reverse("cost_report", args=[film.code]))
        assert held.status_code == 429 and int(held.headers["Retry-After"]) <= 60
        age(person, 1)
        assert client.get(reverse("cost_report", args=[film.code])).status_code == 200


def test_the_wait_is_until_enough_of_it_is_over(film: Film) -> None:
    person, _ = reader(film)
    with role("web"):
        for rows in (300, 10, 200):
            age(person, 3)
            reading.count_rows(person.pk, rows)
    with role("owner"):
        (((wait,),),) = (read("SELECT sec.reading_asked(%s, 100, 500, 10)", person.pk),)
        ((later,),) = read("SELECT sec.reading_asked(%s, 100, 200, 10)", person.pk)
        assert 180 <= wait <= 240, "when the 300 of six minutes ago are over"
        assert 540 <= later <= 600, "when the 200 of now are over"
        assert read("SELECT sec.reading_asked(%s, 100, 511, 10)", person.pk) == [(0,)]


def test_a_program_is_told_in_its_own_form(film: Film, settings: Any) -> None:
    settings.READING_REQUESTS_A_MINUTE = 0
    _, client = reader(film)
    with role("web"):
        held = client.get(
            reverse("cost_report", args=[film.code]), headers={"Accept": "application/json"}
        )
    said = json.loads(held.content)
    assert held.status_code == 429
    assert said["code"] == "reading" and said["wait_seconds"] == int(held.headers["Retry-After"])


def test_what_one_does_while_viewing_as_another_is_ones_own_reading(film: Film) -> None:
    person, client = reader(film, "production_accountant")
    head, _ = reader(film)
    with role("web"):
        client.post(
            reverse("view_as_begin", args=[film.code]), {"person": head.pk, "reason": "look"}
        )
        client.get(reverse("cost_report", args=[film.code]))
    assert counted(person)[0] == 2
    assert counted(head) == (0, 0)


def test_administrators_are_told_at_the_first_time(
    film: Film, other_film: Film, settings: Any
) -> None:
    settings.READING_REQUESTS_A_MINUTE = 0
    person, client = reader(film)
    with role("web"):
        assert client.get(reverse("orders", args=[film.code])).status_code == 429

    def alerts(where: Film) -> dict[str, int]:
        with role("worker"):
            repeats.tell_of_repeats()
        with asking("owner", None, where):
            rows = told.alerts(where.production).filter(kind="reading")
            return dict(rows.values_list("source", "count"))

    assert alerts(film) == {f"person {person.pk}": 1}
    assert alerts(film) == {f"person {person.pk}": 1}, "nothing came since"
    assert alerts(other_film) == {}
    settings.READING_REQUESTS_A_MINUTE = 1000
    admin = newcomer(film, "addie", "administrator")
    with role("web"):
        page = sign_in(browser(), admin).get(reverse("attempts", args=[film.code]))
        assert f"<b>person {person.pk}</b> read more than a person reads" in page.content.decode()


def test_who_reads_cannot_forget_it_by_a_statement_of_theirs(film: Film) -> None:
    person, _ = reader(film)
    with role("web"):
        reading.count_rows(person.pk, 7)
        reading.count_rows(person.pk, -7)
        for statement in ("DELETE FROM sec.reading", "UPDATE sec.reading SET rows_shown = 0",
                          "SELECT * FROM sec.reading"):  # fmt: skip
            with pytest.raises(ProgrammingError, match="denied"):
                read(statement)
    assert counted(person) == (0, 7)
    assert connection.connection is not None

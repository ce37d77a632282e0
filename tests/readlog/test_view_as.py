"""Viewing as somebody: who may, of whom, how it ends, and what is written down of it."""

import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access import context, services
from access.models import Membership, User
from access.session_tables import DoorEntry, Session
from ledger.models import LogEntry
from readlog import viewing
from readlog.attempt_tables import Attempt
from readlog.tasks import end_viewings
from readlog.viewing_tables import Viewing
from tests.access.house import asking, newcomer, read
from tests.factories import Film, cost_line, cost_lines, import_data, role
from tests.signing_in import browser, sign_in

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
_number = itertools.count(1)


def accountant(film: Film) -> tuple[User, Client]:
    """An accountant of this test alone, and their browser."""
    person = newcomer(film, f"acc{next(_number)}", "production_accountant")
    return person, sign_in(browser(HTTP_USER_AGENT=AGENT), person)


def begin(client: Client, film: Film, person: User, reason: str = "She sees no lenses") -> Any:
    sent = {"person": person.pk, "reason": reason}
    return client.post(reverse("view_as_begin", args=[film.code]), sent)


def page(client: Client, film: Film, name: str = "cost_report") -> HttpResponse:
    return client.get(reverse(name, args=[film.code]))


def views(viewer: User) -> list[Viewing]:
    with role("owner"):
        return list(Viewing.objects.filter(viewer=viewer).order_by("pk"))


def is_viewing(client: Client, film: Film) -> bool:
    answer = page(client, film)
    return answer.status_code == 200 and b"You view as" in answer.content


def test_the_accountant_sees_the_pages_of_a_head_with_a_banner_and_stops(film: Film) -> None:
    cho = film.cast["cho"]
    import_data(
        film,
        cost_lines(
            [
                cost_line(1, vendor="Lensvendor"),
                cost_line(2, account="2220", center="ART", vendor="Brushes"),
            ]
        ),
    )
    person, client = accountant(film)
    with role("web"):
        offered = page(client, film, "view_as").content.decode()
        assert "Cho, Department head (CAM)" in offered
        assert "Bea" not in offered and person.name not in offered.split("<form")[2]
        assert begin(client, film, cho).headers["Location"] == reverse("landing", args=[film.code])
        shown = page(client, film).content.decode()
        assert "You view as Cho" in shown and "Department head, to read only, until" in shown
        assert reverse("account_lines", args=[film.code, "3310"]) in shown
        assert reverse("account_lines", args=[film.code, "2220"]) not in shown
        assert reverse("trial_balance", args=[film.code]) not in shown, "her screens, not his"
        assert 'href="/me/keys/"' not in shown
        stop = reverse("view_as_stop", args=[film.code])
        assert client.post(stop).headers["Location"] == reverse("view_as", args=[film.code])
        own = page(client, film).content.decode()
        assert "You view as" not in own
        assert reverse("account_lines", args=[film.code, "2220"]) in own
        assert client.post(stop).status_code == 302, "twice is harmless"


def test_beginning_and_end_are_in_the_log_with_who_whom_when_where_and_why(film: Film) -> None:
    cho = film.cast["cho"]
    person, client = accountant(film)
    with role("web"):
        begin(client, film, cho, "  She sees\nno lenses ")
        client.post(reverse("view_as_stop", args=[film.code]))
    (made,) = views(person)
    assert (made.reason, made.ended_by, made.agent) == ("She sees no lenses", "button", AGENT)
    assert made.ends_at - made.began_at == timedelta(minutes=30)
    with role("owner"):
        found = LogEntry.objects.filter(production=film.production, type="row").order_by("seq")
        lines = [json.loads(entry.line)["data"] for entry in found]
        said = [e["row"] for e in lines if e["table"] == "readlog_viewing"]
        doors = list(
            DoorEntry.objects.filter(user__in=[person, cho]).filter(at__gte=made.began_at)
            .order_by("at").values_list("user_id", "kind")
        )  # fmt: skip
    assert [row["ended_by"] for row in said] == ["", "button"]
    first = said[0]
    assert (first["viewer_id"], first["person_id"]) == (str(person.pk), str(cho.pk))
    assert first["reason"] == "She sees no lenses" and first["ip"] and first["began_at"]
    assert doors == [(person.pk, "view_began"), (cho.pk, "seen_as"), (person.pk, "view_ended")]
    with role("web"):
        listed = page(client, film, "view_as").content.decode()
        assert f"{person.name} as Cho" in listed and "it was stopped" in listed
        theirs = sign_in(browser(), cho)
        assert f"{person.name} as Cho" in page(theirs, film, "view_as").content.decode()
        others = sign_in(browser(), film.cast["ada"])
        assert "as Cho" not in page(others, film, "view_as").content.decode()


@pytest.mark.parametrize("whom", ["bea", "otto", "myself", "ines", "auditor", "ended", "nobody"])
def test_only_members_who_see_no_more_are_looked_at(film: Film, whom: str) -> None:
    person, client = accountant(film)
    asked = {
        "myself": lambda: person,
        "ines": lambda: newcomer(film, "ines", "administrator"),
        "auditor": lambda: newcomer(film, "aud", "auditor"),
        "ended": lambda: _ended(film),
        "nobody": lambda: User(pk=10**15),
    }.get(whom, lambda: film.cast[whom])()
    with role("web"):
        answer = begin(client, film, asked)
        assert answer.status_code == 409
        assert "Choose somebody of this production who sees no more" in answer.content.decode()
        assert not is_viewing(client, film)
    assert views(person) == []


def _ended(film: Film) -> User:
    person = newcomer(film, "late", "department_head", ("CAM",))
    _end(film, person)
    return person


def _end(film: Film, person: User) -> None:
    day = timezone.now().date() - timedelta(days=1)
    with role("owner"):
        found = Membership.objects.filter(production=film.production, user=person)
        assert found.update(starts_on=day, ends_on=day) == 1


@pytest.mark.parametrize("who", ["lena", "cho", "bea", "eve", "ines"])
def test_nobody_but_the_accountant_begins(film: Film, who: str) -> None:
    asker = newcomer(film, "ines", "administrator") if who == "ines" else film.cast[who]
    client = sign_in(browser(), asker)
    with role("web"):
        assert begin(client, film, film.cast["ada"]).status_code == 404
    with (
        asking("web", asker, film),
        pytest.raises(Exception, match="Only the production accountant"),
    ):
        read("SELECT sec.viewing_begun(%s, 'raw', sha256('x'), NULL, '')", film.cast["ada"].pk)
    with asking("web", asker, film):
        assert read("SELECT * FROM sec.viewable_people()") == []


def test_an_accountant_with_fewer_centres_looks_at_fewer_people(film: Film) -> None:
    """As a role would be that accounts for one department only."""
    person, client = accountant(film)
    with role("owner"):
        read(
            "DELETE FROM access_productionuserobjectpermission g USING auth_permission p"
            " WHERE p.id = g.permission_id AND p.codename = 'view_all_costs'"
            " AND g.user_id = %s", person.pk,
        )  # fmt: skip
        read(
            "INSERT INTO taxonomy_costcenteruserobjectpermission"
            " (content_object_id, user_id, permission_id) SELECT c.id, %s, p.id"
            " FROM taxonomy_costcenter c, auth_permission p WHERE c.production_id = %s"
            " AND c.code = 'CAM' AND p.codename = 'view_costs_of'", person.pk, film.production.pk,
        )  # fmt: skip
    with asking("web", person, film):
        assert [v.name for v in viewing.people()] == ["Cho", "Eve"]
    with role("web"):
        assert begin(client, film, film.cast["ada"]).status_code == 409
        assert begin(client, film, film.cast["lena"]).status_code == 409
        assert begin(client, film, film.cast["cho"]).status_code == 302


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 301])
def test_a_reason_is_asked_for(film: Film, reason: str) -> None:
    person, client = accountant(film)
    with role("web"):
        answer = begin(client, film, film.cast["cho"], reason)
        assert answer.status_code == 422
        assert "Why: expected 1 to 300 characters" in answer.content.decode()
    assert views(person) == []


def test_views_are_not_nested_and_each_session_has_its_own(film: Film) -> None:
    person, client = accountant(film)
    other = sign_in(browser(), person)
    with role("web"):
        begin(client, film, film.cast["cho"])
        assert begin(client, film, film.cast["ada"]).status_code == 403
        assert not is_viewing(other, film), "the person's other browser is theirs"
        assert begin(other, film, film.cast["ada"]).status_code == 302
        client.post(reverse("view_as_stop", args=[film.code]))
        assert is_viewing(other, film)
    mark = viewing.mark_of(other.session.session_key)
    with (
        asking("web", person, film),
        pytest.raises(Exception, match="viewing as somebody already"),
    ):
        read("SELECT sec.viewing_begun(%s, 'again', %s, NULL, '')", film.cast["cho"].pk, mark)


def test_a_view_of_another_session_or_person_is_not_taken_up(film: Film) -> None:
    person, client = accountant(film)
    _, stolen = accountant(film)
    with role("web"):
        begin(client, film, film.cast["cho"])
        (made,) = views(person)
        for other in (sign_in(browser(), person), stolen):
            session = other.session
            session["viewing"] = [made.pk, film.production.pk]
            session.save()
            answer = page(other, film)
            assert answer.headers["Location"] == reverse("productions")
            assert not is_viewing(other, film)
        assert is_viewing(client, film)


def test_thirty_minutes_end_it_at_the_next_click(film: Film) -> None:
    person, client = accountant(film)
    with role("web"):
        begin(client, film, film.cast["cho"])
        _age(person)
        answer = page(client, film)
        assert answer.status_code == 302
        told = client.get(answer.headers["Location"] + "?all=1").content.decode()
        assert "You no longer view as somebody else: thirty minutes were over." in told
        assert not is_viewing(client, film)
    (made,) = views(person)
    assert made.ended_by == "time" and made.ended_at


def _age(person: User) -> None:
    with role("owner"), context.acting(user_id=0, production_id=_production(person)):
        read("UPDATE readlog_viewing SET began_at = began_at - interval '31 minutes',"
             " ends_at = ends_at - interval '31 minutes' WHERE viewer_id = %s RETURNING id",
             person.pk)  # fmt: skip


def _production(person: User) -> int:
    return views(person)[0].production_id


@pytest.mark.parametrize("how", ["their place", "their rights", "their account", "my right"])
def test_what_is_taken_away_ends_it_at_the_next_click(film: Film, how: str) -> None:
    person, client = accountant(film)
    head = newcomer(film, "head", "department_head", ("CAM",))
    with role("web"):
        begin(client, film, head)
        assert is_viewing(client, film)
    if how == "their place":
        _end(film, head)
    elif how == "their rights":
        with role("owner"):
            read(
                "INSERT INTO access_productionuserobjectpermission"
                " (content_object_id, user_id, permission_id) SELECT %s, %s, id"
                " FROM auth_permission WHERE codename = 'manage_access' RETURNING id",
                film.production.pk, head.pk,
            )  # fmt: skip
    elif how == "their account":
        with role("owner"):
            User.objects.filter(pk=head.pk).update(is_active=False)
    else:
        with role("owner"):
            read("DELETE FROM access_productionuserobjectpermission g USING auth_permission p"
                 " WHERE p.id = g.permission_id AND p.codename = 'view_as'"
                 " AND g.user_id = %s RETURNING g.id", person.pk)  # fmt: skip
    with role("web"):
        assert page(client, film).headers["Location"] == reverse("productions")
    (made,) = views(person)
    assert made.ended_by == "place"


def test_the_end_of_the_viewers_own_place_shuts_the_next_click(film: Film) -> None:
    person, client = accountant(film)
    with role("web"):
        begin(client, film, film.cast["cho"])
    _end(film, person)
    with role("web"):
        assert page(client, film).status_code == 404
    with role("worker"):
        end_viewings()
    assert [v.ended_by for v in views(person)] == ["place"]


def test_it_is_stopped_on_its_own_production(film: Film, other_film: Film) -> None:
    person, client = accountant(film)
    with role("owner"):
        services.give_membership(
            actor=services.console_person(), production=other_film.production, user=person,
            role="production_accountant",
        )  # fmt: skip
    with role("web"):
        begin(client, film, film.cast["cho"])
        elsewhere = client.get(reverse("cost_report", args=[other_film.code]))
        assert elsewhere.status_code == 403
        assert "member of another production" in elsewhere.content.decode()
        assert client.post(reverse("view_as_stop", args=[other_film.code])).status_code == 404
        assert is_viewing(client, film)


def test_signing_out_ends_it(film: Film) -> None:
    person, client = accountant(film)
    with role("web"):
        begin(client, film, film.cast["cho"])
        assert client.post(reverse("logout")).status_code == 302
        assert page(client, film).headers["Location"].startswith(reverse("login"))
    assert [v.ended_by for v in views(person)] == ["session"]


def test_the_worker_ends_those_that_nobody_comes_back_to(film: Film) -> None:
    gone, aged, open_ = (accountant(film) for _ in range(3))
    with role("web"):
        for _, client in (gone, aged, open_):
            begin(client, film, film.cast["cho"])
    with role("owner"):
        Session.objects.filter(user=gone[0]).delete()
    _age(aged[0])
    for _ in range(2):
        with role("worker"):
            end_viewings()
    assert [views(person)[0].ended_by for person, _ in (gone, aged, open_)] == [
        "session", "time", "",
    ]  # fmt: skip
    with role("web"):
        assert is_viewing(open_[1], film)


def test_what_is_refused_meanwhile_is_kept_in_the_viewers_name(film: Film) -> None:
    person, client = accountant(film)
    with role("web"):
        begin(client, film, film.cast["cho"])
        answer = client.post(reverse("order_new", args=[film.code]), {"a": "b"})
        assert answer.status_code == 403
        assert "You only look: nothing is changed" in answer.content.decode()
        assert "You view as Cho" in answer.content.decode(), "the way out is there"
    with role("owner"):
        kept = Attempt.objects.filter(production=film.production, reason="forbidden")
        assert list(kept.values_list("user_id", "route")) == [(person.pk, "order_new")]

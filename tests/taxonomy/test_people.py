"""Places on a production: invited, taken up once by whom they are for, changed, ended at once; and
what somebody without the right tries in raw SQL."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from access import roles, selectors, services
from access.errors import Invalid, NotFoundHere, Refused
from access.models import User
from taxonomy import people
from taxonomy.people import Place
from tests.access.house import asking, newcomer, read
from tests.factories import Cast, Film, make_film, role
from tests.signing_in import browser, code_of, sign_in
from tests.taxonomy import joining
from tests.taxonomy.joining import (
    TODAY,
    address,
    administrator,
    delivered,
    invite,
    link_in,
    noted,
    owner,
    states,
)

post = joining.post
PASSWORD = "long enough to be one"


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    """One film for the whole file: every test is about people of its own."""
    with role("owner"):
        return make_film(cast)


@pytest.fixture
def ines(film: Film) -> User:
    return administrator(film)


def place_of(film: Film, email: str) -> list[tuple[Any, ...]]:
    return owner(
        "SELECT m.role, m.starts_on, m.ends_on FROM access_membership m JOIN access_user u"
        " ON u.id = m.user_id WHERE u.email = %s AND m.production_id = %s",
        email, film.production.pk,
    )  # fmt: skip


def takes_up(client: Client, path: str, **sent: str) -> Any:
    assert client.get(path).status_code == 302
    said = {"name": "Gus", "password": PASSWORD, "again": PASSWORD, **sent}
    return client.post("/".join([*path.split("/")[:4], ""]), said)


# --- inviting and taking up -------------------------------------------------------------------


def test_an_invitation_leads_through_a_letter_to_a_place_with_a_second_factor(
    film: Film, ines: User, post: list[Any]
) -> None:
    email = address()
    with role("web"):
        admin = sign_in(browser(), ines)
        form = {
            "email": f" {email.upper()} ",
            "role": "department_head",
            "centers": ["CAM"],
            "starts_on": str(TODAY),
            "ends_on": str(TODAY + timedelta(9)),
        }
        sent = admin.post(reverse("person_invite", args=[film.code]), form)
        assert sent.headers["Location"] == reverse("people", args=[film.code])
        page = admin.get(sent.headers["Location"]).content.decode()
        assert email in page and "the letter waits for the mail server" in page
    (letter,) = delivered(post, email)
    assert letter.subject == f"Your place on {film.production.title}"
    assert "as Department head" in letter.body
    path = link_in(letter)
    token = path.rstrip("/").rpartition("/")[2]
    kept = owner("SELECT i::text FROM access_invitation i WHERE email = %s", email)
    assert token not in str(kept) and people.hash_of(token).hex() in str(kept)
    with role("web"):
        assert "sent, open until" in admin.get(reverse("people", args=[film.code])).content.decode()
        guest = browser()
        guest.get(path)
        assert "invites <strong>" in guest.get(f"/p/{film.code}/join/").content.decode()
        came = takes_up(guest, path)
        assert (came.status_code, came.headers["Location"]) == (302, "/")
        # In, and led to the second factor before anything opens.
        assert guest.get(f"/p/{film.code}/").headers["Location"] == reverse("mfa_index")
        secret = guest.get(reverse("mfa_activate_totp")).context["form"].secret
        guest.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
        assert guest.get(reverse("cost_report", args=[film.code])).status_code == 200
    person = User.objects.get(email=email)
    assert (person.name, states(email)) == ("Gus", ["accepted"])
    assert place_of(film, email) == [("department_head", TODAY, TODAY + timedelta(9))]
    with asking("web", person, film):
        assert read("SELECT code FROM taxonomy_costcenter") == [("CAM",)]
        assert selectors.actions_on(person, film.production) == roles.actions_of("department_head")
    assert noted(email) == ["joined", "came_in", "key_added"]


def test_who_has_an_account_signs_in_to_take_up_an_invitation(
    film: Film, ines: User, other_film: Film, post: list[Any]
) -> None:
    person = newcomer(other_film, "pia", "payroll")
    token = invite(film, ines, person.email, role="line_producer", centers=())
    path = f"/p/{film.code}/join/{token}/"
    with role("web"):
        client = browser()
        client.get(path)
        page = client.get(f"/p/{film.code}/join/").content.decode()
        assert "You have an account here already" in page and 'name="password"' not in page
        assert takes_up(client, path).headers["Location"] == f"/p/{film.code}/join/"
        assert states(person.email) == ["sent"], "a link alone is no account"
        sign_in(client, person)
        done = takes_up(client, path)
        assert done.headers["Location"] == f"/p/{film.code}/"
    assert place_of(film, person.email) == [("line_producer", TODAY, None)]
    assert states(person.email) == ["accepted"]


def test_a_session_that_has_not_passed_the_second_factor_takes_nothing_up(
    film: Film, ines: User, other_film: Film, post: list[Any]
) -> None:
    person = newcomer(other_film, "pia", "payroll")
    with role("owner"):
        services.give_authenticator_app(actor=person, user=person, secret="JBSWY3DPEHPK3PXP")
    token = invite(film, ines, person.email)
    with role("web"):
        client = sign_in(browser(), person, second_factor=False)
        answer = takes_up(client, f"/p/{film.code}/join/{token}/")
        assert answer.headers["Location"].startswith(reverse("mfa_reauthenticate"))
    assert states(person.email) == ["sent"]


def test_an_invitation_that_is_not_good_is_refused_in_words_and_written_down(
    film: Film, ines: User, post: list[Any]
) -> None:
    used, withdrawn, late, forged = (address() for _ in range(4))
    paths = {
        email: f"/p/{film.code}/join/{invite(film, ines, email)}/"
        for email in (used, withdrawn, late)
    }
    paths[forged] = f"/p/{film.code}/join/{'A' * 43}/"
    with role("web"):
        assert takes_up(browser(), paths[used]).status_code == 302
    ((number,),) = owner("SELECT id FROM access_invitation WHERE email = %s", withdrawn)
    with asking("web", ines, film):
        people.withdraw(actor=ines, production=film.production, invitation_id=number)
    with role("owner"), transaction.atomic():
        read("ALTER TABLE access_invitation DISABLE TRIGGER stays")
        read("UPDATE access_invitation SET expires_at = now() WHERE email = %s", late)
        read("ALTER TABLE access_invitation ENABLE TRIGGER stays")
    for email, why in (
        (used, "accepted"), (withdrawn, "withdrawn"), (late, "expired"), (forged, "unknown"),
    ):  # fmt: skip
        before = owner("SELECT count(*) FROM access_user")
        with role("web"):
            for answer in (takes_up(browser(), paths[email]), _opens(browser(), paths[email])):
                assert answer.status_code == 410, email
                assert people.REFUSALS[why] in answer.content.decode()
        assert owner("SELECT count(*) FROM access_user") == before
        if email != forged:
            assert noted(email)[-2:] == ["invitation_refused"] * 2
    assert place_of(film, late) == []


def _opens(client: Client, path: str) -> Any:
    return client.get(path, follow=True)


def test_an_expired_invitation_is_marked_so_by_who_tries_it(
    film: Film, ines: User, post: list[Any]
) -> None:
    email = address()
    token = invite(film, ines, email)
    with role("owner"), transaction.atomic():
        read("ALTER TABLE access_invitation DISABLE TRIGGER stays")
        read("UPDATE access_invitation SET expires_at = now() WHERE email = %s", email)
        read("ALTER TABLE access_invitation ENABLE TRIGGER stays")
    with role("web"), transaction.atomic():
        held = people.held_invitation(people.hash_of(token))
        assert held is not None and held.standing == "expired"
        assert people.accept(
            held=held, token_hash=people.hash_of(token), name="G", password=PASSWORD
        ) == "expired"  # fmt: skip
    assert states(email) == ["expired"]
    invite(film, ines, email)
    assert states(email) == ["expired", "sent"], "and may be invited again"


def test_somebody_else_who_is_signed_in_does_not_take_an_invitation_up(
    film: Film, ines: User, post: list[Any]
) -> None:
    email = address()
    path = f"/p/{film.code}/join/{invite(film, ines, email)}/"
    with role("web"):
        otto = sign_in(browser(), film.cast["otto"])
        answer = takes_up(otto, path)
        assert answer.status_code == 410
        assert people.REFUSALS["another"] in answer.content.decode()
    assert states(email) == ["sent"]
    assert place_of(film, film.cast["otto"].email) == []
    assert noted(film.cast["otto"].email)[-1] == "invitation_refused"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"again": "another one, long"}, "The two passwords are not the same"),
        ({"password": "short", "again": "short"}, "at least 12 characters"),
        ({"password": "password1234", "again": "password1234"}, "too common"),
        ({"name": " "}, "Name: expected 1 to 120 characters, found 0"),
        ({"name": "x" * 121}, "found 121"),
    ],
)
def test_a_name_or_password_that_is_none_is_said_and_nothing_is_used_up(
    film: Film, ines: User, post: list[Any], sent: dict[str, str], said: str
) -> None:
    email = address()
    path = f"/p/{film.code}/join/{invite(film, ines, email)}/"
    with role("web"):
        answer = takes_up(browser(), path, **sent)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert (states(email), User.objects.filter(email=email).count()) == (["sent"], 0)


def test_inviting_again_makes_the_first_link_worthless(
    film: Film, ines: User, post: list[Any]
) -> None:
    email = address()
    first, second = invite(film, ines, email), invite(film, ines, email, role="payroll")
    assert states(email) == ["withdrawn", "sent"]
    with role("web"):
        assert takes_up(browser(), f"/p/{film.code}/join/{first}/").status_code == 410
        assert takes_up(browser(), f"/p/{film.code}/join/{second}/").status_code == 302
    assert place_of(film, email) == [("payroll", TODAY, None)]


def test_an_invitation_falls_with_the_right_of_who_gave_it(
    film: Film, ines: User, post: list[Any]
) -> None:
    one, two = address(), address()
    boss = administrator(film)
    by_boss, by_ines = invite(film, boss, one), invite(film, ines, two)
    with asking("web", ines, film):
        people.end_place(
            actor=ines, production=film.production, person_id=boss.pk, reason="left the film"
        )
    assert (states(one), states(two)) == (["withdrawn"], ["sent"])
    with role("owner"):  # At the console, where invitations are not thought of.
        services.give_membership(
            actor=ines, production=film.production, user=ines, role="studio_executive"
        )
    with role("web"):
        for token in (by_boss, by_ines):
            assert takes_up(browser(), f"/p/{film.code}/join/{token}/").status_code == 410
    assert place_of(film, two) == []


@pytest.mark.parametrize(
    ("email", "place", "said"),
    [
        ("nobody", {}, "E-mail: expected name@host"),
        ("a\nb@example.org", {}, "E-mail: expected name@host"),
        ("a@example.org", {"role": "administrator"}, "Role: expected one of"),
        ("a@example.org", {"role": "king"}, "Role: expected one of"),
        ("a@example.org", {"centers": ()}, "Cost centres: a department head is given one"),
        ("a@example.org", {"centers": ("XXX",)}, "There is no cost centre XXX here"),
        ("a@example.org", {"ends_on": TODAY - timedelta(1)}, "Last day: expected"),
        ("a@example.org", {"starts_on": TODAY - timedelta(9), "ends_on": TODAY - timedelta(2)},
         "The last day must be today or later"),
    ],
)  # fmt: skip
def test_an_invitation_that_cannot_be_given_is_refused_and_no_letter_is_put(
    film: Film, ines: User, post: list[Any], email: str, place: dict[str, Any], said: str
) -> None:
    before = owner("SELECT count(*) FROM sec.letter")
    with pytest.raises(Refused, match=said):
        invite(film, ines, email, **place)
    assert owner("SELECT count(*) FROM sec.letter") == before


def test_nobody_invites_themselves_or_who_is_there_already(
    film: Film, ines: User, post: list[Any]
) -> None:
    for email in (ines.email, film.cast["amir"].email):
        with pytest.raises(Refused, match="on the production already"):
            invite(film, ines, email)


def test_without_a_mail_server_nobody_is_invited_and_the_page_says_why(
    film: Film, ines: User
) -> None:
    email = address()
    with pytest.raises(Refused, match="PRODACCT_MAIL"):
        invite(film, ines, email)
    assert states(email) == []


# --- changing and ending ----------------------------------------------------------------------


def test_a_place_is_changed_with_its_grants_and_its_history_says_who_and_why(
    film: Film, ines: User
) -> None:
    person = newcomer(film, "pat", "payroll")
    place = Place("department_head", ("ART", "CAM"), TODAY, TODAY + timedelta(30))
    with role("web"):
        admin = sign_in(browser(), ines)
        url = reverse("person", args=[film.code, person.pk])
        form = {"role": place.role, "centers": ["ART", "CAM"], "starts_on": str(place.starts_on),
                "ends_on": str(place.ends_on), "reason": "moved to art"}  # fmt: skip
        assert admin.post(url, form).headers["Location"] == url
        page = admin.get(url).content.decode()
        assert "moved to art" in page and "Payroll accountant" in page
        assert admin.post(url, {**form, "reason": " "}).status_code == 422
    with asking("web", person, film):
        assert read("SELECT code FROM taxonomy_costcenter ORDER BY 1") == [("ART",), ("CAM",)]
        assert selectors.actions_on(person, film.production) == roles.actions_of(place.role)
    with asking("web", ines, film):
        (last, first) = people.versions_of(film.production, person.pk)
        assert (last["history_user__name"], last["reason"]) == ("ines", "moved to art")
        assert (first["role"], first["history_type"]) == ("payroll", "+")
        (row,) = [r for r in people.people() if r.person == person.pk]
        assert (row.role, row.centers, row.has_second_factor) == (place.role, ["ART", "CAM"], False)


def test_a_place_that_is_ended_shuts_the_very_next_click_and_every_session(
    film: Film, ines: User
) -> None:
    person = newcomer(film, "pat", "production_accountant")
    with role("web"):
        desk, phone = sign_in(browser(), person), sign_in(browser(), person)
        assert desk.get(reverse("cost_report", args=[film.code])).status_code == 200
        admin = sign_in(browser(), ines)
        done = admin.post(reverse("person_end", args=[film.code, person.pk]), {"reason": "wrapped"})
        assert done.headers["Location"] == reverse("people", args=[film.code])
        for client in (desk, phone):
            answer = client.get(reverse("cost_report", args=[film.code]))
            assert answer.headers["Location"].startswith(reverse("login"))
        again = admin.post(reverse("person_end", args=[film.code, person.pk]), {"reason": "x"})
        assert "over already" in again.content.decode()
    with asking("web", person, film):
        assert selectors.actions_on(person, film.production) == frozenset()
        assert read("SELECT count(*) FROM taxonomy_unit") == [(0,)], "nor as a mere member"
    ((began, ended, reason),) = owner(
        "SELECT starts_on, ends_on, reason FROM access_membership WHERE user_id = %s", person.pk
    )
    assert began <= ended < TODAY and reason == "wrapped"


def test_nobody_widens_or_ends_their_own_place_or_gives_the_right_to_give(
    film: Film, ines: User
) -> None:
    boss = administrator(film)
    place = Place("production_accountant", (), TODAY)
    with asking("web", ines, film):
        asked = {"actor": ines, "production": film.production, "reason": "why not"}
        for person_id, said in ((ines.pk, "their own place"), (boss.pk, "at the console")):
            with pytest.raises(Refused, match=said):
                people.change_place(**asked, person_id=person_id, place=place)
        with pytest.raises(Refused, match="their own place"):
            people.end_place(**asked, person_id=ines.pk)
        with pytest.raises(Invalid, match="Role: expected one of"):
            people.change_place(
                **asked, person_id=film.cast["cho"].pk, place=Place("administrator", (), TODAY)
            )
        for person_id in (film.cast["otto"].pk, 0, 2**62):
            with pytest.raises(NotFoundHere):
                people.end_place(**asked, person_id=person_id)


def test_the_forms_ask_again_who_one_is_and_open_to_nobody_else(film: Film, ines: User) -> None:
    with role("web"):
        admin = sign_in(browser(), ines)
        session = admin.session
        for proof in session["account_authentication_methods"]:
            proof["at"] -= 301
        session.save()
        assert admin.get(reverse("people", args=[film.code])).status_code == 200
        for name, more in (("person_invite", []), ("person", [film.cast["cho"].pk])):
            url = reverse(name, args=[film.code, *more])
            for answer in (admin.get(url), admin.post(url, {"reason": "x"})):
                assert answer.status_code == 302
                assert "/me/" in answer.headers["Location"]
        assert admin.get(f"/p/{film.code}/").headers["Location"].endswith("/people/")
        amir = sign_in(browser(), film.cast["amir"])
        assert amir.get(reverse("people", args=[film.code])).status_code == 404

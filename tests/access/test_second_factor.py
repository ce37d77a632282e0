"""The second factor: who needs one, what opens without it, and how it is set up and lost."""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.urls import reverse

from access import roles, services
from access.models import User
from tests.access.house import asking, read
from tests.factories import Film, role
from tests.signing_in import browser, by_password, code_of, sign_in

PASSWORD = "a long enough password"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_number = itertools.count(1)
Join = Callable[..., User]


@pytest.fixture
def join(film: Film) -> Join:
    """join("payroll") is a person of this test alone; app=True gives them an authenticator app."""

    def make(held: str, *, app: bool = False) -> User:
        with role("owner"):
            console = services.console_person()
            made = services.add_person(
                actor=console, email=f"join{next(_number)}-{film.code}@example.org".lower(),
                name="Jo", password=PASSWORD,
            )  # fmt: skip
            if held:
                services.give_membership(
                    actor=console, production=film.production, user=made, role=held
                )
            if app:
                services.give_authenticator_app(actor=console, user=made, secret=SECRET)
        return made

    return make


def first_step(person: User, client: Client | None = None) -> Client:
    """A browser in which the person has given address and password."""
    made = client or browser()
    assert by_password(made, person.email, PASSWORD).status_code == 302
    return made


def is_signed_in(client: Client) -> bool:
    return not client.get("/").headers.get("Location", "").startswith(reverse("login"))


def test_every_role_that_posts_approves_or_sees_pay_asks_for_a_second_factor() -> None:
    for name, (_, actions) in roles.ROLES.items():
        if actions - {"view_published"}:
            assert name in roles.SECOND_FACTOR, name
    assert "bond_representative" in roles.SECOND_FACTOR, "who signs for the guarantor"


def test_the_password_alone_opens_nothing_of_whoever_has_a_second_factor(
    film: Film, join: Join
) -> None:
    person = join("production_accountant", app=True)
    inside = [
        reverse(n) for n, a in roles.URL_ACTIONS.items() if a in (roles.PERSON, roles.ENROLLING)
        and n not in ("mfa_remove_webauthn", "address_begin")
    ]  # fmt: skip
    with role("web"):
        client = first_step(person)
        for url in (*inside, f"/p/{film.code}/", reverse("cost_report", args=[film.code])):
            answer = client.get(url)
            assert answer.status_code == 302, url
            assert answer.headers["Location"].startswith(reverse("login")), url
        assert client.get(reverse("login")).headers["Location"] == reverse("mfa_authenticate")
        page = client.get(reverse("mfa_authenticate"))
        assert "Code of your authenticator app" in page.content.decode()
        wrong = client.post(reverse("mfa_authenticate"), {"code": "000000"})
        assert "That code or passkey is not right" in wrong.content.decode()
        assert not is_signed_in(client)
        right = client.post(reverse("mfa_authenticate"), {"code": code_of(SECRET)})
        assert right.headers["Location"] == "/"
        assert client.get(reverse("cost_report", args=[film.code])).status_code == 200


def test_a_code_is_good_once_for_as_long_as_it_is_right(join: Join) -> None:
    person = join("payroll", app=True)
    with role("web"):
        for ahead, is_in in ((0, True), (0, False), (1, True), (1, False), (3, False)):
            client = first_step(person)
            client.post(reverse("mfa_authenticate"), {"code": code_of(SECRET, ahead)})
            assert is_signed_in(client) is is_in, ahead
        ((seconds,),) = _as_owner(
            "SELECT max(extract(epoch FROM expires_at - now())) FROM sec.attempt"
            " WHERE value = '\"y\"'"
        )
        assert seconds > 60


def _as_owner(sql: str) -> list[tuple[object, ...]]:
    with role("owner"):
        return read(sql)


def test_one_code_sent_twice_at_once_signs_one_in(join: Join) -> None:
    person = join("payroll", app=True)
    code = code_of(SECRET)
    with role("web"):
        clients = [first_step(person) for _ in range(2)]

        def give(client: Client) -> bool:
            try:
                client.post(reverse("mfa_authenticate"), {"code": code})
                return is_signed_in(client)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(give, clients)) == [False, True]


def test_whoever_needs_a_second_factor_and_has_none_is_led_to_set_one_up(
    film: Film, join: Join
) -> None:
    person = join("line_producer")
    with role("web"):
        client = first_step(person)
        before = client.session.session_key
        for url in ("/", f"/p/{film.code}/", reverse("cost_report", args=[film.code])):
            assert client.get(url).headers["Location"] == reverse("mfa_index"), url
        assert "Your role asks for a second factor" in client.get("/me/keys/").content.decode()
        page = client.get(reverse("mfa_activate_totp"))
        secret = page.context["form"].secret
        assert client.post(reverse("mfa_activate_totp"), {"code": "1"}).status_code == 200
        done = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
        assert done.headers["Location"] == reverse("mfa_view_recovery_codes")
        assert client.session.session_key != before, "a stronger session has a new id"
        shown = client.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]
        again = client.get(reverse("mfa_view_recovery_codes")).content.decode()
        assert len(shown) == 10
        assert not any(code in again for code in shown), "they are shown once"
        assert client.get(reverse("cost_report", args=[film.code])).status_code == 200
        # And a recovery code signs in, one time.
        for is_in in (True, False):
            other = first_step(person)
            other.post(reverse("mfa_authenticate"), {"code": shown[0]})
            assert is_signed_in(other) is is_in


def test_who_has_no_role_goes_on_with_the_password_until_one_is_given(
    film: Film, join: Join
) -> None:
    person = join("")
    with role("web"):
        client = first_step(person)
        assert client.get("/").status_code == 200
    with role("owner"):
        services.give_membership(
            actor=services.console_person(), production=film.production, user=person,
            role="studio_executive",
        )  # fmt: skip
    with role("web"):
        assert client.get(f"/p/{film.code}/").headers["Location"] == reverse("mfa_index")
        assert client.get("/").headers["Location"] == reverse("mfa_index")


def test_a_password_session_of_before_sets_no_key_up_beside_the_owners(join: Join) -> None:
    """Somebody knows the password and waits; the owner sets up a key; the other is shut out."""
    person = join("line_producer")
    with role("web"):
        thief = first_step(person)
        assert thief.get(reverse("mfa_activate_totp")).status_code == 200
    with role("owner"):
        services.give_authenticator_app(actor=services.console_person(), user=person, secret=SECRET)
    with role("web"):
        for name in ("mfa_add_webauthn", "mfa_deactivate_totp", "mfa_generate_recovery_codes"):
            for answer in (thief.get(reverse(name)), thief.post(reverse(name), {})):
                assert answer.headers["Location"].startswith(reverse("mfa_reauthenticate")), name
        answer = thief.get("/")
        assert answer.headers["Location"].startswith(reverse("mfa_reauthenticate"))
        by_word = thief.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        assert by_word.headers["Location"].startswith(reverse("mfa_reauthenticate"))


def test_keys_change_only_for_who_has_just_proved_themselves(join: Join) -> None:
    person = join("payroll", app=True)
    with role("web"):
        client = sign_in(browser(), person)
        assert client.get(reverse("mfa_add_webauthn")).status_code == 200
        session = client.session
        for proof in session["account_authentication_methods"]:
            proof["at"] = time.time() - 301
        session.save()
        asked = client.get(reverse("mfa_add_webauthn"))
        where = f"{reverse('mfa_reauthenticate')}?next={reverse('mfa_add_webauthn')}"
        assert asked.headers["Location"] == where
        assert client.get("/").status_code in (200, 302), "only the keys ask again"
        back = client.post(where, {"code": code_of(SECRET)})
        assert back.headers["Location"] == reverse("mfa_add_webauthn")
        assert client.get(reverse("mfa_add_webauthn")).status_code == 200


def test_the_last_second_factor_of_who_needs_one_stays(film: Film, join: Join) -> None:
    person = join("payroll", app=True)
    with role("web"):
        client = sign_in(browser(), person)
        said = client.post(reverse("mfa_deactivate_totp"))
        assert "this is the only one" in said.content.decode()
        with asking("web", person, film):
            assert Authenticator.objects.filter(user_id=person.pk).count() == 1


def test_two_sign_ins_stand_before_different_second_factors(join: Join) -> None:
    """A browser that begins anew as somebody else is asked for that person's code."""
    one, two = join("payroll", app=True), join("payroll", app=True)
    with role("web"):
        client = first_step(one)
        assert client.post(reverse("login_again")).headers["Location"] == reverse("login")
        assert client.get(reverse("login")).status_code == 200
        first_step(two, client)
        client.post(reverse("mfa_authenticate"), {"code": code_of(SECRET)})
        assert client.get("/me/keys/").context["user"] == two


@pytest.mark.parametrize(
    "said",
    ["", "{}", "[]", "1", '"x"', "null", "not json", '{"response": 5}', '{"id": "a"}',
     '{"response": {"userHandle": "eg"}, "id": "YQ", "rawId": "YQ", "type": "public-key"}',
     '{"id":"YQ","rawId":"YQ","type":"public-key","response":{"clientDataJSON":"YQ",'
     '"authenticatorData":"YQ","signature":"YQ","userHandle":"!!"}}'],
)  # fmt: skip
def test_a_garbled_passkey_signs_nobody_in(database: None, said: str) -> None:
    with role("web"):
        client = browser()
        client.get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"})
        answer = client.post(reverse("mfa_login_webauthn"), {"credential": said})
        assert (answer.status_code, answer.headers["Location"]) == (302, reverse("login"))
        assert not is_signed_in(client)


# --- limits -----------------------------------------------------------------------------------


def test_guessing_a_password_is_stopped_for_that_person_from_wherever(join: Join) -> None:
    person, other = join("payroll"), join("payroll")
    with role("web"):
        said = [by_password(browser(), person.email, "wrong").content.decode() for _ in range(6)]
        assert all("is not right" in text for text in said[:5])
        assert "Too many attempts" in said[5]
        held = by_password(browser(), person.email.upper(), PASSWORD)
        assert "Too many attempts" in held.content.decode(), "the right one does not tell either"
        assert by_password(browser(), other.email, PASSWORD).status_code == 302


def test_guessing_at_once_in_many_processes_is_counted_as_one(join: Join) -> None:
    person = join("payroll")
    with role("web"):

        def guess(_: int) -> bool:
            try:
                answer = by_password(browser(), person.email, "wrong")
                return "is not right" in answer.content.decode()
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(guess, range(18))) == 5


def test_guessing_a_code_is_stopped_for_that_person_from_wherever(join: Join) -> None:
    person = join("payroll", app=True)
    with role("web"):
        for number in range(6):
            client = first_step(person)
            said = client.post(reverse("mfa_authenticate"), {"code": f"{number:06}"})
        assert "Too many attempts" in said.content.decode()
        held = client.post(reverse("mfa_authenticate"), {"code": code_of(SECRET)})
        assert "Too many attempts" in held.content.decode()
        assert not is_signed_in(client)


def test_an_address_that_guesses_at_many_people_is_stopped(join: Join) -> None:
    person = join("payroll")
    with role("web"):
        client = browser()
        for number in range(20):
            by_password(client, f"nobody{number}@example.org", "wrong")
        said = by_password(client, person.email, PASSWORD)
        assert "Too many attempts" in said.content.decode()

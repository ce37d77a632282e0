"""What weighs asks for a late proof of who one is: sooner at a form than when it is sent."""

import time
from typing import Any

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from access import roles, services
from access.models import User
from tests.access.house import newcomer
from tests.access.web_house import NOT_THERE
from tests.access.web_methods import ONLY_POSTED_TO, POSTED_TO
from tests.factories import Film, role
from tests.signing_in import browser, code_of, sign_in

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HOUR = 3600
ASKED = [n for n, a in roles.URL_ACTIONS.items() if a in roles.WEIGHTY]


@pytest.fixture
def amir(film: Film) -> User:
    """An accountant of this test alone, with an app."""
    made = newcomer(film, "proof", "production_accountant")
    with role("owner"):
        services.give_authenticator_app(actor=services.console_person(), user=made, secret=SECRET)
    return made


def aged(client: Client, hours: float, *methods: str) -> Client:
    """The same session, in which everything was proved some hours ago."""
    session = client.session
    kept = session[AUTHENTICATION_METHODS_SESSION_KEY]
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {**p, "at": time.time() - hours * HOUR} if not methods or p["method"] in methods else p
        for p in kept
    ]
    session.save()
    return client


def url(film: Film, name: str) -> str:
    return reverse(name, kwargs={"code": film.code, **NOT_THERE.get(name, {})})


def is_asked(answer: HttpResponse) -> bool:
    where = answer.headers.get("Location", "")
    return answer.status_code == 302 and where.startswith(
        (reverse("mfa_reauthenticate"), reverse("account_reauthenticate"))
    )


@pytest.mark.parametrize("hours", [3.9, 4.9, 5.1])
def test_each_address_that_weighs_asks_when_its_time_has_come(
    film: Film, amir: User, hours: float
) -> None:
    client = aged(sign_in(browser(), amir), hours)
    with role("web"):
        for name in ASKED:
            goes_on = name in ("upload_piece", "upload_end")
            sent = client.post(url(film, name), {})
            assert is_asked(sent) is (hours > 5 and not goes_on), name
            opened = client.get(url(film, name))
            takes = name in POSTED_TO and name not in ONLY_POSTED_TO
            if takes and name not in ("dead_letters", "feeds", "feed", "quarantine_act"):
                assert is_asked(opened) is (hours > 4), name


def test_reading_asks_for_nothing(film: Film, amir: User) -> None:
    client = aged(sign_in(browser(), amir), 11)
    with role("web"):
        for name in ("cost_report", "orders", "quarantine", "trial_balance", "view_as", "periods"):
            assert client.get(reverse(name, args=[film.code])).status_code == 200, name


def test_a_form_that_was_opened_in_time_is_taken(film: Film, amir: User) -> None:
    client = sign_in(browser(), amir)
    vendors = reverse("vendors", args=[film.code])
    with role("web"):
        assert client.get(vendors).status_code == 200
        aged(client, 4.9)
        assert client.post(vendors, {"name": "Lens House"}).status_code == 302
        aged(client, 5.1)
        assert is_asked(client.post(vendors, {"name": "Brush House"}))
    with role("owner"):
        assert _vendors(film) == ["Lens House"]


def _vendors(film: Film) -> list[Any]:
    from purchasing.models import Vendor

    return list(Vendor.objects.filter(production=film.production).values_list("name", flat=True))


def test_a_proof_leads_back_to_the_page_and_is_good_for_hours(film: Film, amir: User) -> None:
    client = aged(sign_in(browser(), amir), 6)
    page = reverse("vendors", args=[film.code])
    with role("web"):
        asked = client.get(page)
        assert asked.headers["Location"] == f"{reverse('mfa_reauthenticate')}?next={page}"
        done = client.post(asked.headers["Location"], {"code": code_of(SECRET)})
        assert done.headers["Location"] == page
        assert client.get(page).status_code == 200


def test_what_is_only_sent_to_leads_back_to_the_page_it_was_sent_from(
    film: Film, amir: User
) -> None:
    client = aged(sign_in(browser(), amir), 6)
    orders = reverse("orders", args=[film.code])
    approve = url(film, "order_approve")
    with role("web"):
        for referer, following in (
            (f"http://localhost{orders}?state=open", f"{orders}%3Fstate%3Dopen"),
            ("https://elsewhere.example/p/", reverse("landing", args=[film.code])),
            ("", reverse("landing", args=[film.code])),
        ):
            answer = client.post(approve, {}, HTTP_REFERER=referer)
            where = f"{reverse('mfa_reauthenticate')}?next={following}"
            assert answer.headers["Location"] == where, referer


def test_a_password_alone_is_no_proof_of_who_has_an_app(film: Film, amir: User) -> None:
    client = aged(sign_in(browser(), amir), 6, "mfa")
    with role("web"):
        assert is_asked(client.get(reverse("vendors", args=[film.code])))


def test_the_window_is_the_installations(film: Film, amir: User, settings: Any) -> None:
    client = aged(sign_in(browser(), amir), 1)
    with role("web"):
        assert client.get(reverse("vendors", args=[film.code])).status_code == 200
        settings.STEP_UP_SECONDS = 1800
        assert is_asked(client.get(reverse("vendors", args=[film.code])))


def test_an_invitation_is_taken_back_by_who_has_just_proved_themselves(film: Film) -> None:
    ines = newcomer(film, "ines", "administrator")
    with role("owner"):
        services.give_authenticator_app(actor=services.console_person(), user=ines, secret=SECRET)
    client = aged(sign_in(browser(), ines), 1)
    with role("web"):
        assert is_asked(client.post(url(film, "invitation_withdraw")))

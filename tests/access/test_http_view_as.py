"""Every address, asked by Amir while he views as the head of camera: hers, and nothing done."""

import pytest
from django.test import Client

from access import roles
from overrides.urls import urlpatterns as of_overrides
from tests.access import web_house
from tests.access.web_house import (
    ART,
    CAMERA,
    CANARIES,
    NO_PRODUCTIONS,
    OF_A_FILM,
    SEEN_BY,
    House,
    ask,
    may,
)
from tests.access.web_methods import ONLY_POSTED_TO
from tests.signing_in import sign_in

house = web_house.house
web = web_house.web
LEAVING = ("logout", "account_logout", "view_as_stop")


@pytest.fixture(scope="module")
def viewers(house: House) -> dict[str, Client]:
    """Amir's browsers, in each of which he views as somebody."""
    return {}


def viewer_as(web: House, viewers: dict[str, Client], person: str) -> Client:
    if person not in viewers:
        client = Client(raise_request_exception=False, SERVER_NAME="localhost")
        sign_in(client, web.here.film.cast["amir"])
        sent = {"person": web.here.film.cast[person].pk, "reason": "a question of theirs"}
        assert client.post(web.here.url("view_as_begin"), sent).status_code == 302
        viewers[person] = client
    return viewers[person]


def _expected(name: str) -> set[int]:
    if name in roles.NOT_VIEWED or name in OF_A_FILM:
        return {403}
    if roles.URL_ACTIONS[name] in NO_PRODUCTIONS or not may("cho", name):
        return {403}
    return {405} if name in ONLY_POSTED_TO else {200, 302}


@pytest.mark.parametrize("name", roles.URL_ACTIONS)
def test_what_is_read_is_what_the_person_viewed_as_reads(
    web: House, viewers: dict[str, Client], name: str
) -> None:
    client = viewer_as(web, viewers, "cho")
    url = web.here.url(name) + ("?upto=2" if name == "account_lines" else "")
    answer = ask(client, "GET", url)
    expected = _expected(name) if may("amir", name) else {404}
    assert answer.status_code in expected, answer.content[:600]
    for canary in CANARIES:
        if canary not in SEEN_BY["cho"]:
            assert canary.encode() not in answer.content, canary
    if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
        is_page = b"<body" in answer.content
        assert (b"You view as" in answer.content) is is_page


@pytest.mark.parametrize("name", [n for n in roles.URL_ACTIONS if n not in LEAVING])
def test_nothing_is_posted_while_somebody_views_as_another(
    web: House, viewers: dict[str, Client], name: str
) -> None:
    client = viewer_as(web, viewers, "lena")
    answer = ask(client, "POST", web.here.url(name))
    assert answer.status_code == (403 if may("amir", name) else 404)
    if answer.status_code == 403:
        assert b"You only look" in answer.content
    assert client.put(web.here.url("cost_report")).status_code == 403


def test_another_production_is_not_looked_into_meanwhile(
    web: House, viewers: dict[str, Client]
) -> None:
    client = viewer_as(web, viewers, "cho")
    assert ask(client, "GET", web.elsewhere.url("cost_report")).status_code == 404


def test_the_same_pages_show_what_the_person_sees_and_no_more(
    web: House, viewers: dict[str, Client]
) -> None:
    own = ask(web.clients["amir"](), "GET", web.here.url("orders")).content.decode()
    viewed = ask(viewer_as(web, viewers, "cho"), "GET", web.here.url("orders")).content.decode()
    assert CAMERA in own and ART in own
    assert CAMERA in viewed and ART not in viewed


def test_every_page_of_signing_is_kept_from_views() -> None:
    """What is added to overrides must say whether it is signing."""
    shown = {"overrides", "override_document", "asked", "asked_one", "asked_document"}
    assert {p.name for p in of_overrides} - shown == roles.NOT_VIEWED

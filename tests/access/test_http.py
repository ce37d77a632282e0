"""Every address, asked by everybody: as the role table says, and nothing of anybody else."""

from collections.abc import Callable
from functools import cache

import pytest
from django.http import StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from access import roles, services
from access.middleware import ScopeMiddleware
from tests.access import web_house
from tests.access.web_house import (
    ACTORS,
    NOT_THERE,
    NUMBERED_ALIKE,
    ORDER_ADDRESSES,
    SIGNED_OUT,
    House,
    ask,
    assert_guarded,
    body_of,
    expected_status,
    may,
    names_of_all_addresses,
)
from tests.access.web_methods import ONLY_POSTED_TO, POSTED_TO
from tests.factories import Film, cost_line, cost_lines, import_data, role
from tests.signing_in import sign_in

# Both productions number these alike: the test of another production asks.
ALIKE = ("account_lines", "close_period", *ORDER_ADDRESSES)
OUT = ("logout", "account_logout")
house = web_house.house
web = web_house.web


@pytest.fixture(scope="module")
def no_such_film(house: House) -> Callable[[str, str], bytes]:
    """How any address of a production that does not exist answers, asked of one of them."""

    @cache
    def answer(actor: str, method: str) -> bytes:
        url = house.elsewhere.url("imports", code="NO-SUCH-FILM")
        with role("web"):
            nothing = ask(house.clients[actor](), method, url)
        assert nothing.status_code == 404
        assert_guarded(nothing, actor)
        return body_of(nothing)

    return answer


def test_every_address_has_a_line_in_the_role_table() -> None:
    assert names_of_all_addresses() == set(roles.URL_ACTIONS)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("name", roles.URL_ACTIONS)
def test_an_address_answers_as_the_role_table_says(
    web: House, actor: str, name: str, method: str
) -> None:
    make = web.clients[actor]
    client = make() if name not in OUT else getattr(make, "__wrapped__", make)()
    url = web.here.url(name, **(web.here.art.get(name, {}) if actor == "ada" else {}))
    if name == "account_lines":
        url += "?upto=2"
    if actor == "deactivated" and name in OUT:
        return  # nobody is signed in, and the shared session must stay for the other cases
    response = ask(client, method, url)
    assert response.status_code in expected_status(actor, name, method), response.content[:400]
    assert_guarded(response, actor)
    if not may(actor, name) and actor in SIGNED_OUT:
        assert response.headers["Location"].startswith(reverse("login"))


def _refuses(name: str, method: str) -> bool:
    """Whether an address answers this method at all."""
    return name in ONLY_POSTED_TO if method == "GET" else name not in POSTED_TO


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("actor", [a for a in ACTORS if a not in SIGNED_OUT])
@pytest.mark.parametrize("name", NOT_THERE)
def test_what_is_another_productions_answers_like_what_is_not_there(
    web: House, actor: str, name: str, method: str
) -> None:
    client = web.clients[actor]()
    nothing = ask(client, method, web.here.url(name, **NOT_THERE[name]))
    assert_guarded(nothing, actor)
    assert (
        nothing.status_code == 405
        if _refuses(name, method) and may(actor, name)
        else nothing.status_code == 404
    )
    if name in ALIKE or name in NUMBERED_ALIKE:
        return  # the same number in both productions: the next test asks
    foreign = ask(client, method, web.here.url(name, **web.elsewhere.ids[name]))
    assert_guarded(foreign, actor)
    assert (foreign.status_code, body_of(foreign)) == (nothing.status_code, body_of(nothing))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("actor", [a for a in ACTORS if a not in SIGNED_OUT])
@pytest.mark.parametrize(
    "name", [n for n, a in roles.URL_ACTIONS.items() if a not in web_house.NO_PRODUCTIONS]
)
def test_another_production_answers_like_one_that_does_not_exist(
    web: House, no_such_film: Callable[[str, str], bytes], actor: str, name: str, method: str
) -> None:
    foreign = ask(web.clients[actor](), method, web.elsewhere.url(name))
    assert_guarded(foreign, actor)
    assert (foreign.status_code, body_of(foreign)) == (404, no_such_film(actor, method))


@pytest.mark.parametrize("name", ["transaction", "order", "paper", "fund"])
@pytest.mark.parametrize("actor", ["cho", "ada"])
def test_another_departments_document_answers_like_one_that_does_not_exist(
    web: House, actor: str, name: str
) -> None:
    client = web.clients[actor]()
    theirs = web.here.art if actor == "cho" else web.here.ids
    foreign = client.get(web.here.url(name, **theirs[name]))
    nothing = client.get(web.here.url(name, **NOT_THERE[name]))
    assert (foreign.status_code, body_of(foreign)) == (404, body_of(nothing))
    assert_guarded(foreign, actor)


@pytest.mark.parametrize("query", ["period=2", "upto=2", "upto=12", "upto=2&unit=MAIN"])
@pytest.mark.parametrize("account", ["all", "section-BTL", "2200", "2220", "2710"])
def test_a_department_head_reads_no_other_department_through_sums_or_counter_accounts(
    web: House, account: str, query: str
) -> None:
    client = web.clients["cho"]()
    response = client.get(f"{web.here.url('account_lines', account_code=account)}?{query}")
    assert_guarded(response, "cho")
    if account in ("2200", "2220"):
        assert (response.status_code, response.context["count"]) == (200, 0)


def test_a_grant_taken_away_between_two_clicks_shuts_the_second_one(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    url = reverse("imports", args=[film.code])
    client = Client(raise_request_exception=False, SERVER_NAME="localhost")
    with role("web"):
        sign_in(client, film.cast["amir"])
        assert client.get(url).status_code == 200
    with role("owner"):
        services.give_membership(
            actor=services.console_person(), production=film.production, user=film.cast["amir"],
            role="line_producer",
        )  # fmt: skip
    with role("web"):
        assert client.get(url).status_code == 404
        assert client.get(reverse("cost_report", args=[film.code])).status_code == 200


def test_a_person_without_a_production_is_told_whom_to_ask(web: House) -> None:
    response = web.clients["otto"]().get("/")
    assert "You have no production yet" in response.content.decode()


def test_an_address_nobody_made_is_not_found_and_shows_nothing(web: House) -> None:
    for actor in ("anonymous", "otto", "amir"):
        response = web.clients[actor]().get(f"/p/{web.here.film.code}/no-such-screen/")
        assert response.status_code == 404
        assert_guarded(response, actor)


# --- what every answer carries ---


def test_a_streamed_answer_is_refused_since_it_would_read_outside_its_transaction(
    database: None,
) -> None:
    middleware = ScopeMiddleware(lambda request: StreamingHttpResponse([b"rows"]))  # type: ignore[arg-type,return-value]
    with pytest.raises(AssertionError, match="streamed"):
        middleware(RequestFactory().get("/p/X/accounts/"))


def test_a_received_file_is_a_download_in_a_sandbox(web: House) -> None:
    response = web.clients["amir"]().get(web.here.url("source_file"))
    name = f"{web.here.ids['source_file']['sha256'][:16]}.received"
    assert response.content.startswith(b"transaction_id,")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    "sha256", ["ab" * 31, "ab" * 33, "a", "zz" * 32, "AB" * 32, "-", "ab" * 5000]
)
def test_a_digest_that_is_none_is_not_found(web: House, sha256: str) -> None:
    response = web.clients["amir"]().get(web.here.url("source_file", sha256=sha256))
    assert response.status_code == 404


# --- signing in and out ---

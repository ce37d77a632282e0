"""Signing in, garbled questions, hostile names: what a stranger or an attacker sends."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from access import services
from access.models import User
from ingestion.models import ImportBatch, RowRevision
from ledger.models import SourceDocument
from tests.access import web_house
from tests.access.house import newcomer
from tests.access.web_house import POSTED_TO, House, assert_guarded
from tests.factories import acting, cost_line, cost_lines, role
from tests.signing_in import browser, by_password, code_of, sign_in

house = web_house.house
web = web_house.web


PASSWORD = "a long enough password"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def person(house: House) -> User:
    made = newcomer(house.here.film, "New", "production_accountant", password=PASSWORD)
    with role("owner"):
        console = services.console_person()
        services.give_authenticator_app(actor=console, user=made, secret=SECRET)
    return made


def signed_in(client: Client, person: User, following: str = "") -> HttpResponse:
    """The answer to the second factor, after the right password."""
    first = by_password(client, person.email, PASSWORD, following)
    assert first.headers["Location"] == reverse("mfa_authenticate")
    return client.post(reverse("mfa_authenticate"), {"code": code_of(SECRET)})


@pytest.mark.parametrize(
    "following",
    ["//evil.example/", "https://evil.example/", "http:evil.example", "/\\evil.example",
     "javascript:alert(1)", "\t//evil.example", "https://localhost@evil.example/"],
)  # fmt: skip
def test_signing_in_never_leads_to_another_site(person: User, following: str) -> None:
    with role("web"):
        client = browser()
        response = signed_in(client, person, following)
        assert (response.status_code, response.headers["Location"]) == (302, "/")
        # Nor does the sign-in page of somebody who is signed in.
        again = client.get(reverse("login"), {"next": following})
        assert (again.status_code, again.headers["Location"]) == (302, "/")


def test_signing_in_leads_back_to_the_page_with_its_filters(house: House, person: User) -> None:
    film = house.here.film
    with role("web"):
        client = browser()
        asked = f"{reverse('cost_report', args=[film.code])}?period=2&unit=MAIN"
        sent = client.get(asked).headers["Location"]
        page = client.get(sent)
        following = page.context["redirect_field_value"]
        assert signed_in(client, person, following).headers["Location"] == asked


def test_the_session_planted_before_signing_in_is_of_no_use_afterwards(person: User) -> None:
    with role("web"):
        client = browser()
        planted = client.session
        planted["mine"] = "the attacker's"
        planted.save()
        before = planted.session_key
        assert signed_in(client, person).status_code == 302
        assert client.session.session_key != before
        attacker = browser()
        attacker.cookies["session"] = before
        assert attacker.get("/").status_code == 302
        assert attacker.get("/").headers["Location"].startswith(reverse("login"))


def test_signing_out_ends_the_session_on_the_server(person: User) -> None:
    with role("web"):
        client = browser()
        signed_in(client, person)
        key = client.session.session_key
        client.post(reverse("logout"))
        stolen = browser()
        stolen.cookies["session"] = key
        assert stolen.get("/").headers["Location"].startswith(reverse("login"))


def test_the_session_cookie_is_hidden_from_scripts_and_from_other_sites(person: User) -> None:
    with role("web"):
        client = browser()
        signed_in(client, person)
        cookie = client.cookies["session"]
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_a_wrong_password_and_an_unknown_person_get_the_same_sentence(person: User) -> None:
    with role("web"):
        client = browser()
        said = [
            by_password(client, name, "wrong")
            for name in (
                person.email,
                "nobody@example.org",
                "console@localhost",
                "\0",
                "x" * 10_000,
            )
        ]
        assert {response.status_code for response in said} == {200}
        wrong, *unknown = (list(r.context["form"].non_field_errors()) for r in said[:3])
        assert unknown == [wrong, wrong] != [[], []]


@pytest.mark.parametrize("name", POSTED_TO)
def test_a_post_without_the_pages_token_is_refused_and_changes_nothing(
    web: House, name: str
) -> None:
    client = Client(
        enforce_csrf_checks=True, raise_request_exception=False, SERVER_NAME="localhost"
    )
    sign_in(client, web.here.film.cast["amir"])
    with acting(web.here.film, "amir"):
        before = (ImportBatch.objects.count(), RowRevision.objects.count())
    given = {
        "file": SimpleUploadedFile("x.csv", b"transaction_id\n"), "source": "cost-lines",
        "unit": "MAIN", "action": "reject", "reason": "because",
    }  # fmt: skip
    response = client.post(web.here.url(name), given)
    assert response.status_code == 403
    assert_guarded(response, "amir")
    assert "Go back, reload the page and try again" in response.content.decode()
    with acting(web.here.film, "amir"):
        assert (ImportBatch.objects.count(), RowRevision.objects.count()) == before
    assert client.get("/").status_code in (200, 302)
    assert not client.get("/").headers.get("Location", "").startswith(reverse("login"))


# --- garbage ---

GARBAGE = [
    "abc", "0", "-1", "10", "1e5", str(10**30), "\u0662", "\u00b2", "';--", "' OR 1=1 --", "%00",
    "../../etc/passwd", "<script>alert(1)</script>", "\U0001f4a3", "x" * 5000, "1-1", "0-0",
    "1-" + "9" * 9, "9" * 9 + "-" + "9" * 9, "USD", "EUR", "ZZZ", "usd", "US$", "", " 2 ",
]  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_garbled_question_is_answered_and_never_breaks(web: House, garbage: str) -> None:
    from urllib.parse import quote, unquote

    client = web.clients["amir"]()
    value = quote(unquote(garbage) if garbage == "%00" else garbage)
    lines = web.here.url("account_lines")
    addresses = [
        f"{web.here.url('cost_report')}?period={value}",
        f"{web.here.url('cost_report')}?unit={value}",
        f"{lines}?period={value}",
        f"{lines}?upto={value}",
        f"{lines}?upto=2&after={value}",
        f"{lines}?upto=2&unit={value}",
        f"{lines}?upto=2&currency={value}",
        f"{web.here.url('quarantine')}?batch={value}",
        f"{web.here.url('imports')}?batch={value}",
        f"{web.here.url('import_detail')}?repeat={value}",
        f"/p/{value}/",
        f"/p/{web.here.film.code}/accounts/{value}/?upto=2",
        f"/p/{web.here.film.code}/transactions/{value}/",
        f"/p/{web.here.film.code}/imports/{value}/",
        f"/p/{web.here.film.code}/imports/{value}/status/",
        f"/p/{web.here.film.code}/quarantine/{value}/",
        f"/p/{web.here.film.code}/sources/{value}/",
        *(f"{web.here.url('orders')}?{name}={value}" for name in ("state", "after")),
        *(f"{web.here.url('invoices')}?{name}={value}"
          for name in ("status", "age", "currency", "vendor", "from")),
        *(f"{web.here.url('bible')}?{name}={value}" for name in ("account", "period", "first")),
        f"/p/{web.here.film.code}/periods/{value}/close/",
        f"{web.here.url('payment_new')}?vendor={value}",
        f"{web.here.url('journals')}?from={value}",
        *(f"/p/{web.here.film.code}/{name}/{value}/" for name in ("orders", "papers", "funds")),
        f"/login/?next={value}",
    ]  # fmt: skip
    for address in addresses:
        response = client.get(address)
        assert response.status_code in (200, 301, 302, 404), address
        assert_guarded(response, "amir")
        assert b"<script>alert" not in response.content


@pytest.mark.parametrize(
    "given",
    [
        {"source": "\0", "unit": "MAIN"}, {"source": "cost-lines", "unit": "\0"},
        {"source": "cost-lines", "unit": "NOWHERE"}, {"source": "nothing", "unit": "MAIN"},
        {"unit": "MAIN"}, {"source": "cost-lines"}, {},
    ],
)  # fmt: skip
def test_an_upload_with_garbled_choices_is_refused_in_words(
    web: House, given: dict[str, str]
) -> None:
    file = SimpleUploadedFile("costs.csv", cost_lines([cost_line(77)]))
    response = web.clients["amir"]().post(web.here.url("imports"), {**given, "file": file})
    assert response.status_code == 422
    assert response.context["form_error"] != ""
    assert_guarded(response, "amir")


@pytest.mark.parametrize(
    "given",
    [
        {"action": "resubmit", "field-vendor": "a\0b"},
        {"action": "reject", "reason": "a\0b"}, {"action": "reject", "reason": "  "},
        {"action": "delete"}, {"action": ""}, {},
    ],
)  # fmt: skip
def test_a_garbled_decision_is_refused_and_the_row_stays_held(
    web: House, given: dict[str, str]
) -> None:
    url = web.here.url("quarantined_row")
    response = web.clients["amir"]().post(url, given)
    assert response.status_code == 422
    assert_guarded(response, "amir")
    assert web.clients["amir"]().get(url).context["row"]["state"] == "held"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("..\\..\\boot.csv", "boot.csv"),
        ("<img src=x onerror=alert(1)>.csv", "&lt;img src=x onerror=alert(1)&gt;.csv"),
        ('"><script>alert(1)</script>.csv', None),
        ("invoice\u202efdp.csv", "invoicefdp.csv"),
        ("a%0d%0aSet-Cookie: x=y.csv", None),
        ("=cmd|' /C calc'!A0.csv", None),
        ("x" * 300 + ".csv", None),
        ("\U0001f4a9.csv", "\U0001f4a9.csv"),
        (".csv", ".csv"),
    ],
)
def test_a_hostile_file_name_is_shown_as_text_and_nothing_more(
    web: House, name: str, shown: str | None
) -> None:
    data = cost_lines([cost_line(f"N{abs(hash(name))}", vendor="Quay")])
    file = SimpleUploadedFile("x.csv", data)
    file._name = name  # the field itself would tidy it up, as a browser's request would not
    client = web.clients["amir"]()
    given = {"file": file, "source": "cost-lines", "unit": "MAIN"}
    response = client.post(web.here.url("imports"), given)
    assert response.status_code == 302, response.content[:300]
    assert_guarded(response, "amir")
    assert "Set-Cookie: x=y" not in repr(response.headers)
    for address in (response.headers["Location"], web.here.url("imports")):
        page = client.get(address).content.decode()
        assert "<script>alert" not in page and "<img src=x" not in page
        assert "\u202e" not in page and "/etc/passwd" not in page
        if shown is not None:
            assert shown in page
    with acting(web.here.film, "amir"):
        stored = SourceDocument.objects.order_by("-pk").values_list("name", flat=True)[0]
        assert len(stored) <= 150 and stored.isprintable()


def test_nobody_who_has_not_signed_in_can_make_us_read_a_large_body(web: House) -> None:
    large = SimpleUploadedFile("large.csv", b"x" * 2_600_000)
    url = web.here.url("imports")
    response = web.clients["anonymous"]().post(url, {"file": large})
    assert response.status_code == 413
    assert_guarded(response, "anonymous")
    assert "Sign in before you send a file" in response.content.decode()
    large.seek(0)
    given = {"file": large, "source": "cost-lines", "unit": "MAIN"}
    assert web.clients["amir"]().post(url, given).status_code == 302


def test_a_fault_of_ours_is_a_page_that_says_nothing_of_it() -> None:
    with role("bond"):  # which has no right to look a session up
        client = browser()
        client.cookies["session"] = "x" * 32
        answer = client.get(reverse("productions"))
    said = answer.content.decode()
    assert (answer.status_code, "Something failed here" in said) == (500, True)
    for inside in ("permission", "session_read", "Traceback", "psycopg", "SELECT", ".py"):
        assert inside not in said


def test_nothing_that_was_sent_is_echoed_to_who_traces_it(web: House) -> None:
    client = web.clients["amir"]()
    for url in (reverse("login"), reverse("productions"), web.here.url("imports")):
        answer = client.trace(url, headers={"x-probe": "canary of a header"})
        assert answer.headers["Content-Type"].startswith("text/html")
        assert b"canary of a header" not in answer.content

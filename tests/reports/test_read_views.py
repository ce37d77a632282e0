"""The query log on the screen and as a file: filtered, and only what the person may see of it."""

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from access.models import User
from readlog import selectors
from reports import read_screen
from tests.access.house import newcomer, read
from tests.factories import Film, acting, role
from tests.signing_in import browser, sign_in


@pytest.fixture
def asked(film: Film) -> tuple[Film, User]:
    """Two pages asked for by Bea, one with a formula for a filter, and one by an auditor."""
    auditor = newcomer(film, "audrey", "auditor")
    with role("web"):
        bea = sign_in(browser(), film.cast["bea"])
        bea.get(reverse("landing", args=[film.code]), {"=HYPERLINK(1)": "<b>"})
        bea.get(reverse("overrides", args=[film.code]))
        sign_in(browser(), auditor).get(reverse("cost_report", args=[film.code]))
    return film, auditor


def page(film: Film, client: Client, **sent: object) -> list[tuple[str, str]]:
    """(who, screen) of the entries a page shows."""
    response = client.get(reverse("query_log", args=[film.code]), sent)
    assert response.status_code == 200
    return [(row["who"], row["screen"]) for row in response.context["entries"]]


def exported(film: Film, client: Client, **sent: object) -> list[dict[str, str]]:
    response = client.get(reverse("query_log_export", args=[film.code]), sent)
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def test_accountants_see_everybodys_entries_and_a_bond_representative_their_own(
    asked: tuple[Film, User],
) -> None:
    film, auditor = asked
    every = [("audrey", "Cost report"), ("Bea", "Overrides"), ("Bea", "Landing")]
    with role("web"):
        for name in ("amir", "lena"):
            assert page(film, sign_in(browser(), film.cast[name])) == every
        admin = newcomer(film, "addie", "administrator")
        assert page(film, sign_in(browser(), admin)) == every
        for name in ("cho", "eve"):
            assert page(film, sign_in(browser(), film.cast[name])) == []
        bea = sign_in(browser(), film.cast["bea"])
        assert page(film, bea) == every[1:]
        assert page(film, bea, person=auditor.pk) == [], "a filter opens nothing"
        own = exported(film, bea)
        assert {row["Who"] for row in own} == {"Bea"}
        assert [row["Screen"] for row in own] == [
            "Query log", "Query log", "Overrides", "Landing",
        ]  # fmt: skip


def test_entries_are_filtered_by_person_and_day(asked: tuple[Film, User]) -> None:
    film, auditor = asked
    with role("web"):
        amir = sign_in(browser(), film.cast["amir"])
        assert page(film, amir, person=auditor.pk) == [("audrey", "Cost report")]
        today = datetime.now(UTC).date()
        with role("web"), acting(film, "amir"):
            (day,) = {row[0] for row in read("SELECT (at AT TIME ZONE 'UTC')::date FROM"
                                             " readlog_read")}  # fmt: skip
        assert today - day in (timedelta(0), timedelta(1))
        after, before = day + timedelta(days=1), day - timedelta(days=1)
        assert len(page(film, amir, **{"from": day, "to": day})) == 3
        assert page(film, amir, **{"from": after}) == page(film, amir, to=before) == []
        assert len(page(film, amir, to="9999-12-31")) == 3
        both = {"from": day, "person": auditor.pk}
        assert [row["Who"] for row in exported(film, amir, **both)] == ["audrey"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"person": "x"}, "person: expected a number from the list, found &#x27;x&#x27;"),
        ({"from": "31.1.2026"}, "from: expected a day such as 2026-01-31, found"),
        ({"to": "2026-02-30"}, "to: expected a day such as 2026-01-31, found"),
    ],
)
def test_a_filter_that_is_none_is_answered_with_a_sentence(
    film: Film, sent: dict[str, str], said: str
) -> None:
    with role("web"):
        amir = sign_in(browser(), film.cast["amir"])
        for name in ("query_log", "query_log_export"):
            response = amir.get(reverse(name, args=[film.code]), sent)
            assert response.status_code == 422
            assert said in response.content.decode()
        wrong = reverse("query_log_export", args=[film.code]) + "?format=pdf"
        assert amir.get(wrong).status_code == 404


def test_no_cell_of_an_export_is_a_formula_and_no_filter_is_markup(
    asked: tuple[Film, User],
) -> None:
    film, _ = asked
    where = reverse("query_log_export", args=[film.code])
    with role("web"):
        amir = sign_in(browser(), film.cast["amir"])
        assert exported(film, amir)[-1]["Filters"] == '{"=HYPERLINK(1)": ["<b>"]}'
        shown = amir.get(reverse("query_log", args=[film.code])).content.decode()
        assert "&lt;b&gt;" in shown and "<b>" not in shown
        book = amir.get(f"{where}?{urlencode({'format': 'xlsx'})}")
    assert book.headers["Content-Disposition"].startswith(f'attachment; filename="{film.code}-qu')
    with zipfile.ZipFile(io.BytesIO(book.content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        shared = "xl/sharedStrings.xml"
        texts = parts.read(shared) if shared in parts.namelist() else b""
    assert "<f>" not in sheet
    assert sheet.count("<row ") == 4
    assert "HYPERLINK" in sheet + texts.decode()


def test_a_long_log_is_shown_page_by_page(
    asked: tuple[Film, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    film, _ = asked
    monkeypatch.setattr(read_screen, "PAGE_ROWS", 2)
    with role("web"):
        amir = sign_in(browser(), film.cast["amir"])
        first = amir.get(reverse("query_log", args=[film.code]))
        assert [row["who"] for row in first.context["entries"]] == ["audrey", "Bea"]
        rest = amir.get(first.context["next_url"])
        assert [row["screen"] for row in rest.context["entries"]] == ["Landing"]
        assert "next_url" not in rest.context
        monkeypatch.setattr(read_screen, "MOST_EXPORTED", 2)
        refused = amir.get(reverse("query_log_export", args=[film.code]))
        assert refused.status_code == 422
        assert "more than 2 entries" in refused.content.decode()
    assert selectors.PAGE_ROWS == 100


def test_the_screen_is_in_the_list_of_those_who_may_see_entries(film: Film) -> None:
    admin, auditor = newcomer(film, "addie", "administrator"), newcomer(film, "aud", "auditor")
    people = {name: film.cast[name] for name in ("amir", "lena", "cho", "bea", "eve")}
    with role("web"):
        shown = {
            name
            for name, person in {**people, "admin": admin, "auditor": auditor}.items()
            if any(
                item["label"] == "Query log"
                for item in sign_in(browser(), person)
                .get(reverse("query_log", args=[film.code]))
                .context["nav"]
            )
        }
    assert shown == {"amir", "lena", "bea", "admin", "auditor"}

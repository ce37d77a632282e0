"""Why a person sees a document: what is said, held against what raw SQL returns for them."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from access import services
from access.context import acting
from access.models import User
from ledger.models import Payee, Transaction
from reports.explaining import Explanation, explain
from tests.access.house import asking, newcomer, read, yesterday
from tests.factories import Cast, Film, cost_line, cost_lines, import_data, make_film, role
from tests.ingestion.test_payroll import ANN, BO, imported, paid
from tests.signing_in import sign_in


@dataclass
class Told:
    """A film with costs and pay of two departments, everybody on it, and who asks."""

    film: Film
    people: dict[str, User]
    documents: list[tuple[int, int]]
    foreign: tuple[int, int]


@pytest.fixture(scope="module")
def told(cast: Cast) -> Told:
    with role("owner"):
        film, other = make_film(cast), make_film(cast)
    rows = [cost_line(1), cost_line(2, account="2220", center="ART")]
    import_data(film, cost_lines(rows))
    imported(film, paid(ANN, BO))
    import_data(other, cost_lines(rows))
    people = {**cast, "adam": newcomer(film, "adam", "administrator")}
    people["payroll"] = newcomer(film, "pay", "payroll")
    people["both"] = newcomer(film, "both", "department_head", ("CAM", "ART"))
    people["none"] = newcomer(film, "none", "department_head")
    people["former"] = newcomer(film, "former", "department_head", ("CAM",))
    people["gone"] = newcomer(film, "gone", "production_accountant")
    with role("owner"):
        services.give_membership(
            actor=services.console_person(), production=film.production, user=people["former"],
            role="department_head", starts_on=yesterday() - timedelta(days=9), ends_on=yesterday(),
        )  # fmt: skip
        User.objects.filter(pk=people["gone"].pk).update(is_active=False)
        people["gone"].refresh_from_db()
        here, there = (
            list(
                Transaction.objects.filter(production=made.production).values_list(
                    "batch_id", "number"
                )
            )
            for made in (film, other)
        )
    assert len(here) == 4
    return Told(film, people, here, there[0])


def said(told: Told, person: str, key: tuple[int, int], asker: str = "adam") -> Explanation | None:
    with asking("web", told.people[asker], told.film):
        found = explain(
            asker=told.people[asker], production=told.film.production,
            person=told.people[person], key=key,
        )  # fmt: skip
        assert read("SELECT sec.user_id()") == [(told.people[asker].pk,)], "who asks, asks on"
        return found


PEOPLE = (
    "amir", "lena", "cho", "ada", "bea", "eve", "otto", "adam", "payroll", "both", "none", "former",
    "gone",
)  # fmt: skip


@pytest.mark.parametrize("person", PEOPLE)
def test_the_verdict_is_what_raw_sql_returns_in_the_persons_name(told: Told, person: str) -> None:
    with asking("web", told.people[person], told.film):
        seen = set(read("SELECT batch_id, number FROM ledger_transaction"))
        named = set(
            read(
                "SELECT t.batch_id, t.number FROM ledger_transaction t JOIN ledger_payee y"
                " ON y.token = t.vendor"
            )
        )
    for key in told.documents:
        found = said(told, person, key)
        assert found is not None
        assert (found.sees, bool(found.sees_name)) == (key in seen, key in named)
        assert found.agrees, found
        assert found.sees or not all(step.holds for step in found.steps)


def test_each_reason_is_named(told: Told) -> None:
    with role("owner"):
        codes = dict(read("SELECT id, code FROM taxonomy_costcenter"))
        keys = {
            codes[t.cost_center_id]: (t.batch_id, t.number)
            for t in Transaction.objects.filter(production=told.film.production)
        }
        ((grant,),) = read(
            "SELECT g.id FROM taxonomy_costcenteruserobjectpermission g JOIN taxonomy_costcenter c"
            " ON c.id = g.content_object_id WHERE g.user_id = %s AND c.production_id = %s",
            told.people["cho"].pk,
            told.film.production.pk,
        )

    def last(person: str, center: str) -> str:
        found = said(told, person, keys[center])
        assert found is not None
        return next((s.said for s in found.steps if not s.holds), found.steps[-1].said)

    assert last("cho", "CAM") == f"The cost is of CAM Camera, which was given: grant {grant}"
    assert last("cho", "ART") == "The cost is of ART Art, which was not given"
    assert last("amir", "ART").startswith("Sees every cost centre, ART Art too: grant ")
    assert last("bea", "ART") == "No grant to see costs"
    assert last("otto", "ART") == "No membership of this production"
    assert last("gone", "ART") == "The person was deactivated"
    assert last("former", "CAM").startswith("The membership does not run today: Department head")
    assert last("none", "CAM") == "The cost is of CAM Camera, which was not given"


def test_a_policy_that_was_changed_past_the_grants_shows(told: Told) -> None:
    from tests.ledger.tampering import tampering

    cho, production = told.people["cho"], told.film.production
    with tampering():
        read(
            "CREATE OR REPLACE FUNCTION sec.cost_center_ids() RETURNS SETOF bigint LANGUAGE sql"
            " STABLE SECURITY DEFINER AS $$ SELECT id FROM public.taxonomy_costcenter $$"
        )
        read("SET LOCAL ROLE prodacct_web")
        with acting(user_id=told.people["adam"].pk, production_id=production.pk):
            every = [
                explain(asker=told.people["adam"], production=production, person=cho, key=key)
                for key in told.documents
            ]
        read("RESET ROLE")
    assert [found.agrees for found in every if found] == [
        said(told, "cho", key).sees
        for key in told.documents  # type: ignore[union-attr]
    ]


@pytest.mark.parametrize("asker", [p for p in PEOPLE if p != "adam"])
def test_nobody_else_learns_where_a_document_belongs(told: Told, asker: str) -> None:
    for key in told.documents:
        assert said(told, "amir", key, asker) is None


def test_what_is_not_of_the_production_is_not_there(told: Told) -> None:
    assert said(told, "amir", told.foreign) is None
    assert said(told, "amir", (987_654_321, 1)) is None


def test_the_page_answers_the_administrator_and_nobody_else(told: Told) -> None:
    url = reverse("explain", args=[told.film.code])
    with role("owner"):
        pay = next(
            (t.batch_id, t.number)
            for t in Transaction.objects.filter(production=told.film.production)
            if Payee.objects.filter(token=t.vendor, name="Ann Lee").exists()
        )
    with role("web"):
        client = Client(raise_request_exception=False)
        sign_in(client, told.people["adam"])
        chosen = client.get(url, {"person": told.people["cho"].pk})
        assert chosen.status_code == 200
        assert f'value="{told.people["cho"].pk}" selected' in chosen.content.decode()
        asked = {"person": told.people["cho"].pk, "document": "{}-{}".format(*pay)}
        page = client.get(url, asked).content.decode()
        assert f"Cho sees document {asked['document']}" in page
        assert "the name in it and the row as received are withheld" in page
        assert "Ann Lee" not in page
        for wrong, words in (
            ({"person": 0, "document": "1-1"}, "choose one of the list"),
            ({"document": "wk7"}, "Person: choose"),
            ({"person": told.people["cho"].pk, "document": "wk7"}, "found &#x27;wk7&#x27;"),
            ({"person": told.people["cho"].pk, "document": "1-0"}, "there is no document 1-0"),
        ):
            answer = client.get(url, wrong)
            assert answer.status_code == 422
            assert words in answer.content.decode()
        other = Client(raise_request_exception=False)
        sign_in(other, told.people["amir"])
        assert other.get(url).status_code == 404

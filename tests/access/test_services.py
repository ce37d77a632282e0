"""People, productions and memberships: what a membership grants, and what it takes away."""

from datetime import date, timedelta

import pytest
from django.db import transaction
from django.db.utils import DatabaseError, IntegrityError
from django.utils import timezone

from access import roles, selectors, services
from access.errors import Invalid
from access.models import Membership, User
from tests.access.house import asking, newcomer, read
from tests.factories import Cast, Film, make_film, role


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    """One film for the whole file: every test is about a person of its own."""
    with role("owner"):
        return make_film(cast)


def grants(user: User, film: Film) -> set[str]:
    """The actions guardian holds for the person on the film, as the owner sees them."""
    with role("owner"):
        return {
            codename
            for (codename,) in read(
                "SELECT p.codename FROM access_productionuserobjectpermission g"
                " JOIN auth_permission p ON p.id = g.permission_id"
                " WHERE g.user_id = %s AND g.content_object_id = %s",
                user.pk,
                film.production.pk,
            )
        }


def give(film: Film, user: User, held_role: str, **dates: date) -> Membership:
    with role("owner"):
        return services.give_membership(
            actor=services.console_person(),
            production=film.production,
            user=user,
            role=held_role,
            **dates,
        )


@pytest.mark.parametrize("held_role", sorted(roles.ROLES))
def test_a_membership_grants_exactly_what_the_role_may_do(film: Film, held_role: str) -> None:
    person = newcomer(film, "pat", held_role)
    assert grants(person, film) == roles.actions_of(held_role)


def test_every_change_of_role_takes_away_what_the_new_one_may_not(
    film: Film, other_film: Film
) -> None:
    person = newcomer(film, "pat", "production_accountant")
    give(other_film, person, "production_accountant")
    for held_role in ("line_producer", "administrator", "department_head", "payroll"):
        give(film, person, held_role)
        assert grants(person, film) == roles.actions_of(held_role)
    assert grants(person, other_film) == roles.actions_of("production_accountant")


def test_changing_a_role_leaves_everybody_else_as_they_were(film: Film) -> None:
    person = newcomer(film, "pat", "production_accountant")
    give(film, person, "studio_executive")
    assert grants(film.cast["amir"], film) == roles.actions_of("production_accountant")


def test_a_person_has_one_membership_on_a_film_and_it_is_the_last_one_given(film: Film) -> None:
    person = newcomer(film, "pat", "payroll")
    give(film, person, "line_producer", starts_on=date(2026, 1, 1), ends_on=date(2026, 2, 1))
    with role("owner"):
        assert read(
            "SELECT role, starts_on, ends_on FROM access_membership WHERE user_id = %s", person.pk
        ) == [("line_producer", date(2026, 1, 1), date(2026, 2, 1))]


def test_many_get_their_places_at_once_whatever_each_held_before(
    film: Film, other_film: Film
) -> None:
    moved, new = newcomer(film, "pat", "payroll"), newcomer(other_film, "pat", "payroll")
    with role("owner"):
        made = services.give_memberships(
            actor=services.console_person(), production=film.production,
            held={moved: "line_producer", new: "studio_executive"},
        )  # fmt: skip
        kept = Membership.objects.filter(production=film.production, user__in=(moved, new))
        assert {(m.pk, m.role) for m in made} == {(m.pk, m.role) for m in kept}
    assert grants(moved, film) == roles.actions_of("line_producer")
    assert grants(new, film) == roles.actions_of("studio_executive")
    assert grants(new, other_film) == roles.actions_of("payroll")
    with pytest.raises(Invalid, match="role: expected one of"), role("owner"):
        services.give_memberships(
            actor=services.console_person(), production=film.production,
            held={moved: "payroll", new: "producer"},
        )  # fmt: skip
    assert grants(moved, film) == roles.actions_of("line_producer")


def test_a_department_head_who_becomes_a_guarantor_sees_no_costs_any_more(film: Film) -> None:
    person = newcomer(film, "pat", "department_head", ("CAM",))
    with asking("web", person, film):
        assert read("SELECT code FROM taxonomy_costcenter") == [("CAM",)]
    give(film, person, "bond_representative")
    with asking("web", person, film):
        assert read("SELECT code FROM taxonomy_costcenter") == []


def test_a_role_that_does_not_exist_is_refused_and_the_roles_are_named(film: Film) -> None:
    with pytest.raises(Invalid, match=r"expected one of production_accountant, .*'producer'"):
        give(film, film.cast["otto"], "producer")
    assert grants(film.cast["otto"], film) == set()


def test_a_membership_that_ends_before_it_starts_is_refused_and_grants_nothing(
    film: Film,
) -> None:
    with pytest.raises(IntegrityError, match="membership_dates_in_order"):
        give(film, film.cast["otto"], "payroll", starts_on=date(2026, 2, 1),
             ends_on=date(2026, 1, 31))  # fmt: skip
    assert grants(film.cast["otto"], film) == set()


def test_actions_end_with_the_membership_and_with_the_person(film: Film) -> None:
    today = timezone.now().date()
    person = newcomer(film, "pat", "payroll")
    with role("owner"):
        assert selectors.actions_on(person, film.production) == roles.actions_of("payroll")
        assert selectors.membership_on(person, film.code.lower()) is not None
    for dates in (
        {"starts_on": today - timedelta(days=9), "ends_on": today - timedelta(days=1)},
        {"starts_on": today + timedelta(days=1)},
    ):
        give(film, person, "payroll", **dates)
        with role("owner"):
            assert selectors.actions_on(person, film.production) == frozenset()
            assert selectors.membership_on(person, film.code) is None
    give(film, person, "payroll", starts_on=today, ends_on=today)
    with role("owner"):
        assert selectors.actions_on(person, film.production) == roles.actions_of("payroll")
        person.is_active = False
        person.save(update_fields=["is_active"])
        assert selectors.actions_on(person, film.production) == frozenset()
        assert list(selectors.memberships_of(person)) == []


def test_a_code_is_taken_in_whatever_case_it_is_written(film: Film) -> None:
    with role("owner"), pytest.raises(Invalid, match="exists already; choose another code"):
        services.create_production(
            actor=services.console_person(),
            code=film.code.lower(),
            title="Another",
            currency="EUR",
            account_format="NNNN",
        )


def test_a_person_is_found_by_their_address_in_whatever_case(film: Film) -> None:
    with role("owner"):
        console = services.console_person()
        address = f"Pat.{film.code}@Example.ORG"
        made = services.add_person(
            actor=console, email=address, name="Pat", password="a long enough word"
        )
        assert made.email == address.lower()
        assert made.check_password("a long enough word")
        again = services.add_person(actor=console, email=address.upper(), name="P.", password=None)
        assert again.pk == made.pk
        again.refresh_from_db()
        assert again.name == "P."
        assert again.check_password("a long enough word"), "no password given, none changed"


def test_an_address_without_a_host_is_refused(film: Film) -> None:
    with role("owner"), pytest.raises(Invalid, match="expected name@host, found 'pat'"):
        services.add_person(actor=services.console_person(), email="pat", name="Pat", password=None)


def test_there_is_one_console_and_nobody_signs_in_as_it(film: Film) -> None:
    with role("owner"):
        console = services.console_person()
        assert services.console_person().pk == console.pk
        assert not console.has_usable_password()
        for password in ("", None, "!"):
            assert not console.check_password(password)


def test_the_web_role_cannot_give_anybody_a_place(film: Film) -> None:
    otto = film.cast["otto"]
    with asking("web", film.cast["amir"], film):
        for attempt in (
            lambda: services.give_membership(
                actor=otto, production=film.production, user=otto, role="payroll"
            ),
            lambda: services.add_person(actor=otto, email="x@example.org", name="X", password=None),
            lambda: services.create_production(
                actor=otto, code="X", title="X", currency="USD", account_format="N"
            ),
        ):
            with pytest.raises(DatabaseError, match=r"denied|row-level"), transaction.atomic():
                attempt()


# --- grants that were given by an earlier table of roles ----------------------------------------


def test_memberships_of_an_earlier_version_are_put_right_by_the_table_of_roles(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grant is copied when a membership is given; the table may say otherwise later on."""
    person, former = newcomer(film, "pat", "payroll"), newcomer(film, "pia", "payroll")
    with role("owner"):
        services.install_roles()
        assert services.install_roles() == 0, "what is right is left alone"
    label, may = roles.ROLES["payroll"]
    later = frozenset({"close_periods"}) | may - {"import_files"}
    monkeypatch.setitem(roles.ROLES, "payroll", (label, later))
    give(film, former, "payroll", starts_on=date(2026, 1, 1), ends_on=date(2026, 1, 2))
    with role("owner"), transaction.atomic():
        stray = film.cast["otto"]
        read(
            "INSERT INTO access_productionuserobjectpermission"
            " (content_object_id, user_id, permission_id) SELECT %s, %s, id FROM auth_permission"
            " WHERE codename = 'post_entries'",
            film.production.pk, stray.pk,
        )  # fmt: skip
        assert services.install_roles() >= 3
    assert grants(person, film) == later
    assert (grants(former, film), grants(stray, film)) == (later, set())
    assert grants(film.cast["amir"], film) == roles.actions_of("production_accountant")
    monkeypatch.undo()
    with role("owner"):
        services.install_roles()
    assert grants(person, film) == may


@pytest.mark.parametrize("name", ["web", "worker", "bond"])
def test_only_the_owner_says_what_a_role_may_do(film: Film, name: str) -> None:
    with role(name), pytest.raises(DatabaseError, match=r"denied|read-only"):
        services.install_roles()

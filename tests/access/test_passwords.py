"""Hashes of passwords: their owner's row, and nobody else's to read, through whatever statement."""

import itertools

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, identify_hasher
from django.db import DatabaseError, ProgrammingError, transaction
from django.test import Client

from access import context, passwords, services
from access.models import User
from tests.access.house import asking, own_connection, read
from tests.factories import Film, role
from tests.signing_in import browser, by_password, sign_in

PASSWORD = "a long enough password"
_number = itertools.count(1)


@pytest.fixture
def person(film: Film) -> User:
    with role("owner"):
        return services.add_person(
            actor=services.console_person(), name="Pip", password=PASSWORD,
            email=f"pip{next(_number)}-{film.code}@example.org".lower(),
        )  # fmt: skip


def is_in(client: Client) -> bool:
    return client.get("/me/keys/").status_code == 200


def test_raw_sql_of_the_web_role_reads_no_password_but_the_askers_own(
    film: Film, person: User
) -> None:
    with own_connection("web") as web:
        assert web.execute("SELECT * FROM access_password").fetchall() == []
        assert web.execute("UPDATE access_password SET hash = '' RETURNING 1").fetchall() == []
    with role("owner"):
        assert "password" not in {
            column for (column,) in read(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = 'access_user'"
            )
        }  # fmt: skip
    with asking("web", film.cast["amir"], film):
        assert read("SELECT user_id FROM access_password") == [(film.cast["amir"].pk,)]
        for statement in (
            "INSERT INTO access_password (user_id, hash) VALUES (%s, 'x')",
            "DELETE FROM access_password WHERE user_id = %s",
            "UPDATE access_password SET user_id = %s",
            "SELECT sec.person_made('x@example.org', 'x', %s::text)",
            "UPDATE access_user SET password_set_at = now() WHERE id = %s",
        ):
            with pytest.raises(ProgrammingError), transaction.atomic():
                read(statement, person.pk)
        theirs = "UPDATE access_password SET hash = 'x' WHERE user_id = %s RETURNING 1"
        assert read(theirs, person.pk) == []
    for name in ("worker", "bond"):
        with asking(name, person, film), pytest.raises(DatabaseError):
            read("SELECT hash FROM access_password")


def test_a_password_is_checked_before_anybody_is_signed_in_and_the_asker_stays_who_they_were(
    film: Film, person: User
) -> None:
    with role("web"):
        found = User.objects.get(pk=person.pk)
        assert found.check_password(PASSWORD)
        assert not found.check_password("another long password")
        assert found.password.startswith("argon2")
    with asking("web", film.cast["amir"], film):
        assert User.objects.get(pk=person.pk).check_password(PASSWORD)
        assert read("SELECT sec.user_id(), sec.production_id()") == [
            (film.cast["amir"].pk, film.production.pk)
        ]
        with pytest.raises(ZeroDivisionError), context.as_person(person.pk):
            raise ZeroDivisionError
        assert read("SELECT sec.user_id()") == [(film.cast["amir"].pk,)]
    with role("web"), transaction.atomic():
        passwords.kept_hash(person.pk)
        assert read("SELECT sec.user_id()") == [(None,)]


def test_setting_a_password_ends_the_sessions_of_before(person: User) -> None:
    with role("web"):
        before = sign_in(browser(), person)
        assert is_in(before)
        person.set_password("quite another password")
        person.save(update_fields=["password"])
        assert not is_in(before)
        assert by_password(browser(), person.email, PASSWORD).status_code == 200
        assert by_password(browser(), person.email, "quite another password").status_code == 302
        assert is_in(sign_in(browser(), User.objects.get(pk=person.pk)))


def test_a_hash_of_an_older_kind_is_replaced_as_its_owner_signs_in(person: User) -> None:
    old = PBKDF2PasswordHasher()
    with role("owner"):
        passwords.keep_hash(person.pk, old.encode(PASSWORD, old.salt()))
    with role("web"):
        assert by_password(browser(), person.email, PASSWORD).status_code == 302
    with role("owner"):
        assert identify_hasher(passwords.kept_hash(person.pk)).algorithm == "argon2"


def test_a_person_without_a_password_row_signs_in_by_none(person: User) -> None:
    with role("owner"), transaction.atomic():
        read("DELETE FROM access_password WHERE user_id = %s", person.pk)
    with role("web"):
        for said in (PASSWORD, "", "None"):
            assert by_password(browser(), person.email, said).status_code == 200

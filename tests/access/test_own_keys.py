"""What raw SQL in the web role can do with second factors and attempts: one's own, no more."""

import psycopg
import pytest
from django.db import transaction
from django.db.utils import ProgrammingError

from tests.access.house import SECRET, House, asking, own_connection, read, readable
from tests.factories import role


def test_the_keys_of_others_are_neither_seen_nor_changed_nor_given(house: House) -> None:
    cho, amir = house.film.cast["cho"], house.film.cast["amir"]
    with asking("web", cho, house.film):
        assert read("SELECT DISTINCT user_id FROM mfa_authenticator") == [(cho.pk,)]
        assert read("UPDATE mfa_authenticator SET data = '{}' RETURNING user_id") == [(cho.pk,)]
        for statement in (
            "INSERT INTO mfa_authenticator (user_id, type, data, created_at)"
            " VALUES (%s, 'webauthn', '{}', now())",
            "UPDATE mfa_authenticator SET user_id = %s",
        ):
            with pytest.raises(ProgrammingError, match="row-level"), transaction.atomic():
                read(statement, amir.pk)
        transaction.set_rollback(True)
    with role("web"), transaction.atomic():
        assert read("SELECT * FROM mfa_authenticator") == [], "nobody's, before signing in"


def test_the_secret_of_an_authenticator_app_is_not_in_the_database(house: House) -> None:
    with role("owner"):
        assert SECRET not in readable(read("SELECT data::text FROM mfa_authenticator"))


def test_what_is_remembered_of_attempts_can_only_be_asked_for_by_its_key(house: House) -> None:
    with own_connection("web") as web:
        for statement in ("SELECT * FROM sec.attempt", "DELETE FROM sec.attempt",
                          "INSERT INTO sec.attempt VALUES ('', '', now())"):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(statement)

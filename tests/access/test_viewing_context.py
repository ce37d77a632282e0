"""A context with a viewer, in raw SQL: the rows of the person viewed as, their own things not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import InternalError, transaction
from django.db.utils import ProgrammingError
from psycopg.errors import InsufficientPrivilege, ReadOnlySqlTransaction

from access import context, roles
from tests.access.house import House, asking, read, rows_of
from tests.access.seen_by import SEEN_BY
from tests.factories import role

# What is a person's own and nobody else's; places and grants say what they may see.
CLOSED = {
    "access_addresschange", "access_password", "access_session", "access_doorentry",
    "mfa_authenticator", "access_historicalmembership", "ingestion_upload", "ingestion_uploadpiece",
    "overrides_sealedkey",
}  # fmt: skip


@contextmanager
def viewing(house: House, viewer: str = "amir", person: str = "cho") -> Iterator[None]:
    """A transaction in which `viewer` looks as `person`."""
    with role("web"), transaction.atomic():
        context.enter(
            user_id=house.film.cast[person].pk, production_id=house.film.production.pk,
            viewer_id=house.film.cast[viewer].pk,
        )  # fmt: skip
        yield


def seen() -> dict[str, int]:
    return {table: len(rows_of(table)) for table in sorted(SEEN_BY)}


def test_the_rows_are_those_of_the_person_and_what_is_their_own_stays_closed(house: House) -> None:
    with asking("web", house.film.cast["cho"], house.film):
        theirs = seen()
    with viewing(house):
        assert read("SELECT sec.user_id(), sec.viewer_id(), sec.own_id()") == [
            (house.film.cast["cho"].pk, house.film.cast["amir"].pk, None)
        ]
        shown = seen()
    assert theirs["access_password"] and theirs["mfa_authenticator"] and theirs["access_session"]
    assert theirs["access_doorentry"] and theirs["access_historicalmembership"]
    assert shown == {t: 0 if t in CLOSED else n for t, n in theirs.items()}


def test_uploads_and_sealed_keys_are_not_shown_to_who_looks_as_their_owner(house: House) -> None:
    with asking("web", house.film.cast["amir"], house.film):
        theirs = seen()
    with viewing(house, "lena", "amir"):
        shown = seen()
    for table in ("ingestion_upload", "ingestion_uploadpiece", "overrides_sealedkey"):
        assert (theirs[table] > 0, shown[table]) == (True, 0)
    assert shown["ingestion_importbatch"], "the production's own is"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_user SET last_login = now()",
        "DELETE FROM access_session",
        "UPDATE access_password SET hash = ''",
        "INSERT INTO mfa_authenticator (user_id, type, data, created_at)"
        " VALUES (sec.user_id(), 'totp', '{}', now())",
        "SELECT sec.door_noted('came_in', 'cho@example.org', NULL, '')",
        "SELECT sec.session_kept(sha256(''), '', sec.user_id(), NULL, '', 900, true)",
        "SELECT sec.letter_put('a letter')",
        "SELECT sec.viewing_begun(sec.user_id(), 'nested', sha256(''), NULL, '')",
        "SELECT sec.read_noted('', 'GET', '', '', '', 0, 200::smallint, sha256(''), 0, false, 1)",
    ],
)
def test_nothing_is_written_by_who_looks_as_another(house: House, statement: str) -> None:
    with (
        viewing(house, "amir", "lena"),
        pytest.raises((InternalError, ProgrammingError)) as refused,
        transaction.atomic(),
    ):
        read(statement)
    why = refused.value.__cause__
    assert isinstance(why, ReadOnlySqlTransaction | InsufficientPrivilege), statement


def test_every_insertion_the_web_role_may_make_is_refused_to_who_looks(house: House) -> None:
    with role("owner"):
        may = [
            table for (table,) in read(
                "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r'"
                " AND c.relnamespace = 'public'::regnamespace"
                " AND has_table_privilege('prodacct_web', c.oid, 'INSERT') ORDER BY 1"
            )
        ]  # fmt: skip
    assert len(may) > 10
    with viewing(house, "lena", "amir"):
        for table in may:
            with pytest.raises(InternalError, match="read-only"), transaction.atomic():
                read(f"INSERT INTO {table} DEFAULT VALUES")


def test_the_transaction_stays_read_only_however_it_is_asked_to_write(house: House) -> None:
    with viewing(house), transaction.atomic():
        for statement in (
            "SET TRANSACTION READ WRITE",
            "SET LOCAL transaction_read_only = off",
            "SELECT set_config('transaction_read_only', 'off', true)",
        ):
            with pytest.raises(InternalError, match="read-write"), transaction.atomic():
                read(statement)


def test_the_transaction_around_may_write_again_as_whoever_asked(house: House) -> None:
    """What is recorded around a request is written in the transaction that holds it."""
    amir, made = house.film.cast["amir"], house.film.production.pk
    with asking("web", amir, house.film):
        with transaction.atomic():
            context.enter(user_id=house.film.cast["cho"].pk, production_id=made, viewer_id=amir.pk)
            assert read("SHOW transaction_read_only") == [("on",)]
        assert read("SHOW transaction_read_only") == [("off",)]
        assert read("SELECT sec.user_id()") == [(None,)], "a view ends with its part"
        context.enter(user_id=amir.pk, production_id=made)
        assert read("SELECT sec.door_noted('came_in', %s, NULL, '') IS NOT NULL", amir.email)
        transaction.set_rollback(True)


def test_a_context_with_a_viewer_is_nobodys_where_it_could_write(house: House) -> None:
    cast, made = house.film.cast, house.film.production.pk
    with role("web"), transaction.atomic():
        ((pid,),) = read("SELECT pg_backend_pid()")
        right = context.signed_context(
            user_id=cast["cho"].pk, production_id=made, backend_pid=pid,
            expires=int(time.time()) + 300, viewer_id=cast["amir"].pk,
        )  # fmt: skip
        user, production, expires, backend, viewer, mac = right.split(".")
        body = (user, production, expires, backend)
        forged = [
            ".".join((*body, mac)),
            ".".join((*body, "1", mac)),
            ".".join((*body, "", mac)),
            ".".join((*body, viewer, "7", mac)),
            ".".join((str(cast["amir"].pk), *body[1:], viewer, mac)),
        ]
        read("SELECT set_config('prodacct.context', %s, true)", right)
        assert read("SELECT sec.context()") == [(None,)]
        read("SET TRANSACTION READ ONLY")
        assert read("SELECT sec.user_id()") == [(cast["cho"].pk,)]
        for said in forged:
            read("SELECT set_config('prodacct.context', %s, true)", said)
            assert read("SELECT sec.context()") == [(None,)], said


def test_the_database_knows_whose_reading_is_recorded(house: House) -> None:
    with role("owner"):
        ((body,),) = read("SELECT prosrc FROM pg_proc WHERE proname = 'viewable_by'")
    for held in roles.ROLES:
        assert (f"'{held}'" in body) is (held in roles.READ_LOGGED), held

"""The signed context: made in Python, read in SQL, gone with its transaction."""

import secrets

import pytest
from django.db import transaction
from django.test import override_settings

from access import context
from tests.access.house import read
from tests.factories import Cast, Film, acting, make_film, role

WHO = "SELECT sec.user_id(), sec.production_id()"


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    """One film for the whole file: nothing here changes it."""
    with role("owner"):
        return make_film(cast)


def test_the_database_reads_who_asks_and_about_what(film: Film) -> None:
    amir = film.cast["amir"]
    for name in ("owner", "web", "worker", "bond"):
        with role(name):
            assert read(WHO) == [(None, None)]
            with acting(film, "amir"):
                assert read(WHO) == [(amir.pk, film.production.pk)]


def test_the_context_ends_with_its_transaction_committed_or_not(film: Film) -> None:
    with role("web"):
        with acting(film, "amir"):
            pass
        assert read(WHO) == [(None, None)]
        with pytest.raises(RuntimeError), acting(film, "amir"):
            raise RuntimeError
        assert read(WHO) == [(None, None)]


def test_a_savepoint_that_is_rolled_back_gives_back_the_context_before(film: Film) -> None:
    amir, cho = film.cast["amir"].pk, film.cast["cho"].pk
    with role("web"), acting(film, "amir"):
        with pytest.raises(RuntimeError), acting(film, "cho"):
            assert read("SELECT sec.user_id()") == [(cho,)]
            raise RuntimeError
        assert read("SELECT sec.user_id()") == [(amir,)]


def test_outside_a_transaction_nobody_is_entered(film: Film) -> None:
    with role("web"), pytest.raises(AssertionError, match="belongs to a transaction"):
        context.enter(user_id=1, production_id=1)


def test_no_production_is_no_production_and_nobody_is_user_zero(film: Film) -> None:
    with role("web"), transaction.atomic():
        context.enter(user_id=context.NOBODY, production_id=context.NO_PRODUCTION)
        assert read(WHO) == [(0, None)]


def test_a_context_expires_by_the_clock_inside_its_transaction(film: Film) -> None:
    with role("web"), transaction.atomic():
        context.enter(
            user_id=film.cast["amir"].pk, production_id=film.production.pk, lifetime_seconds=3
        )
        assert read("SELECT count(*) > 0 FROM taxonomy_unit") == [(True,)]
        read("SELECT pg_sleep(3.1)")
        assert read(WHO) == [(None, None)]
        assert read("SELECT count(*) FROM taxonomy_unit") == [(0,)]


def test_it_says_user_production_expiry_and_session_before_its_seal() -> None:
    made = context.signed_context(user_id=7, production_id=3, backend_pid=99, expires=1_800_000_000)
    body, _, mac = made.rpartition(".")
    assert body == "7.3.1800000000.99"
    assert len(mac) == 64


@pytest.mark.parametrize("secret", ["film", "x" * 500, "\u00e9\u4e2d"])
def test_the_database_checks_the_seal_that_python_makes_whatever_the_secret(
    film: Film, secret: str
) -> None:
    with role("owner"), transaction.atomic():
        with override_settings(SECRET_KEY=secret):
            context.install_key()
            for _ in range(20):
                user, production = secrets.randbelow(2**62), secrets.randbelow(2**62)
                context.enter(user_id=user, production_id=production)
                assert read(WHO) == [(user, production)]
        context.enter(user_id=1, production_id=1)
        assert read(WHO) == [(None, None)], "the seal of another secret"
        transaction.set_rollback(True)


def test_without_a_key_nobody_asks(film: Film) -> None:
    with role("owner"), transaction.atomic():
        context.enter(user_id=1, production_id=1)
        assert read(WHO) == [(1, 1)]
        read("DELETE FROM sec.context_key")
        assert read(WHO) == [(None, None)]
        transaction.set_rollback(True)


def test_installing_the_key_again_keeps_one(film: Film) -> None:
    with role("owner"):
        context.install_key()
        assert read("SELECT count(*) FROM sec.context_key") == [(1,)]
        with acting(film, "amir"):
            assert read("SELECT sec.user_id()") == [(film.cast["amir"].pk,)]


def test_the_context_lives_minutes_not_hours() -> None:
    assert 60 <= context.LIFETIME_SECONDS <= 900

"""The cast, the film they work on, and the database roles they meet it through.

Tests commit for real, since the seal, row security and work claims live at commit. Nothing is
rolled back or truncated (the ledger would refuse): each test has a production of its own.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psycopg
import pytest
from django.conf import settings as installed
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from pgmq.install import get_embedded_install_sql

from access import context
from access.services import install_roles
from prodacct import server
from tests.databases import make_test_database
from tests.factories import Cast, Film, make_cast, make_film, role
from tests.ingestion.brokers import EMBEDDED, OwnQueue, queue_of_a_name
from tests.signing_in import sign_in

# One commit has one verdict: the same examples each time, however slow the machine. Examples nobody
# has tried yet: HYPOTHESIS_PROFILE=default make test.
hypothesis.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session")
def database(
    django_test_environment: None, django_db_blocker, worker_suffix: str
) -> Iterator[None]:  # type: ignore[no-untyped-def]
    """The migrated test database of this process, open for the whole session, its key set."""
    # Tests ask faster than anybody; those of the pace itself set limits of their own.
    installed.READING_REQUESTS_A_MINUTE = installed.READING_ROWS = 1_000_000_000
    with django_db_blocker.unblock():
        make_test_database(f"test_prodacct_{worker_suffix}")
        context.install_key()
        install_roles()
        yield
        connection.close()


@pytest.fixture(scope="session")
def worker_suffix() -> str:
    """Each process of a parallel run has a database of its own."""
    return os.environ.get("PYTEST_XDIST_WORKER", "single")


@pytest.fixture(scope="module")
def broker(database: None) -> Iterator[str]:
    """A broker's database of a module's own, so that no other test finds a queue in its own."""
    name = f"test_broker_{os.getpid()}"
    with psycopg.connect(server.connection_string("admin", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER prodacct_broker")
        where = server.connection_string("broker", name)
        with psycopg.connect(where) as made:
            made.execute(get_embedded_install_sql())
        yield where
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def own_queue(request: pytest.FixtureRequest, database: None) -> Iterator[OwnQueue]:
    """A queue of a module's own on the broker that BROKER_URL names."""
    if EMBEDDED:
        yield OwnQueue({"TEST_BROKER": request.getfixturevalue("broker")})
        return
    with queue_of_a_name() as queue:
        yield queue


@pytest.fixture(scope="session")
def cast(database: None) -> Cast:
    """Lena, Amir, Cho, Ada, Bea, Eve and the stranger Otto."""
    with role("owner"):
        return make_cast()


@pytest.fixture
def film(cast: Cast) -> Film:
    """A production of the test's own, with the cast in their places."""
    with role("owner"):
        return make_film(cast)


@pytest.fixture
def other_film(cast: Cast) -> Film:
    """A second production with the same people: nothing of it may show in the first."""
    with role("owner"):
        return make_film(cast)


@pytest.fixture
def as_role(database: None) -> Callable[[str], AbstractContextManager[None]]:
    """with as_role("web"): everything inside runs as that database role."""
    return role


@pytest.fixture
def browse(film: Film) -> Iterator[Callable[[str], Client]]:
    """browse("cho") gives a client signed in as Cho; its requests run as the web role."""
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]

    def client(name: str) -> Client:
        made = Client(raise_request_exception=False)
        sign_in(made, film.cast[name])
        return made

    with role("web"):
        yield client

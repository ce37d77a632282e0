"""An empty database is prepared by itself; a real one that is behind is left to its keepers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from prodacct import schema, server
from tests.databases import copy_migrated

ROOT = Path(server.__file__).resolve().parent.parent
NAME = f"test_schema_{os.getpid()}"


def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
    """manage.py as the owner, on the database of DATABASE_URL."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "PRODACCT_ROLE": "owner"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def url(database: None) -> Iterator[str]:
    """DATABASE_URL of a migrated database of this module's own, on the server the tests run on."""
    copy_migrated(NAME)
    made = server.connection_string("admin", NAME)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", made)
        server.ensure()
        yield made
    with psycopg.connect(server.connection_string("admin", "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def test_the_private_database_is_brought_up_without_asking() -> None:
    """It belongs to one checkout: who starts the product has the newest shape at once."""
    if os.environ.get("DATABASE_URL"):
        pytest.skip("there is no private server")
    server.ensure()
    schema.ensure()
    assert schema.missing_migrations() == set()


def test_every_migration_of_the_project_and_no_other_is_counted(url: str) -> None:
    found = schema.migrations_on_disk()
    assert ("access", "0001_initial") in found
    assert ("ledger", "0002_sealed_journal") in found
    assert {app for app, _ in found} >= {"access", "taxonomy", "ledger", "ingestion"}
    assert not {app for app, _ in found} & {"auth", "sessions", "guardian", "contenttypes"}


def test_one_that_lacks_nothing_is_left_alone_and_one_that_is_behind_is_refused(url: str) -> None:
    applied = "SELECT app, name, applied FROM django_migrations ORDER BY id"
    with psycopg.connect(server.connection_string("owner", NAME), autocommit=True) as owner:
        before = owner.execute(applied).fetchall()
        schema.ensure()
        assert owner.execute(applied).fetchall() == before

        behind = owner.execute(
            "DELETE FROM django_migrations WHERE app = 'ingestion' AND name >= '0002'"
            " RETURNING app, name, applied"
        ).fetchall()
        missing = schema.missing_migrations()
        assert ("ingestion", "0002_row_security") in missing
        with pytest.raises(SystemExit) as refused:
            schema.ensure()
        said = str(refused.value)
        assert said == (
            f"the database lacks {len(behind)} migrations of this version; make a backup, then run:"
            " manage.py prepare_database"
        )
        assert schema.missing_migrations() == missing, "and nothing was done to it"
        refused_command = manage("verify_journal", "--production", "NONE")
        assert refused_command.returncode == 1
        assert said in refused_command.stderr
        owner.cursor().executemany(
            "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", behind
        )


def test_all_is_taken_back_without_a_trace_and_an_empty_database_is_prepared(url: str) -> None:
    undone = manage("migrate", "access", "0001", "--verbosity", "0")
    assert undone.returncode == 0, undone.stderr
    with psycopg.connect(server.connection_string("owner", NAME)) as owner:
        left = owner.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname IN ('sec', 'journal')"
        ).fetchall()
    assert left == [], "what a migration made, its reverse takes away"
    assert schema.missing_migrations() == schema.migrations_on_disk()

    schema.ensure()
    assert schema.missing_migrations() == set()
    with psycopg.connect(server.connection_string("owner", NAME)) as owner:
        assert owner.execute("SELECT count(*) FROM sec.context_key").fetchone() == (1,)

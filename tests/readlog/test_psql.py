"""What the bond role asks in psql: written down by the server itself, whatever the role sets."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from prodacct import server
from tests.access.house import own_connection

ROOT = Path(__file__).resolve().parents[2]


def logged(word: str) -> list[str]:
    """The lines of the private server's log in which a word stands; it is written at once, but by
    another process."""
    private = server.cluster()
    assert private is not None
    found: list[str] = []
    deadline = time.monotonic() + 20
    while not found and time.monotonic() < deadline:
        text = private.log.read_text(errors="replace")
        found = [line for line in text.splitlines() if word in line]
        time.sleep(0.05)
    return found


def test_the_bond_roles_statements_are_logged_and_it_cannot_lift_that(database: None) -> None:
    with own_connection("bond") as bond:
        assert bond.execute("SHOW log_statement").fetchone() == ("all",)
        bond.execute("SET default_transaction_read_only = off")
        for statement in (
            "SET log_statement = none",
            "SET LOCAL log_statement TO DEFAULT",
            "ALTER ROLE prodacct_bond SET log_statement = none",
            "ALTER ROLE prodacct_bond RESET log_statement",
            "ALTER SYSTEM SET log_statement = none",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bond.execute(statement)
        with bond.transaction(force_rollback=True):
            # It resets what the role may set by itself, and leaves this.
            bond.execute("ALTER ROLE prodacct_bond RESET ALL")
            kept = "SELECT rolconfig FROM pg_roles WHERE rolname = 'prodacct_bond'"
            assert bond.execute(kept).fetchone() == (["log_statement=all"],)
        bond.execute("RESET ALL")
        assert bond.execute("SHOW log_statement").fetchone() == ("all",)
    with own_connection("web") as web:
        assert web.execute("SHOW log_statement").fetchone() == ("none",), "nobody else's are"


def test_a_query_in_psql_stands_in_the_servers_log_with_the_role_and_the_session(
    database: None,
) -> None:
    if server.cluster() is None:
        pytest.skip("the log of a server that is not ours is its keepers'")
    word = f"canary{os.getpid()}{time.monotonic_ns()}"
    asked = [sys.executable, "manage.py", "psql", "--role", "bond", "--", "-Atc"]
    # Of no table: the database of these tests' home may not be prepared yet, and an error would be
    # logged with its statement once more.
    done = subprocess.run(
        [*asked, f"SELECT current_user /* {word} */"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "prodacct_bond"), done.stderr
    (line,) = logged(word)
    assert "prodacct_bond@" in line and "SELECT current_user" in line

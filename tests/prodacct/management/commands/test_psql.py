"""manage.py psql, run as a person runs it."""

import subprocess
import sys
from pathlib import Path

from prodacct.management.commands import psql

ROOT = Path(psql.__file__).resolve().parents[3]


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "psql", *arguments]
    return subprocess.run(
        command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False
    )


def test_it_is_the_owner_unless_told_otherwise() -> None:
    assert run("--", "-Atc", "SELECT current_user").stdout == "prodacct_owner\n"
    assert run("--role", "bond", "--", "-Atc", "SELECT current_user").stdout == "prodacct_bond\n"


def test_what_follows_the_dashes_reaches_psql_untouched() -> None:
    done = run("--role=web", "--", "-At", "-v", "x=--role", "-f", "-", "--", stdin="SELECT :'x'")
    assert (done.stdout, done.returncode) == ("--role\n", 0)


def test_the_exit_code_is_psql_s_own() -> None:
    assert run("--", "-Atc", "SELECT 1/0").returncode == 1
    assert run("--", "-d", "no_such_database", "-c", "SELECT 1").returncode == 2


def test_arguments_before_the_dashes_are_refused() -> None:
    done = run("-c", "SELECT 1")
    assert done.returncode != 0
    assert "unrecognized arguments" in done.stderr

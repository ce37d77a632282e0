"""Whether the database has the shape this version needs; an empty one is prepared at once."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from prodacct import server

BASE_DIR = Path(__file__).resolve().parent.parent


def migrations_on_disk() -> set[tuple[str, str]]:
    """(app, name) of every migration of the project's own apps."""
    return {
        (path.parent.parent.name, path.stem)
        for path in BASE_DIR.glob("*/migrations/[0-9]*.py")
        if path.parent.parent.parent == BASE_DIR
    }


def missing_migrations() -> set[tuple[str, str]]:
    """Migrations on disk that the database does not have."""
    with psycopg.connect(server.connection_string("worker")) as connection:
        table = connection.execute("SELECT to_regclass('public.django_migrations')").fetchone()
        if table is None or table[0] is None:
            return migrations_on_disk()
        if not connection.execute(
            "SELECT has_table_privilege('django_migrations', 'SELECT')"
        ).fetchone()[0]:  # type: ignore[index]
            return migrations_on_disk()
        rows = connection.execute("SELECT app, name FROM django_migrations").fetchall()
    return migrations_on_disk() - {(str(app), str(name)) for app, name in rows}


def ensure() -> None:
    """Prepare an empty or embedded database; refuse a real one that is behind.

    Raises SystemExit with the command to run.
    """
    missing = missing_migrations()
    if not missing:
        return
    behind = len(missing) < len(migrations_on_disk())
    if behind and os.environ.get("DATABASE_URL"):
        raise SystemExit(
            f"the database lacks {len(missing)} migrations of this version; make a backup, then "
            "run: manage.py prepare_database"
        )
    environment = {**os.environ, "PRODACCT_ROLE": "owner"}
    subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "prepare_database", "--verbosity", "0"],
        check=True,
        env=environment,
    )

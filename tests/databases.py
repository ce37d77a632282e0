"""The test database, migrated once for one shape of the project and copied for every run.

All migrations take a minute or more; a copy of what they made takes less than a second.
"""

import hashlib
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from prodacct import server

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "test_migrated_"
LOCK_KEY = 0x74657374  # "test": one process at a time makes or copies


def make_test_database(name: str) -> None:
    """A migrated database of this name, new; Django's connection leads to it from now on."""
    copy_migrated(name)
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


def copy_migrated(name: str) -> None:
    """A migrated database of this name, new, in the place of one that was there."""
    migrated = PREFIX + _shape()
    admin_url = server.connection_string("admin", "postgres")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [migrated]).fetchone():
            _migrate(admin, migrated)
        owner = sql.Identifier(connection.settings_dict["USER"])
        made, copied = sql.Identifier(name), sql.Identifier(migrated)
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(made))
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(made, copied, owner)
        )


def _migrate(admin: "psycopg.Connection[tuple[object, ...]]", migrated: str) -> None:
    """What older shapes of the project left goes; one that was cut short leaves another name."""
    older = admin.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX]
    ).fetchall()
    for (found,) in older:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(found)))
    connection.settings_dict["TEST"]["NAME"] = f"{PREFIX}unfinished"
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    connection.close()
    unfinished, finished = sql.Identifier(f"{PREFIX}unfinished"), sql.Identifier(migrated)
    admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(unfinished, finished))


def _shape() -> str:
    """What a migrated database follows from: our migrations and their SQL, the packages' own, and
    the roles table, which writes permissions."""
    found = hashlib.sha256()
    paths = [
        ROOT / "requirements.lock", *ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/sql/*.sql"),
        *ROOT.glob("*/models.py"), *ROOT.glob("*/*tables*.py"), *ROOT.glob("*/tables/*.py"),
        ROOT / "access" / "roles.py", ROOT / "prodacct" / "settings.py",
    ]  # fmt: skip
    for path in sorted(paths):
        found.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:24]

"""Which PostgreSQL this process uses, and how each of our roles gets in (no Django).

Without DATABASE_URL it is the private server of `prodacct.local`. With DATABASE_URL it is a real
server: the account in the URL prepares roles and databases, and each role's password follows from
the installation's secret, so machines that share a server must share PRODACCT_SECRET_KEY.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from prodacct.local import PORT, Cluster, home_folder, make_home
from prodacct.programs import OLDEST_MAJOR, ServerUnusable

__all__ = [
    "BROKER_DATABASE",
    "DATABASE",
    "ServerUnusable",
    "cluster",
    "connection_string",
    "ensure",
    "home",
    "options",
    "parameters",
    "role_password",
    "secret",
]

DATABASE = "prodacct"
BROKER_DATABASE = "prodacct_broker"
LOGIN_ROLES = ("owner", "web", "worker", "bond", "broker")
POSTER = "prodacct_poster"
CONNECT_TIMEOUT_SECONDS = 10
LOCK_KEY = 0x70726F64  # "prod": one preparation at a time on one server
PREPARATION = 2  # raise it when _prepare changes, and every installation is prepared again

ROLE_OPTIONS = {
    "prodacct_owner": sql.SQL("LOGIN CREATEDB"),
    "prodacct_web": sql.SQL("LOGIN"),
    # It may become the poster by SET ROLE, and must not have the poster's rights before.
    "prodacct_worker": sql.SQL("LOGIN NOINHERIT"),
    "prodacct_bond": sql.SQL("LOGIN"),
    "prodacct_broker": sql.SQL("LOGIN"),
    POSTER: sql.SQL("NOLOGIN BYPASSRLS"),
}

STATE = sql.SQL("""\
SELECT (SELECT count(*) FROM pg_roles WHERE rolname = ANY(%(roles)s)),
       (SELECT count(*) FROM pg_database WHERE datname = ANY(%(databases)s)),
       (SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %(main)s)
""")

LACKING = sql.SQL("""\
SELECT 'CREATEROLE' FROM pg_roles WHERE rolname = current_user AND NOT (rolsuper OR rolcreaterole)
UNION ALL
SELECT 'CREATEDB' FROM pg_roles WHERE rolname = current_user AND NOT (rolsuper OR rolcreatedb)
""")

MAY_MAKE_POSTER = sql.SQL("""\
SELECT rolsuper OR (rolbypassrls AND current_setting('server_version_num')::int >= 160000)
FROM pg_roles WHERE rolname = current_user
""")


def home() -> Path:
    """Where this installation keeps its data, secret and log."""
    return home_folder()


def cluster() -> Cluster | None:
    """The private server, or none where DATABASE_URL names a real one."""
    return None if _url() else Cluster(home())


def secret() -> str:
    """The installation's secret: PRODACCT_SECRET_KEY, or one drawn once and kept at home."""
    if given := os.environ.get("PRODACCT_SECRET_KEY"):
        return given
    path = home() / "secret"
    try:
        if not path.exists():
            _draw_secret(path)
        return path.read_text().strip()
    except PermissionError:
        raise ServerUnusable(
            f"{path} belongs to another account: run prodacct as the one that made it, "
            "or set PRODACCT_SECRET_KEY."
        ) from None


def role_password(role: str) -> str:
    message = f"database role {role}".encode()
    return hmac.new(secret().encode(), message, hashlib.sha256).hexdigest()


def parameters(role: str, database: str = DATABASE) -> dict[str, str]:
    """How a role connects, as Django wants it; follows from the environment alone.

    Web processes go through the pooler that POOLER names, if any. Whoever holds locks from one
    transaction to the next, or listens, goes to the server itself.
    """
    assert role in (*LOGIN_ROLES, "admin"), f"no such database role: {role}"
    found = _at_the_server(role, database)
    pooler = os.environ.get("POOLER", "")
    if role == "web" and database == DATABASE and pooler:
        host, _, port = pooler.rpartition(":")
        if not host or not port.isdigit():
            raise ServerUnusable(f"POOLER is malformed ({pooler!r}): write host:port.")
        found |= {"HOST": host, "PORT": port}
    return found


def _at_the_server(role: str, database: str) -> dict[str, str]:
    url = _url()
    if not url:
        return {
            "HOST": str(Cluster(home()).socket_dir),
            "PORT": PORT,
            "USER": "postgres" if role == "admin" else f"prodacct_{role}",
            "PASSWORD": "",
            "NAME": database,
        }
    return {
        "HOST": url.get("host", ""),
        "PORT": url.get("port", "5432"),
        "USER": url.get("user", "") if role == "admin" else f"prodacct_{role}",
        "PASSWORD": url.get("password", "") if role == "admin" else role_password(role),
        "NAME": url.get("dbname", DATABASE) if database == DATABASE else database,
    }


def options() -> dict[str, str]:
    """What else DATABASE_URL asks of a connection, such as sslmode."""
    usual = {"host", "port", "user", "password", "dbname"}
    return {key: value for key, value in _url().items() if key not in usual}


def connection_string(role: str, database: str = DATABASE) -> str:
    """The same as `parameters`, for libpq."""
    found = parameters(role, database)
    named = {
        "host": found["HOST"],
        "port": found["PORT"],
        "user": found["USER"],
        "password": found["PASSWORD"],
        "dbname": found["NAME"],
    }
    return make_conninfo(**options(), **{key: value for key, value in named.items() if value})


def ensure() -> None:
    """Start the private server if it is ours, and prepare roles and databases once.

    Safe to call from many processes at once: a file lock guards the start, an advisory lock the
    preparation. When all is there it costs one connection and one query.
    """
    if private := cluster():
        private.start()
    with _connect(_maintenance_database()) as admin:
        if admin.info.server_version < OLDEST_MAJOR * 10_000:
            raise ServerUnusable(
                f"PostgreSQL {OLDEST_MAJOR} or newer is needed, and DATABASE_URL leads to "
                f"{admin.info.server_version // 10_000}: upgrade it or name another server."
            )
        if _is_prepared(admin):
            return
        admin.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
        if not _is_prepared(admin):
            try:
                _prepare(admin)
            except psycopg.errors.InsufficientPrivilege as error:
                raise ServerUnusable(
                    f"The account of DATABASE_URL may not prepare the server: {_first_line(error)} "
                    "(let a superuser's account stand there once)."
                ) from error


def _url() -> dict[str, str]:
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        return {}
    try:
        found = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ServerUnusable(
            f"DATABASE_URL is malformed ({_first_line(error)}): "
            "write postgresql://user:password@host:port/name."
        ) from None
    return {key: str(value) for key, value in found.items()}


def _draw_secret(path: Path) -> None:
    """Write a complete file, then link it into place: of two processes one wins, both read it."""
    make_home(path.parent)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix="secret.") as fresh:  # mode 0600
        fresh.write(secrets.token_urlsafe(48) + "\n")
        fresh.flush()
        os.fsync(fresh.fileno())
        try:
            os.link(fresh.name, path)
        except FileExistsError:
            return


def _maintenance_database() -> Sequence[str]:
    """Databases to prepare from, in order: ours may not exist yet, and `postgres` may be closed."""
    return ("postgres", "template1")


def _connect(databases: Sequence[str]) -> psycopg.Connection[tuple[Any, ...]]:
    """Connect as admin to the first of these databases, waiting while the server is starting."""
    deadline = time.monotonic() + CONNECT_TIMEOUT_SECONDS
    remaining = list(databases)
    while True:
        name = remaining[0]
        try:
            return psycopg.connect(
                connection_string("admin", name),
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
            )
        except psycopg.OperationalError as error:
            said = str(error)
            if "does not exist" in said and name in said and len(remaining) > 1:
                remaining.pop(0)
            elif "the database system is" in said and time.monotonic() < deadline:
                time.sleep(0.1)
            else:
                found = parameters("admin", name)
                where = f"{found['HOST'] or 'the local socket'} port {found['PORT']}"
                raise ServerUnusable(
                    f"No PostgreSQL lets us in at {where}: {_last_line(said)}"
                ) from None


def _is_prepared(admin: psycopg.Connection[tuple[Any, ...]]) -> bool:
    main = parameters("admin")["NAME"]
    databases = [main, BROKER_DATABASE]
    asked = {"roles": list(ROLE_OPTIONS), "databases": databases, "main": main}
    found = admin.execute(STATE, asked).fetchone()
    return found == (len(ROLE_OPTIONS), len(databases), _mark())


def _mark() -> str:
    """What a prepared database carries as its comment; it changes with the roles' passwords."""
    if not _url():
        return f"prodacct, prepared {PREPARATION}"
    passwords = "".join(role_password(role) for role in LOGIN_ROLES)
    return f"prodacct, prepared {PREPARATION} {hashlib.sha256(passwords.encode()).hexdigest()[:16]}"


def _prepare(admin: psycopg.Connection[tuple[Any, ...]]) -> None:
    main = parameters("admin")["NAME"]
    _check_privileges(admin)
    _make_roles(admin)
    _make_database(admin, main, "prodacct_owner")
    _make_database(admin, BROKER_DATABASE, "prodacct_broker")
    _grant_connect(admin, main, ("owner", "web", "worker", "bond"))
    _grant_connect(admin, BROKER_DATABASE, ("broker",))
    with _connect([main]) as inside:
        inside.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        inside.execute("GRANT ALL ON SCHEMA public TO prodacct_owner")
    admin.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(main), sql.Literal(_mark()))
    )


def _check_privileges(admin: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Say at once all that the account lacks, before anything is half made."""
    lacking = [row[0] for row in admin.execute(LACKING).fetchall()]
    if lacking:
        raise ServerUnusable(
            f"The account of DATABASE_URL lacks {' and '.join(lacking)}: let a superuser run "
            f'ALTER ROLE "{admin.info.user}" {" ".join(lacking)}.'
        )
    poster = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (POSTER,)).fetchone()
    if poster is None and admin.execute(MAY_MAKE_POSTER).fetchone() != (True,):
        raise ServerUnusable(
            f"The account of DATABASE_URL may not make a role with BYPASSRLS: let a superuser run "
            f"CREATE ROLE {POSTER} NOLOGIN BYPASSRLS; "
            f'GRANT {POSTER} TO "{admin.info.user}" WITH ADMIN OPTION.'
        )


def _make_roles(admin: psycopg.Connection[tuple[Any, ...]]) -> None:
    rows = admin.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", ([*ROLE_OPTIONS],))
    existing = {row[0] for row in rows}
    for role, role_options in ROLE_OPTIONS.items():
        if role == POSTER and role in existing:
            continue  # a superuser may have made it for an account that could not
        verb = sql.SQL("ALTER" if role in existing else "CREATE")
        admin.execute(sql.SQL("{} ROLE {} {}").format(verb, sql.Identifier(role), role_options))
    if _url():
        for role in LOGIN_ROLES:
            _set_password(admin, f"prodacct_{role}", role_password(role))
    admin.execute("ALTER ROLE prodacct_bond SET default_transaction_read_only = on")
    _log_statements_of_bond(admin)
    # PostgreSQL 15 has no option per grant; there NOINHERIT on the worker alone has to do.
    per_grant = sql.SQL("WITH INHERIT FALSE" if admin.info.server_version >= 160_000 else "")
    admin.execute(sql.SQL("GRANT prodacct_poster TO prodacct_worker {}").format(per_grant))
    if not _is_superuser(admin):
        # To make databases that belong to a role, and to change what they hold, one must be in it.
        admin.execute("GRANT prodacct_owner, prodacct_broker TO CURRENT_USER")


def _log_statements_of_bond(admin: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Have the server log whatever the bond role asks in psql, before it runs it.

    The role cannot lift this; an account that may not set it is told what a superuser has to do.
    """
    wanted = "ALTER ROLE prodacct_bond SET log_statement = 'all'"
    asked = "SELECT has_parameter_privilege(current_user, 'log_statement', 'SET')"
    if admin.execute(asked).fetchone() == (True,):
        admin.execute(wanted)
    else:
        print(
            f"prodacct: what the bond role asks in psql is logged once a superuser runs {wanted}",
            file=sys.stderr,
        )


def _is_superuser(admin: psycopg.Connection[tuple[Any, ...]]) -> bool:
    return admin.info.parameter_status("is_superuser") == "on"


def _set_password(admin: psycopg.Connection[tuple[Any, ...]], role: str, password: str) -> None:
    """Send only the SCRAM verifier, so that no server log can hold the password."""
    verifier = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    admin.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(verifier.decode())
        )
    )


def _make_database(admin: psycopg.Connection[tuple[Any, ...]], name: str, owner: str) -> None:
    """Make a database; an empty one that somebody prepared for us is taken over."""
    found = admin.execute(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", (name,)
    ).fetchone()
    if found is not None and found[0] == owner:
        return
    if found is None:
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' {}")
        locale = _locale(admin.info.server_version)
    else:
        _check_empty(name)
        statement, locale = sql.SQL("ALTER DATABASE {} OWNER TO {} {}"), sql.SQL("")
    admin.execute(statement.format(sql.Identifier(name), sql.Identifier(owner), locale))


def _locale(server_version: int) -> sql.SQL:
    """The same order and case of text on every server, as in the private one."""
    if server_version >= 170_000:
        return sql.SQL("LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'")
    return sql.SQL("LOCALE_PROVIDER libc LOCALE 'C'")


def _check_empty(name: str) -> None:
    with _connect([name]) as inside:
        found = inside.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
        ).fetchone()
    if found != (0,):
        raise ServerUnusable(
            f"The database {name} holds somebody else's tables: name another in DATABASE_URL."
        )


def _grant_connect(
    admin: psycopg.Connection[tuple[Any, ...]], database: str, roles: Sequence[str]
) -> None:
    name = sql.Identifier(database)
    members = sql.SQL(", ").join(sql.Identifier(f"prodacct_{role}") for role in roles)
    admin.execute(sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(name))
    admin.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(name, members))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0]


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["no reason given"])[-1].strip()

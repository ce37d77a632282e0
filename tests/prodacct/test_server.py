"""Which PostgreSQL is used, and what is prepared on it."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from prodacct import server
from prodacct.local import Cluster
from prodacct.programs import ServerUnusable

ROOT = Path(server.__file__).resolve().parent.parent
TEST_SERVER = os.environ.get("PRODACCT_TEST_SERVER_URL", "")
PARALLEL = 4


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="prodacct-test-"))
    path.chmod(0o755)
    yield path
    Cluster(path).remove()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(autouse=True)
def environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODACCT_HOME", str(home))
    for name in ("DATABASE_URL", "PRODACCT_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)


def connect(role: str, database: str = "prodacct") -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.connection_string(role, database), autocommit=True)


def refused(role: str, statement: str) -> bool:
    with connect(role) as connection:
        try:
            connection.execute(statement)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
            return True
    return False


def test_without_a_url_the_private_server_needs_no_password(home: Path) -> None:
    assert server.parameters("web") == {
        "HOST": str(home / "run"),
        "PORT": "5432",
        "USER": "prodacct_web",
        "PASSWORD": "",
        "NAME": "prodacct",
    }
    assert server.parameters("admin")["USER"] == "postgres"
    assert server.parameters("broker", "prodacct_broker")["NAME"] == "prodacct_broker"


def test_a_url_gives_the_place_and_the_secret_gives_the_passwords(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRODACCT_SECRET_KEY", "film")
    monkeypatch.setenv(
        "DATABASE_URL", "postgresql://boss:p%40ss@db.example:6432/books?sslmode=verify-full"
    )
    assert server.parameters("bond") == {
        "HOST": "db.example",
        "PORT": "6432",
        "USER": "prodacct_bond",
        "PASSWORD": server.role_password("bond"),
        "NAME": "books",
    }
    admin = server.parameters("admin")
    assert (admin["USER"], admin["PASSWORD"]) == ("boss", "p@ss")
    assert server.parameters("broker", "prodacct_broker")["NAME"] == "prodacct_broker"
    assert server.options() == {"sslmode": "verify-full"}
    assert "sslmode=verify-full" in server.connection_string("web")


def test_a_url_may_name_a_socket_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///books?host=/var/run/postgresql")
    found = server.parameters("owner")
    assert (found["HOST"], found["PORT"]) == ("/var/run/postgresql", "5432")


def test_a_malformed_url_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user@[host/name")
    with pytest.raises(ServerUnusable, match=r"^DATABASE_URL is malformed .*host:port/name\.$"):
        server.parameters("web")


def test_a_server_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://boss@127.0.0.1:1/books")
    with pytest.raises(ServerUnusable, match=r"No PostgreSQL lets us in at 127\.0\.0\.1 port 1"):
        server.ensure()


def test_a_role_password_follows_from_the_secret_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODACCT_SECRET_KEY", "key")
    assert server.role_password("web") == (
        "4b73e6d3be4107059953fd557983d8e841c259747870a7c843f74a9980ecd455"
    )
    assert server.role_password("web") != server.role_password("worker")


def test_the_secret_is_drawn_once_and_kept_private(home: Path) -> None:
    first = server.secret()
    assert len(first) >= 50
    assert server.secret() == first == (home / "secret").read_text().strip()
    assert stat.S_IMODE((home / "secret").stat().st_mode) == 0o600
    assert not list(home.glob("secret.*"))


def test_processes_that_draw_at_once_agree_on_one_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRODACCT_HOME", str(tmp_path / "new"))
    command = [sys.executable, "-c", "from prodacct import server; print(server.secret())"]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(PARALLEL)
    ]
    assert len({process.communicate()[0] for process in started}) == 1


def test_processes_that_prepare_at_once_all_succeed(home: Path) -> None:
    command = [sys.executable, "-c", "from prodacct import server; server.ensure()"]
    started = [
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(PARALLEL)
    ]
    assert [process.communicate()[1] for process in started] == [""] * PARALLEL
    for role in ("owner", "web", "worker", "bond"):
        with connect(role) as connection:
            user = connection.execute("SELECT current_user").fetchone()
        assert user == (f"prodacct_{role}",)


def test_preparing_again_changes_nothing() -> None:
    server.ensure()
    rows = "SELECT oid, xmin::text FROM pg_authid ORDER BY 1"
    with connect("admin") as admin:
        before = admin.execute(rows).fetchall()
        server.ensure()
        assert admin.execute(rows).fetchall() == before


def test_a_role_that_was_dropped_comes_back() -> None:
    server.ensure()
    with connect("admin") as admin:
        admin.execute("DROP OWNED BY prodacct_bond")
        with connect("admin", "postgres") as elsewhere:
            elsewhere.execute("DROP OWNED BY prodacct_bond")
        admin.execute("DROP ROLE prodacct_bond")
    server.ensure()
    assert refused("bond", "CREATE TABLE t ()")


def test_each_role_gets_into_its_own_database_only() -> None:
    server.ensure()
    with connect("broker", "prodacct_broker") as broker:
        broker.execute("CREATE SCHEMA mine")
        broker.execute("DROP SCHEMA mine")
    for role, database in (("broker", "prodacct"), ("web", "prodacct_broker")):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            connect(role, database)


def test_only_the_owner_makes_tables() -> None:
    server.ensure()
    for role in ("web", "worker", "bond"):
        assert refused(role, "CREATE TABLE public.t ()")
    assert not refused("owner", "CREATE TABLE public.t ()")
    assert not refused("owner", "DROP TABLE public.t")


def test_only_the_worker_may_become_the_poster_and_has_no_right_before() -> None:
    server.ensure()
    with connect("owner") as owner:
        owner.execute("CREATE TABLE public.posted (n int)")
        owner.execute("GRANT INSERT ON public.posted TO prodacct_poster")
    try:
        assert refused("web", "SET ROLE prodacct_poster")
        assert refused("owner", "SET ROLE prodacct_poster")
        assert refused("worker", "INSERT INTO public.posted VALUES (1)")
        with connect("worker") as worker:
            worker.execute("SET ROLE prodacct_poster")
            worker.execute("INSERT INTO public.posted VALUES (1)")
    finally:
        with connect("owner") as owner:
            owner.execute("DROP TABLE public.posted")


def test_the_bond_representative_reads_only() -> None:
    server.ensure()
    with connect("bond") as bond:
        setting = bond.execute("SHOW transaction_read_only").fetchone()
    assert setting == ("on",)


@pytest.fixture
def real_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of somebody else; what was not there before is dropped afterwards."""
    url = TEST_SERVER
    monkeypatch.setenv("DATABASE_URL", url)
    roles = [*server.ROLE_OPTIONS]
    databases = [server.parameters("admin")["NAME"], server.BROKER_DATABASE]
    with connect("admin", "postgres") as admin:
        found = admin.execute(
            "SELECT rolname FROM pg_roles UNION ALL SELECT datname FROM pg_database"
        )
        before = {row[0] for row in found}
    if before.intersection(roles + databases):
        pytest.fail("PRODACCT_TEST_SERVER_URL names a server that prodacct already uses")
    yield url
    monkeypatch.setenv("DATABASE_URL", url)
    with connect("admin", "postgres") as admin:
        for database in databases:
            admin.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        for role in (*roles, "prodacct_clerk"):
            admin.execute(f"DROP ROLE IF EXISTS {role}")


@pytest.mark.skipif(not TEST_SERVER, reason="PRODACCT_TEST_SERVER_URL names no server to try")
def test_a_real_server_is_prepared_too(real_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_a_clerk(monkeypatch, real_server)
    server.ensure()
    server.ensure()
    for role in ("owner", "web", "worker", "bond"):
        with connect(role) as connection:
            connection.execute("SELECT 1")
    test_each_role_gets_into_its_own_database_only()
    test_only_the_owner_makes_tables()
    test_only_the_worker_may_become_the_poster_and_has_no_right_before()
    test_the_bond_representative_reads_only()


def refuse_a_clerk(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """An account that lacks rights is told which, and nothing is half made."""
    with connect("admin", "postgres") as admin:
        admin.execute("CREATE ROLE prodacct_clerk LOGIN PASSWORD 'clerk'")
    parts = psycopg.conninfo.conninfo_to_dict(url)
    parts |= {"user": "prodacct_clerk", "password": "clerk"}
    monkeypatch.setenv("DATABASE_URL", psycopg.conninfo.make_conninfo(**parts))
    with pytest.raises(ServerUnusable, match="lacks CREATEROLE and CREATEDB"):
        server.ensure()
    monkeypatch.setenv("DATABASE_URL", url)
    with connect("admin", "postgres") as admin:
        admin.execute("ALTER ROLE prodacct_clerk CREATEROLE CREATEDB")
    monkeypatch.setenv("DATABASE_URL", psycopg.conninfo.make_conninfo(**parts))
    with pytest.raises(ServerUnusable, match="may not make a role with BYPASSRLS"):
        server.ensure()
    monkeypatch.setenv("DATABASE_URL", url)

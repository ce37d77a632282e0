"""PgBouncer in transaction mode: few server processes, and everybody sees their own rows."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from prodacct import server
from prodacct.programs import ServerUnusable
from tests.access.house import read
from tests.factories import Cast, Film, acting, cost_line, cost_lines, import_data, make_film, role
from tests.ingestion.workers import ROOT, worker_environment

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SERVER_PROCESSES = 2

needs_pgbouncer = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")


@pytest.fixture
def pooler(database: None, tmp_path: Path) -> Iterator[str]:
    """host:port of a PgBouncer that shares two server processes among all who come."""
    settings, web = connection.settings_dict, server.parameters("web")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    users, configuration = tmp_path / "users.txt", tmp_path / "pgbouncer.ini"
    users.write_text(f'"{web["USER"]}" "{web["PASSWORD"]}"\n')
    configuration.write_text(
        f"[databases]\n* = host={settings['HOST']} port={settings['PORT']}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {users}\npool_mode = transaction\n"
        f"default_pool_size = {SERVER_PROCESSES}\nmax_client_conn = 50\n"
        "server_round_robin = 1\nlogfile =\npidfile =\n"
    )
    for path in (*list(tmp_path.parents)[:3], tmp_path, users, configuration):
        if path.stat().st_uid == os.geteuid() and path != Path("/tmp"):
            path.chmod(0o755)
    # It will not run as root; the account that owns the server's socket is let in by it.
    owner = Path(settings["HOST"]).stat().st_uid if settings["HOST"].startswith("/") else 65534
    as_user = {"user": owner or 65534} if os.geteuid() == 0 else {}
    assert PGBOUNCER is not None
    with subprocess.Popen([PGBOUNCER, str(configuration)], **as_user) as process:  # type: ignore[call-overload]
        try:
            _until_it_listens(port, process)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def _until_it_listens(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert process.poll() is None, "PgBouncer did not start"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError("PgBouncer does not listen")


@needs_pgbouncer
def test_behind_a_pooler_each_sees_their_own_whichever_server_process_answers(
    cast: Cast, pooler: str
) -> None:
    films = []
    for _ in range(2):
        with role("owner"):
            films.append(make_film(cast))
        with role("worker"):
            import_data(films[-1], cost_lines([cost_line(1), cost_line(2, account="2220")]))
    asked = [(film, name) for film in films for name in ("amir", "cho", "ada", "otto")]
    people = [(film.cast[name].pk, film.production.pk) for film, name in asked]
    with role("worker"):
        environment = worker_environment()
    environment.pop("PGOPTIONS", None)  # a pooler takes none: its server sessions are not ours
    done = subprocess.run(
        [sys.executable, "-m", "tests.access.pooled"], cwd=ROOT, text=True, check=True,
        env={**environment, "PRODACCT_ROLE": "web", "POOLER": pooler},
        input=json.dumps({"rounds": 60, "people": people}), stdout=subprocess.PIPE,
    )  # fmt: skip
    met = set()
    for (film, name), seen in zip(asked, json.loads(done.stdout), strict=True):
        assert seen["taken_for"] == [[film.cast[name].pk, film.production.pk]]
        assert seen["rows"] == [_own_rows(film, name)], "what they see by a session of their own"
        assert seen["after"] == [[None, 0]], "nobody's context is left to whoever comes next"
        met |= set(seen["pids"])
    assert 1 < len(met) <= SERVER_PROCESSES, "more people than server processes, each met by many"
    assert _own_rows(films[0], "amir")
    assert _own_rows(films[0], "otto") == []


def _own_rows(film: Film, name: str) -> list[list[int]]:
    with role("web"), acting(film, name):
        return [list(row) for row in read(
            "SELECT production_id, cost_center_id, count(*) FROM ledger_posting"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        )]  # fmt: skip


def test_only_web_processes_go_through_the_pooler(monkeypatch: pytest.MonkeyPatch) -> None:
    straight = {name: server.parameters(name) for name in ("web", "worker", "owner", "admin")}
    monkeypatch.setenv("POOLER", "pool.example:6432")
    assert server.parameters("web") == straight["web"] | {"HOST": "pool.example", "PORT": "6432"}
    for name in ("worker", "owner", "admin"):
        assert server.parameters(name) == straight[name]
    assert server.parameters("broker", server.BROKER_DATABASE)["HOST"] != "pool.example"
    monkeypatch.setenv("POOLER", "pool.example")
    with pytest.raises(ServerUnusable, match=r"POOLER is malformed .*: write host:port\."):
        server.parameters("web")

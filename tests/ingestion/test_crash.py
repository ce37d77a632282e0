"""The database server dies under a worker: what was committed stands, and stands once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ingestion.workers import ROOT
from tests.lengths import times

CRASHES = times(3, promised=50)


@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="a real server is not crashed")
def test_a_server_that_crashes_mid_import_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PRODACCT_HOME": str(tmp_path / "home")}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.ingestion.crashes", str(CRASHES)],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4_000:]
        assert int(done.stdout.splitlines()[-1]) >= max(1, CRASHES // 3), "hardly a crash met work"
    finally:
        subprocess.run(
            [sys.executable, "-m", "prodacct.local", "remove"],
            cwd=ROOT, env=environment, check=True, capture_output=True,
        )  # fmt: skip

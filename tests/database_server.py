"""Loaded before Django's settings: the tests have a home, and so a database server, of their own.

With DATABASE_URL set they run on that server instead, in databases named test_*.
"""

import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("PRODACCT_HOME", str(ROOT / ".local" / "test"))
# The owner makes the test database and migrates it; each test then takes the role it is about.
os.environ["PRODACCT_ROLE"] = "owner"
# The database is made anew for every run, and a signer that remembered the last one would refuse.
_OUT = tempfile.TemporaryDirectory(prefix="prodacct-tests-")
os.environ["PRODACCT_LOG_KEY"] = str(Path(_OUT.name, "key"))
os.environ["PRODACCT_CHECKPOINTS"] = str(Path(_OUT.name, "checkpoints"))
# No test but the one that crashes a server of its own asks what is there after a crash, and a
# commit that waits for the disk takes thirty times as long.
os.environ["PGOPTIONS"] = "-c synchronous_commit=off"

from prodacct import server  # noqa: E402

server.ensure()

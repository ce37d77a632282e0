"""The database server dies, over and over, under a worker that imports.

    PRODACCT_HOME=FOLDER python -m tests.ingestion.crashes CRASHES

has a server of its own in that folder, which no other test sees. It prints how many crashes met a
file part of the way through, and ends with an error when a row that was seen committed is gone,
when one is there twice, or when the journal does not verify.
"""

import os
import random
import signal
import sys
import time

os.environ.pop("DATABASE_URL", None)
os.environ["DJANGO_SETTINGS_MODULE"] = "prodacct.settings"

from tests import database_server

assert database_server
del os.environ["PGOPTIONS"]  # what is committed here must be on the disk
import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402

from access import context  # noqa: E402
from ledger.verify import verify_production  # noqa: E402
from prodacct import server  # noqa: E402
from tests.factories import close_sessions, make_cast, make_film, role  # noqa: E402
from tests.ingestion.test_kill import (  # noqa: E402
    CHUNK_ROWS,
    ROWS,
    Week,
    assert_right,
    assert_whole_chunks_only,
    put_back,
    start,
    undisturbed,
)
from tests.ingestion.workers import Workers, workers  # noqa: E402


def crash() -> None:
    """What `pg_ctl stop -m immediate` does: every process of the server ends at once."""
    cluster = server.cluster()
    assert cluster is not None
    pid = cluster.postmaster_pid
    assert pid is not None
    os.kill(pid, signal.SIGQUIT)
    while cluster.is_running:
        time.sleep(0.005)
    close_sessions()
    cluster.start()


def crashed_under(crew: Workers, week: Week, seconds: float) -> int:
    """Let a worker go on with the file for so long; the rows it was seen to have committed."""
    pid = start(crew, week)
    time.sleep(seconds)
    seen = week.look()[1]
    crash()
    if week.look()[0] != "done":
        crew.wait(pid)
    else:
        os.kill(pid, signal.SIGKILL)
    with role("owner"):
        assert_whole_chunks_only(week)
    assert week.look()[1] >= seen, "what was seen committed is gone"
    return seen


def main() -> None:
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    context.install_key()
    dice = random.Random(int(os.environ.get("PRODACCT_SEED", "1913")))
    film = make_film(make_cast())
    part_way = 0
    with workers(CHUNK_ROWS) as crew, role("worker"):
        weeks = [Week(film, 0)]
        took = undisturbed(crew, weeks[0])
        weeks.append(Week(film, 1))
        for _ in range(int(sys.argv[1])):
            if weeks[-1].look()[0] == "done":
                weeks.append(Week(film, len(weeks)))
            part_way += 0 < crashed_under(crew, weeks[-1], dice.uniform(0, took / 3)) < ROWS
            put_back(weeks[-1])
        if weeks[-1].look()[0] != "done":
            undisturbed(crew, weeks[-1])
    with role("owner"):
        for week in weeks:
            assert_right(week)
        assert verify_production(film.production).findings == []
    close_sessions()
    print(part_way)


if __name__ == "__main__":
    main()

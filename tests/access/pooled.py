"""Web processes behind a pooler: many sessions of different people over few server processes.

    python -m tests.access.pooled < JOBS

JOBS is a JSON object of `rounds` and `people`, each [user, production]. Each person has a thread
and a connection; in every round they enter the context, read, and read again without it. What each
saw is written as one JSON line: whom the database took them for, of how many other productions and
other cost centres rows came, how many rows there were, which server processes they met.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import django


def sees(user: int, production: int, rounds: int, together: Barrier) -> dict[str, Any]:
    """What this person saw, each thing once however often."""
    from django.db import connection, transaction

    from access import context

    found: dict[str, set[Any]] = {"taken_for": set(), "rows": set(), "after": set(), "pids": set()}
    together.wait(30)
    for _ in range(rounds):
        with transaction.atomic():
            context.enter(user_id=user, production_id=production)
            with connection.cursor() as cursor:
                cursor.execute("SELECT sec.user_id(), sec.production_id(), pg_backend_pid()")
                *who, pid = cursor.fetchone()
                found["taken_for"].add(tuple(who))
                found["pids"].add(pid)
                cursor.execute(
                    "SELECT production_id, cost_center_id, count(*) FROM ledger_posting"
                    " GROUP BY 1, 2 ORDER BY 1, 2"
                )
                found["rows"].add(tuple(cursor.fetchall()))
        with connection.cursor() as cursor:
            cursor.execute("SELECT sec.user_id(), (SELECT count(*) FROM ledger_posting)")
            found["after"].add(cursor.fetchone())
    connection.close()
    return {name: sorted(values, key=repr) for name, values in found.items()}


def main() -> None:
    """Do the jobs of standard input, all at once."""
    django.setup()
    asked = json.load(sys.stdin)
    together = Barrier(len(asked["people"]))
    with ThreadPoolExecutor(len(asked["people"])) as pool:
        done = [
            pool.submit(sees, user, production, asked["rounds"], together)
            for user, production in asked["people"]
        ]
        print(json.dumps([job.result() for job in done]))


if __name__ == "__main__":
    main()

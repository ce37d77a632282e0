"""Real worker processes for tests that kill them or set them against each other.

    python -m tests.ingestion.workers CHUNK_ROWS

is a warmed-up parent. It reads requests, one JSON object a line, and answers each with one line:
`{"fork": [job, ...]}` starts a child for each job and gives their pids; `{"wait": [pid, ...]}`
gives their exit codes, -9 for one that was killed. Each child connects to the database itself.

    python -m tests.ingestion.workers celery ...

is Celery's own command. Both use the broker's database that TEST_BROKER names, or, on a broker that
has none, the queue that TEST_QUEUE names. TEST_CHUNK_ROWS makes Celery's chunks smaller.
"""

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Workers:
    """The parent as the tests see it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, **request: Any) -> Any:
        """One request, and its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the workers' parent is gone"
        return json.loads(answer)

    def fork(self, *jobs: dict[str, Any]) -> list[int]:
        """A child for each job; their pids."""
        found: list[int] = self.ask(fork=jobs)
        return found

    def wait(self, *pids: int) -> list[int]:
        """The children's exit codes, once all have ended."""
        found: list[int] = self.ask(wait=pids)
        return found


def worker_environment() -> dict[str, str]:
    """The environment in which a process connects to this test's database, as the worker role."""
    from django.db import connection

    from prodacct import server

    settings = connection.settings_dict
    admin = server.parameters("admin")
    password = f":{admin['PASSWORD']}" if admin["PASSWORD"] else ""
    url = f"postgresql://{admin['USER']}{password}@/{settings['NAME']}?host={settings['HOST']}"
    return {
        **os.environ,
        "PRODACCT_ROLE": "worker",
        "DATABASE_URL": f"{url}&port={settings['PORT']}",
        "DJANGO_SETTINGS_MODULE": "prodacct.settings",
    }


@contextmanager
def workers(chunk_rows: int, **environment: str) -> Iterator[Workers]:
    """A parent for the length of a test. Its children end with it."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.ingestion.workers", str(chunk_rows)],
        cwd=ROOT, env={**worker_environment(), **environment}, text=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        made = Workers(process)
        assert made.ask(hello=True) == "ready"
        try:
            yield made
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)


def drain_for_ever(job: dict[str, Any]) -> None:
    """What a worker does: find orphans, do what is ready, and look again."""
    from ingestion import work

    while os.getppid() == job["parent"]:
        work.sweep()
        for item in job["items"]:
            work.drain(only=item)
        time.sleep(0.005)


def receive_and_drain(job: dict[str, Any]) -> None:
    """Hand a file in at the moment all do, and carry it on until it has ended."""
    from access import context
    from access.models import Production, User
    from ingestion import selectors, services, work
    from taxonomy.selectors import unit_by_code

    data = Path(job["file"]).read_bytes()
    production = Production.objects.get(pk=job["production"])
    person = User.objects.get(pk=job["user"])
    time.sleep(max(0.0, job["at"] - time.time()))
    with context.acting(user_id=person.pk, production_id=production.pk):
        unit = unit_by_code(production, "MAIN")
        assert unit is not None
        receipt = services.receive_file(
            actor=person, production=production, name=Path(job["file"]).name,
            read=lambda: [data], source=job.get("source", "cost-lines"), unit=unit,
        )  # fmt: skip
        item = selectors.work_of("import", [receipt.batch.pk]).get()
    while True:
        work.drain(only=item.pk)
        with context.acting(user_id=person.pk, production_id=production.pk):
            batch = selectors.import_by_id(production, receipt.batch.pk)
        assert batch is not None
        if batch.state in selectors.FINISHED:
            return
        time.sleep(0.01)


def wake(job: dict[str, Any]) -> None:
    """Wake a worker when a transaction commits, or would have if it had not failed."""
    from django.db import transaction

    from ingestion import tasks

    if "broker" in job:
        use_broker(job["broker"])
    with transaction.atomic():
        tasks.wake()
        transaction.set_rollback(not job.get("commit", True))


def send_task(job: dict[str, Any]) -> None:
    """Ask whichever worker listens to take this task up."""
    from prodacct.celery import app

    app.send_task(job["name"])


def run_task(job: dict[str, Any]) -> None:
    """Do here what a worker does when it takes this task up."""
    from prodacct.celery import app

    app.loader.import_default_modules()
    app.tasks[job["name"]]()


def use_broker(where: str) -> None:
    from django.conf import settings

    if settings.CELERY_BROKER_URL == "pgmq://":
        settings.CELERY_BROKER_TRANSPORT_OPTIONS["conn_string"] = where
    else:
        settings.CELERY_BROKER_URL = where


JOBS = {
    "drain": drain_for_ever,
    "receive": receive_and_drain,
    "send": send_task,
    "task": run_task,
    "wake": wake,
}


def run(job: dict[str, Any]) -> None:
    """A child's whole life."""
    code = 1
    try:
        os.setsid()
        JOBS[job["do"]](job)
        code = 0
    except BaseException:  # noqa: BLE001 - a child must never run the parent's code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    import django

    django.setup()
    from django.conf import settings

    if "TEST_BROKER" in os.environ:
        use_broker(os.environ["TEST_BROKER"])
    if "TEST_QUEUE" in os.environ:
        settings.CELERY_TASK_DEFAULT_QUEUE = os.environ["TEST_QUEUE"]
    if sys.argv[1] == "celery":
        from celery.__main__ import main as celery

        from ingestion.gate import pipeline

        pipeline.CHUNK_ROWS = int(os.environ.get("TEST_CHUNK_ROWS", pipeline.CHUNK_ROWS))
        del sys.argv[0]
        celery()
        return
    from ingestion import work
    from ingestion.gate import pipeline

    assert work  # loaded here once, so that no child has to
    pipeline.CHUNK_ROWS = int(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        answer: Any = "ready"
        if "fork" in request:
            parent = os.getpid()
            answer = []
            for job in request["fork"]:
                pid = os.fork()
                if pid == 0:
                    run({**job, "parent": parent})
                answer.append(pid)
        elif "wait" in request:
            answer = [os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in request["wait"]]
        print(json.dumps(answer), flush=True)
    # Those still at work see by its pid that their parent has gone.


if __name__ == "__main__":
    main()

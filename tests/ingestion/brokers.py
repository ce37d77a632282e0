"""The broker that BROKER_URL names, with a queue of the tests' own in it: the embedded one's lies
in a database of its own, RabbitMQ's and Redis's under a name of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from kombu import Connection
from kombu.transport.base import StdChannel

EMBEDDED = settings.CELERY_BROKER_URL == "pgmq://"


class OwnQueue:
    """What lies in the queue, and how a process comes to use it (tests/ingestion/workers.py)."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def tasks(self) -> list[tuple[str, str]]:
        """(task, its arguments) of every message that waits. They stay."""
        if EMBEDDED:
            with psycopg.connect(self.environment["TEST_BROKER"]) as database:
                return database.execute(
                    "SELECT message -> 'headers' ->> 'task', message -> 'headers' ->> 'argsrepr'"
                    " FROM pgmq.q_celery"
                ).fetchall()
        found = []
        with _channel() as channel:  # what is not acknowledged goes back when it closes
            while (message := channel.basic_get(self.environment["TEST_QUEUE"])) is not None:
                found.append((message.headers["task"], message.headers["argsrepr"]))
        return found

    def wipe(self) -> None:
        """Lose every message."""
        if EMBEDDED:
            with psycopg.connect(self.environment["TEST_BROKER"]) as database:
                database.execute("SELECT pgmq.purge_queue('celery')")
            return
        with _channel() as channel:
            channel.queue_purge(self.environment["TEST_QUEUE"])

    def away(self) -> dict[str, str]:
        """The same, where nobody listens."""
        if EMBEDDED:
            return {"broker": "host=127.0.0.1 port=9 user=nobody connect_timeout=1"}
        return {"broker": settings.CELERY_BROKER_URL.partition(":")[0] + "://127.0.0.1:9//"}


@contextmanager
def _channel() -> Iterator[StdChannel]:
    with Connection(
        settings.CELERY_BROKER_URL, transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS
    ) as connection:
        yield connection.default_channel


@contextmanager
def queue_of_a_name() -> Iterator[OwnQueue]:
    """A queue of this process's own on a broker that others use too. It is taken away after."""
    queue = OwnQueue({"TEST_QUEUE": f"test_{os.getpid()}"})
    yield queue
    with _channel() as channel:
        channel.queue_delete(queue.environment["TEST_QUEUE"])

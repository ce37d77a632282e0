"""The embedded broker: its queue may be opened by any number of processes at one moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
from django.conf import settings
from kombu import Connection, Queue

pytestmark = pytest.mark.skipif(
    settings.CELERY_BROKER_URL != "pgmq://", reason="BROKER_URL names another broker"
)

PROCESSES = 6
TRIGGER = """
    SELECT oid FROM pg_trigger WHERE tgname = 'trigger_notify_queue_insert_listeners'
       AND tgrelid = 'pgmq.q_celery'::regclass
"""


def opened(broker: str, transport: str = settings.CELERY_BROKER_TRANSPORT) -> Connection:
    """A connection that has declared the queue, as a worker, a beat or a web process does."""
    options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "conn_string": broker, "pool_size": 1}
    connection = Connection("pgmq://", transport=transport, transport_options=options)
    Queue("celery")(connection.channel()).declare()
    return connection


def refusals(broker: str, transport: str) -> list[str]:
    """What is said to processes that open the queue at one moment, again and again."""
    start = Barrier(PROCESSES)

    def open_again_and_again(process: int) -> list[str]:
        said = []
        for turn in range(8):
            if start.wait() == 0 and turn:
                with psycopg.connect(broker) as connection:
                    connection.execute("SELECT pgmq.disable_notify_insert('celery')")
            start.wait()
            try:
                opened(broker, transport).release()
            except psycopg.Error as refusal:
                said.append(str(refusal))
        return said

    with ThreadPoolExecutor(PROCESSES) as pool:
        return [s for said in pool.map(open_again_and_again, range(PROCESSES)) for s in said]


def found(broker: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(broker) as connection:
        return connection.execute(query).fetchall()


def test_processes_that_open_the_queue_at_one_moment_are_not_refused(broker: str) -> None:
    assert refusals(broker, settings.CELERY_BROKER_TRANSPORT) == []
    assert len(found(broker, TRIGGER)) == 1


def test_a_queue_with_its_trigger_is_left_alone(broker: str) -> None:
    opened(broker).release()
    before = found(broker, TRIGGER)
    opened(broker).release()
    assert found(broker, TRIGGER) == before


def test_a_queue_whose_notification_a_crash_took_is_given_it_again(broker: str) -> None:
    opened(broker).release()
    with psycopg.connect(broker) as connection:
        connection.execute("TRUNCATE pgmq.notify_insert_throttle")  # unlogged: empty after a crash
    opened(broker).release()
    assert found(broker, "SELECT queue_name FROM pgmq.notify_insert_throttle") == [("celery",)]
    with opened(broker) as connection, psycopg.connect(broker, autocommit=True) as listener:
        listener.execute('LISTEN "pgmq.q_celery.INSERT"')
        connection.SimpleQueue("celery").put({"wake": 1})
        assert [n.channel for n in listener.notifies(timeout=10, stop_after=1)]

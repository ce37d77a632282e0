"""kombu's PGMQ transport, made safe for processes that open the queue at the same moment.

The transport has every connection, a web request's too, drop and create anew the trigger that
tells listeners of a message. Two at once refuse each other ("trigger already exists"), and each
waits for a lock on the whole queue. Here only a connection that finds the trigger missing makes
it, under the queue's own lock.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import pgmq

MISSING = """
    SELECT WHERE NOT EXISTS (
        SELECT FROM pgmq.notify_insert_throttle t
          JOIN pg_trigger g ON g.tgrelid = to_regclass(format('pgmq.%%I', 'q_' || t.queue_name))
                           AND g.tgname = 'trigger_notify_queue_insert_listeners'
         WHERE t.queue_name = %s)
"""


class Channel(pgmq.Channel):
    """A channel that leaves a queue's notification alone where it stands."""

    connection: Transport

    def _maybe_enable_notify(self, queue: str, queue_name: str | None = None) -> None:
        """Listen on `queue`, whose trigger is made where a new queue or a crash left none.

        After a crash of the server the trigger stands and its row, in an unlogged table, does not.
        """
        if not self.use_notify:
            return
        name = queue_name or self._queue_name(queue)
        client = self.pgmq
        assert client.pool is not None
        with client.pool.connection() as connection:
            if client._execute_with_result(MISSING, (name,), connection):
                connection.execute("SELECT pgmq.acquire_queue_lock(%s)", (name,))
                if client._execute_with_result(MISSING, (name,), connection):
                    client.enable_notify(name, self.notify_throttle_interval_ms, conn=connection)
        self.connection._register_notify_queue(name)


class Transport(pgmq.Transport):
    """The transport of `pgmq://` in this project (CELERY_BROKER_TRANSPORT)."""

    Channel: Any = Channel

"""Wake-ups. The states of the overrides are the queue."""

import logging

import psycopg
from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from overrides import execution, telling

log = logging.getLogger(__name__)


@shared_task(name="overrides.tasks.settle")
def settle() -> int:
    """Carry out what was approved, end what ran out, take back what nobody ratified; and tell
    those who sign what people and the clock have done.

    Twice is harmless: the database takes each step once, and each is told once.
    """
    telling.tell_each()  # before what may take its time
    taken = execution.work_through()
    told = telling.tell_each()
    log.info("took %s steps of overrides, told %s things of them", taken, told)
    return taken


def wake() -> None:
    """Tell a worker once this transaction has committed. Best effort: the beat comes by anyway."""
    transaction.on_commit(_send)


def _send() -> None:
    try:
        settle.delay()
    except (OperationalError, psycopg.Error) as fault:
        log.warning("no wake-up sent, the next round finds the work: %s", fault)

"""Wake-ups. A message carries no work: the rows of the queue do."""

import logging

import psycopg
from celery import shared_task
from celery.signals import worker_ready
from django.db import transaction
from kombu.exceptions import OperationalError

from ingestion import feeds, inbox, uploads, work

log = logging.getLogger(__name__)


@shared_task(name="ingestion.tasks.drain")
def drain() -> int:
    """Do the work that is ready. Twice is harmless: each item is claimed once."""
    done = work.drain()
    log.info("drained %s items", done)
    return done


@shared_task(name="ingestion.tasks.sweep")
def sweep() -> int:
    """Find what a lost worker or a lost message left, and do it. Twice is harmless."""
    found = work.sweep()
    log.info("swept %s orphans", found)
    return found + work.drain()


@shared_task(name="ingestion.tasks.read_feeds")
def read_feeds() -> int:
    """Begin to read the vendors' APIs that are due. Twice is harmless: each is read once at a
    time."""
    started = feeds.start_due()
    return started + work.drain() if started else 0


@shared_task(name="ingestion.tasks.look_in_inbox")
def look_in_inbox() -> int:
    """Take in the files that lie in the inbox. Twice is harmless: the same bytes are one import."""
    taken = inbox.take_in()
    return taken + work.drain() if taken else 0


@shared_task(name="ingestion.tasks.sweep_uploads")
def sweep_uploads() -> int:
    """Give up the uploads that were left unfinished. Twice is harmless: each ends once."""
    swept = uploads.sweep_uploads()
    log.info("gave up %s unfinished uploads", swept)
    return swept


def wake() -> None:
    """Tell a worker that there is work, once this transaction has committed. Best effort: the
    sweep finds the work if the message is lost or the broker is away."""
    transaction.on_commit(_send)


def _send() -> None:
    try:
        drain.delay()
    except (OperationalError, psycopg.Error) as fault:
        log.warning("no wake-up sent, the sweep will find the work: %s", fault)


@worker_ready.connect
def _begin(**_: object) -> None:
    drain.delay()

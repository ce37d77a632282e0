"""Sending the letters that wait. Their rows are the queue."""

import logging

from celery import shared_task

from access import letters

log = logging.getLogger(__name__)


@shared_task(name="access.tasks.send_letters")
def send_letters() -> int:
    """Send the letters that are due. Twice is harmless: each is taken by one worker at a time."""
    sent = letters.send_due()
    log.info("sent %s letters", sent)
    return sent

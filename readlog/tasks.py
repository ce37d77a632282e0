"""Wake-ups. What was refused stands in the table."""

import logging

from celery import shared_task

from readlog import repeats, viewing

log = logging.getLogger(__name__)


@shared_task(name="readlog.tasks.tell_repeats")
def tell_repeats() -> int:
    """Tell administrators of those who are refused again and again.

    Twice is harmless: an alert is counted up only by what came after it was raised.
    """
    told = repeats.tell_of_repeats()
    log.info("told of %s senders that are refused again and again", told)
    return told


@shared_task(name="readlog.tasks.end_viewings")
def end_viewings() -> int:
    """End the views as another that are over. Twice is harmless: each ends once."""
    ended = viewing.end_all_over()
    log.info("ended %s views as another", ended)
    return ended

"""The queue's part in sending messages about alerts: again later, and given up in the end."""

from alerts import sending
from ingestion.backoff import TryLater, seconds_before_try

MOST_TRIES = 12


class NotTold(Exception):
    """A message could not be brought to anybody, however often it was tried."""


def run_notice(*, notice_id: int, production_id: int, attempts: int) -> None:
    """Send one message, or put it off. Twice is harmless: what was sent is not sent again."""
    try:
        sending.send_notice(notice_id=notice_id, production_id=production_id)
    except sending.NotSent as fault:
        if attempts >= MOST_TRIES:
            raise NotTold(str(fault)) from fault
        raise TryLater(seconds_before_try(attempts)) from fault

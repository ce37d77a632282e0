"""How long to wait before something is tried again. Pure.

The waits are tenacity's: exponential, with full jitter, so that what failed together is not tried
together again. Nobody sleeps here: the wait becomes the row's next try, which outlives a worker.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying, wait_random_exponential

FIRST_SECONDS = 5.0
MOST_SECONDS = 3600.0
LEAST_SECONDS = 1.0
# What a server may ask for and be believed: longer is taken for a mistake.
MOST_ASKED_SECONDS = 24 * 3600.0

_WAIT = wait_random_exponential(multiplier=FIRST_SECONDS, min=LEAST_SECONDS, max=MOST_SECONDS)


class TryLater(Exception):
    """This work cannot be done now, through no fault of its own: it waits in its row."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"in {seconds:.0f} seconds")
        self.seconds = seconds


def seconds_before_try(attempts: int, asked: float | None = None) -> float:
    """The wait after the `attempts`-th failure: jittered, and never shorter than was asked for."""
    call = RetryCallState(Retrying(), None, (), {})
    call.attempt_number = max(attempts, 1)
    wait = _WAIT(call)
    if asked is None:
        return wait
    # On top of what was asked, or all who were refused would be back in the same second.
    return min(asked, MOST_ASKED_SECONDS) + min(wait, FIRST_SECONDS)


def asked_seconds(retry_after: str, now: datetime) -> float | None:
    """What a Retry-After header asks for: seconds, or an HTTP date; None for neither."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return int(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())

"""How much a person reads: more than anybody reads is held for a while (decision 42).

Counted for each person over all screens and files, beside the requests' own transactions.
"""

from django.conf import settings
from django.db import connection


def seconds_to_wait(person_id: int) -> int:
    """Count a request of the person: 0, or for how long nothing is shown to them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sec.reading_asked(%s, %s, %s, %s)",
            [
                person_id, settings.READING_REQUESTS_A_MINUTE, settings.READING_ROWS,
                settings.READING_MINUTES,
            ],
        )  # fmt: skip
        (wait,) = cursor.fetchone() or (0,)
    return int(wait)


def count_rows(person_id: int, rows: int) -> None:
    """Add what the person was shown."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sec.rows_read(%s, %s)", [person_id, rows])


def limits_in_words() -> str:
    """What nobody reads more than."""
    return (
        f"{settings.READING_REQUESTS_A_MINUTE:,} requests a minute, or {settings.READING_ROWS:,} "
        f"rows in {settings.READING_MINUTES} minutes"
    )

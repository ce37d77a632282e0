"""What other tests were refused within this minute does not take a test's room."""

from django.db import transaction

from tests.access.house import read
from tests.factories import role


def make_room() -> None:
    """Move what was refused lately into another time."""
    with role("owner"), transaction.atomic():
        read(
            "UPDATE readlog_attempt SET last_at = last_at - interval '1 hour',"
            " minute = minute - make_interval(days => 100 + id::int)"
            " WHERE last_at > now() - interval '30 minutes'"
        )

"""Telling administrators of an address or a person that is refused again and again."""

from typing import Any

from django.db import connection

from access import context, selectors
from access.models import Production
from alerts.models import Alert
from alerts.services import raise_alert
from readlog.told import READING, REFUSED

MINUTES, LEAST = 10, 10


def tell_of_repeats() -> int:
    """Raise an alert for each sender with ten refusals in ten minutes, and for each person who was
    held for reading too much, or count up the one there is if there were more since; how many."""
    return sum(_tell(production) for production in list(selectors.every_production()))


def _tell(production: Production) -> int:
    with context.acting(user_id=context.NOBODY, production_id=production.pk):
        refused = _asked("SELECT * FROM sec.repeated_attempts(%s, %s)", MINUTES, LEAST)
        reading = _asked("SELECT * FROM sec.readers_held(%s)", MINUTES)
        return _raise(production, REFUSED, refused) + _raise(production, READING, reading)


def _asked(sql: str, *asked: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        return list(cursor.fetchall())


def _raise(production: Production, kind: str, senders: list[tuple[Any, ...]]) -> int:
    """An alert for each sender who has none that is open, or none as late; how many."""
    told = 0
    open_ = Alert.objects.filter(production=production, kind=kind, closed_at__isnull=True)
    last = dict(open_.values_list("source", "last_at"))
    for sender, _times, latest in senders:
        if sender not in last or latest > last[sender]:
            raise_alert(production=production, kind=kind, source=sender)
            told += 1
    return told

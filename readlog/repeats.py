"""Telling administrators of an address or a person that is refused again and again."""

from django.db import connection

from access import context, selectors
from access.models import Production
from alerts.models import Alert
from alerts.services import raise_alert
from readlog.told import REFUSED

MINUTES, LEAST = 10, 10


def tell_of_repeats() -> int:
    """Raise an alert for each sender with ten refusals in ten minutes, or count up the one there
    is if there were more since; how many."""
    return sum(_tell(production) for production in list(selectors.every_production()))


def _tell(production: Production) -> int:
    told = 0
    with context.acting(user_id=context.NOBODY, production_id=production.pk):
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM sec.repeated_attempts(%s, %s)", [MINUTES, LEAST])
            senders = cursor.fetchall()
        open_ = Alert.objects.filter(
            production=production, kind=REFUSED, closed_at__isnull=True
        ).values_list("source", "last_at")
        last = dict(open_)
        for sender, _times, latest in senders:
            if sender not in last or latest > last[sender]:
                raise_alert(production=production, kind=REFUSED, source=sender)
                told += 1
    return told

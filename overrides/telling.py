"""Telling those who sign what becomes of overrides: at once, each thing once, by the worker.

What is told is written down with the alert it raised, in one transaction: a second worker finds it
told, and a worker that is killed leaves it to be told by the next.
"""

from django.db import connection, transaction

from access import context
from access.models import Production
from access.selectors import every_production
from alerts import services
from overrides import selectors
from overrides.models import Override
from overrides.told import OF_STEP


def tell_each(production: Production | None = None) -> int:
    """Tell what has happened on one production or on all of them; how many things were told.

    Twice is harmless: each thing is told once.
    """
    told = 0
    for each in [production] if production else list(every_production()):
        with context.acting(user_id=context.NOBODY, production_id=each.pk):
            told += sum(tell(found, "asked") for found in selectors.untold_requests(each))
            for step in selectors.untold_steps(each):
                told += tell(step.override, OF_STEP[step.step], step.number)
            told += sum(tell(found, "due") for found in selectors.untold_due(each))
    return told


def tell(found: Override, kind: str, number: int = 0) -> bool:
    """Tell one thing about an override, unless it was told before. `number` tells two of a kind
    apart. In a worker's context of the production; whether it was told now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO overrides_told (production_id, override_id, kind, number)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [found.production_id, found.pk, kind, number],
        )
        if cursor.rowcount == 0:
            return False
        services.supersede(production=found.production, kind=kind, source=found.reference)
        services.raise_alert(production=found.production, kind=kind, source=found.reference)
    return True

"""The weekly periods: what stands in each, and who closed it when."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from access.models import Production
from ledger.models import Period
from ledger.selectors import periods

_DOCUMENTS = """
SELECT t.period_id, count(*)::int FROM ledger_transaction t
WHERE t.production_id = %s GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """A period with its documents; who closed it and when, once it is closed."""

    period: Period
    documents: int
    closed_at: datetime | None
    closed_by: str
    is_next: bool


def period_rows(production: Production) -> list[PeriodRow]:
    """Every period in order. The first open one is the next to close."""
    every = list(periods(production))
    with connection.cursor() as cursor:
        cursor.execute(_DOCUMENTS, [production.pk])
        documents = dict(cursor.fetchall())
    closings = {
        past.id: (past.history_date, past.history_user.name if past.history_user else "")
        for past in Period.history.filter(
            production=production, state="closed", history_type="~"
        ).select_related("history_user")
    }
    following = next((p.pk for p in every if p.state == "open"), None)
    return [
        PeriodRow(
            p, documents.get(p.pk, 0), *closings.get(p.pk, (None, "")), is_next=p.pk == following
        )
        for p in every
    ]

"""What stands on each segment of a production: costs, and what orders have open."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from access.models import Production
from ledger.journal import ACTUAL, COMMITMENT

# In the production's currency; a line without a rate has no value yet and is counted apart.
_SUMS = """
SELECT x.code, coalesce(sum(x.base_amount) FILTER (WHERE x.book = %(actual)s), 0),
       coalesce(sum(x.base_amount) FILTER (WHERE x.book = %(commitment)s), 0),
       (count(*) FILTER (WHERE x.base_amount IS NULL))::int
FROM (SELECT string_to_table(p.segments, ' ') AS code, p.book, p.base_amount
      FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id AND a.statement = 'cost'
      WHERE p.production_id = %(production)s AND p.segments <> ''
        AND p.book IN (%(actual)s, %(commitment)s)) x
GROUP BY x.code
"""


@dataclass(frozen=True, slots=True)
class Coded:
    """Costs to date and open commitments of one segment, and how many lines have no rate."""

    actual: Decimal
    commitments: Decimal
    without_rate: int


def coded_sums(production: Production) -> Mapping[str, Coded]:
    """`set=CAFE` -> what stands on it, as far as the asker may see it."""
    asked = {"production": production.pk, "actual": ACTUAL, "commitment": COMMITMENT}
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, asked)
        return {code: Coded(*sums) for code, *sums in cursor.fetchall()}

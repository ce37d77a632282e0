"""Accounts and periods in the office's log: what the numbers in sealed postings stand for.

An entry of type `chart` says every account and period that no entry said before, or that is not as
one said it. So what a bundle calls an account is sealed like the postings on it, and whoever
renames one leaves both names in the log.
"""

import json
from typing import Any

from django.db import connection

from access import context
from access.models import Production
from ledger.audit_rules import canonical
from ledger.findings import rows

ENTRY = "chart"
Masters = dict[str, dict[str, Any]]  # "accounts" and "periods": id -> what it is

_LIVE = {
    "accounts": """
SELECT a.id::text, jsonb_build_object('code', a.code, 'name', a.name, 'line', a.line,
    'category', coalesce(k.code, ''), 'kind', a.kind, 'normal_side', a.normal_side,
    'statement', a.statement, 'clearing_role', a.clearing_role)
FROM ledger_account a LEFT JOIN ledger_account k ON k.id = a.category_id
WHERE a.production_id = %s ORDER BY a.id
""",
    "periods": """
SELECT id::text, jsonb_build_object('number', number::text, 'starts_on', starts_on,
    'ends_on', ends_on)
FROM ledger_period WHERE production_id = %s ORDER BY id
""",
}
_SAID = """
SELECT line::jsonb -> 'data' FROM ledger_logentry
WHERE production_id = %s AND unit_id = journal.office(%s) AND type = 'chart' ORDER BY seq
"""


def masters_said(production: Production) -> Masters:
    """What the log says of accounts and periods: of each, what was said last."""
    said: Masters = {word: {} for word in _LIVE}
    for (data,) in rows(_SAID, [production.pk, production.pk]):
        for word, found in json.loads(data).items():
            said[word].update(found)
    return said


def say_masters(*, production: Production) -> None:
    """Write into the office's log what it does not say of accounts and periods yet.

    Twice is harmless: what is said is not said again. In the name of nobody, by the owner.
    """
    with context.acting(user_id=context.NOBODY, production_id=production.pk):
        with connection.cursor() as cursor:  # one at a time, or two would say the same
            cursor.execute(
                "SELECT 1 FROM ledger_loghead WHERE production_id = %s"
                " AND unit_id = journal.office(%s) FOR NO KEY UPDATE",
                [production.pk, production.pk],
            )
        said = masters_said(production)
        new: Masters = {word: {} for word in _LIVE}
        for word, sql in _LIVE.items():
            live = {key: json.loads(value) for key, value in rows(sql, [production.pk])}
            new[word] = {key: row for key, row in live.items() if said[word].get(key) != row}
        if any(new.values()):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT journal.append(%s, journal.office(%s), %s, %s, NULL)",
                    [production.pk, production.pk, ENTRY, canonical(new).decode().rstrip()],
                )

"""The invoices that stand, to be compared with those a file brings; and writing down new ones.

Asked and written for sources of vendor invoices only: no other road pays for it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from django.db import connection

from access.models import Production
from ingestion.gate.likeness import Invoice, Lookalikes, Terms, number_key
from ingestion.gate.pipeline import invoice_of
from ingestion.gate.schema import CleanLine
from ingestion.layouts.mapping import Mapping
from ledger.journal import TransactionDraft
from ledger.models import Batch
from purchasing import selectors as purchasing


class Keyed(Protocol):
    """A clean line with its document's key."""

    @property
    def line(self) -> CleanLine: ...
    @property
    def key(self) -> bytes: ...


TURN_CLASS = 0x696E76  # "inv": the class of the lock by which files of invoices take turns

# Key by key through the index, whatever the statistics say, as with document keys. One that was
# taken back stands no more; one that was moved to other accounts, or issued again, does.
_POSTED = """
SELECT t.vendor, t.reference, m.amount, m.currency, m.batch_id, m.number, coalesce(d.name, ''),
    coalesce(t.source_row, 0), b.recorded_at::date
FROM unnest(%(keys)s::text[], %(currencies)s::text[], %(amounts)s::numeric[])
    AS asked(key, currency, amount)
CROSS JOIN LATERAL (
    SELECT m.batch_id, m.number, m.currency, m.amount FROM ingestion_invoicemark m
    WHERE m.production_id = (SELECT %(production)s::bigint) AND m.number_key = asked.key
      AND m.currency = asked.currency AND m.amount = asked.amount OFFSET 0) m
JOIN ledger_transaction t ON t.production_id = (SELECT %(production)s::bigint)
    AND t.batch_id = m.batch_id AND t.number = m.number
JOIN ledger_batch b ON b.id = m.batch_id
LEFT JOIN ledger_sourcedocument d ON d.id = t.document_id
WHERE NOT EXISTS (
    SELECT 1 FROM ledger_transaction r JOIN ledger_batch rb ON rb.id = r.batch_id
    WHERE r.production_id = (SELECT %(production)s::bigint) AND r.reverses_batch_id = m.batch_id
      AND r.reverses_number = m.number AND rb.kind = 'reverse')
ORDER BY m.batch_id, m.number
"""
_MARK = """
INSERT INTO ingestion_invoicemark (production_id, batch_id, number, number_key, currency, amount)
SELECT %s, %s, made.* FROM unnest(%s::int[], %s::text[], %s::text[], %s::numeric[]) AS made
"""


def compared(
    production: Production, mapping: Mapping, candidates: Sequence[Keyed], known: Iterable[bytes]
) -> Lookalikes | None:
    """What stands and has the terms of any of the candidates, but those `known` by their key;
    None where the source's rows are no invoices."""
    if not mapping.is_invoices:
        return None
    posted = set(known)
    found = [invoice_of(c.line, 0) for c in candidates if c.key not in posted]
    return standing(production, {mine.terms for mine in found if mine is not None})


def standing(production: Production, terms: Iterable[Terms]) -> Lookalikes:
    """The posted invoices of these terms, from files and entered by hand."""
    asked = sorted(terms)
    alike = Lookalikes()
    if not asked:
        return alike
    keys, currencies, amounts = (list(column) for column in zip(*asked, strict=True))
    said: dict[str, Any] = {
        "production": production.pk, "keys": keys, "currencies": currencies, "amounts": amounts,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_POSTED, said)
        for vendor, number, amount, currency, batch, at, name, row, day in cursor.fetchall():
            alike.add(Invoice(vendor, number, amount, currency, (batch, at), name, row, day))
    for hand in purchasing.invoices_of_terms(production, asked):
        alike.add(
            Invoice(
                hand.vendor, hand.number, hand.amount, hand.currency, hand.key,
                posted_on=hand.entered_on, is_by_hand=True,
            )
        )  # fmt: skip
    return alike


def take_turn(production: Production) -> None:
    """Until the end of the transaction no other file of invoices posts here: of two that are alike
    the second sees the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", [TURN_CLASS, production.pk])


def mark(batch: Batch, drafts: Sequence[TransactionDraft]) -> None:
    """Write down what these posted invoices are found by."""
    made = [
        (number, number_key(draft.reference), draft.postings[0].currency, draft.postings[0].amount)
        for number, draft in enumerate(drafts, 1)
        if draft.reference and draft.postings
    ]
    if not made:
        return
    columns = [list(column) for column in zip(*made, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [batch.production_id, batch.pk, *columns])

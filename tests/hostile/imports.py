"""Whole imports of hostile files: a production for them, and what became of every row."""

import itertools
import os
from datetime import date
from pathlib import Path
from typing import Any

from django.db import connection

from access.services import console_person
from ingestion.models import ImportBatch
from ledger.opening import ProductionPlan, open_production
from ledger.selectors import document_bytes
from tests.factories import Film, acting, role

CHART = (Path(__file__).parent / "chart.csv").read_text()
_number = itertools.count(1)


def hostile_film() -> Film:
    """A production with the corpus's own chart, its accountant the console."""
    console = console_person()
    plan = ProductionPlan(
        code=f"H{os.getpid()}-{next(_number)}", title="Hostile", currency="USD",
        starts_on=date(2025, 1, 6), account_format="NNNN-NN-NN", chart=CHART,
    )  # fmt: skip
    with role("owner"):
        return Film(open_production(actor=console, plan=plan), {"amir": console})


_OUTCOMES = """
SELECT t.source_row, 'post:' || (SELECT sum(p.amount) FROM ledger_posting p
        WHERE p.batch_id = t.batch_id AND p.transaction_number = t.number)::numeric(19, 2)
FROM ledger_transaction t WHERE t.production_id = %(film)s AND t.document_id = %(document)s
UNION ALL
SELECT row, 'duplicate' FROM ingestion_duplicaterow
WHERE production_id = %(film)s AND batch_id = %(batch)s
UNION ALL
SELECT row, 'quarantine:' || array_to_string(codes, ',') FROM ingestion_heldrow
WHERE production_id = %(film)s AND batch_id = %(batch)s
"""


def outcomes(batch: ImportBatch) -> dict[int, str]:
    """Row -> post:AMOUNT, duplicate or quarantine:CODE,CODE; every row once, as counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            _OUTCOMES,
            {"film": batch.production_id, "document": batch.document_id, "batch": batch.pk},
        )
        found: list[tuple[int, str]] = cursor.fetchall()
    rows = dict(found)
    assert len(rows) == len(found), "a row has two outcomes"
    assert sorted(rows) == list(range(1, batch.rows + 1))
    for word, count in (
        ("post", batch.posted), ("duplicate", batch.duplicate), ("quarantine", batch.quarantined),
    ):  # fmt: skip
        assert sum(outcome.startswith(word) for outcome in rows.values()) == count
    return rows


def posted_count(film: Film) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM ledger_transaction WHERE production_id = %s",
            [film.production.pk],
        )
        (count,) = cursor.fetchone()
    return int(count)


def kept_bytes(film: Film, batch: ImportBatch) -> bytes:
    """The document as it is kept."""
    with acting(film, "amir"):
        return b"".join(document_bytes(batch.document))


def agrees(outcome: str, expected: Any) -> bool:
    """Whether what became of a row is what the corpus asks for."""
    word, _, what = str(expected).partition(":")
    said, _, detail = outcome.partition(":")
    if word == "quarantine":
        return said == word and what in detail.split(",")
    if word == "post" and what:
        return outcome == expected
    return said == word

"""Altering what is posted behind the database's back, and what the verifier may call it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.utils import DataError, IntegrityError

from tests.factories import Film, role
from tests.ledger.raw_batches import query


@contextmanager
def tampering() -> Iterator[None]:
    """A superuser's transaction in which no trigger fires; it is undone at the end."""
    with role("admin"), transaction.atomic():
        query("SET LOCAL session_replication_role = replica")
        yield
        transaction.set_rollback(True)


@contextmanager
def rewritten() -> Iterator[None]:
    """What a superuser does with the triggers off, and commits: on a film of the test's own."""
    with role("admin"), transaction.atomic():
        query("SET LOCAL session_replication_role = replica")
        yield


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside is undone; what the table itself refuses is no tampering."""
    point = transaction.savepoint()
    try:
        yield
    except (IntegrityError, DataError):
        pass
    finally:
        transaction.savepoint_rollback(point)


def a_row(film: Film, table: str) -> dict[str, Any]:
    """One row of a table: not the first, so that neighbours on both sides are there."""
    where = {
        "ledger_loghead": "size > 0",
        # Near the beginning of the longer log, wherever its rows have come to lie.
        "ledger_logentry": "seq < 3 AND unit_id = (SELECT unit_id FROM ledger_logentry y"
        " WHERE y.production_id = x.production_id GROUP BY 1 ORDER BY max(seq) DESC LIMIT 1)",
        "ledger_sourcepiece": "true",
        "taxonomy_costnode": "kind = 'account' AND code = '3310'",
    }.get(table, "true")
    ((row,),) = query(
        f"SELECT to_jsonb(x) || jsonb_build_object('at', x.ctid) FROM {table} x"
        f" WHERE production_id = %s AND {where} ORDER BY x.ctid OFFSET 1 LIMIT 1",
        film.production.pk,
    )
    return dict(json.loads(row))


def unit_code(unit_id: int | None) -> str:
    found = query("SELECT code FROM taxonomy_unit WHERE id = %s", unit_id)
    return str(found[0][0]) if found else ""


def names_of(table: str, row: dict[str, Any]) -> set[str]:
    """What the verifier may call this row: itself, or what lacks it once it has been moved."""
    batch, unit = row.get("batch_id"), row.get("unit_id")
    simple = {
        "ledger_posting": f"posting {batch}/{row.get('line_no')}",
        "ledger_transaction": f"transaction {batch}/{row.get('number')}",
        "ledger_batch": f"batch {row.get('id')}",
        "ledger_batchtotal": f"total of batch {batch}, account {row.get('account_id')}",
        "ledger_logentry": f"log entry {unit_code(unit)}#{row.get('seq')}",
        "ledger_loghead": f"log of unit {unit_code(unit)}",
        "ledger_sealedleaves": f"batch {batch}",
        "ledger_leafbucket": f"look-up of batch {batch}",
        "ledger_checkpoint": f"checkpoint {unit_code(unit)}@{row.get('size')}",
        "ledger_sourcepiece": f"document {row.get('document_id')} costs.csv",
        "ledger_sourcedocument": f"document {row.get('id')} costs.csv",
        "ledger_attachment": f"attachment {row.get('id')}",
        "ledger_attachmentwithdrawal": f"attachmentwithdrawal {row.get('id')}",
        "ledger_statementline": f"bank statement {row.get('statement_id')}",
        "taxonomy_costnode": f"cost node {row.get('id')}, {row.get('code')}",
    }
    return {simple[table], *also_named(table, row)}


def also_named(table: str, row: dict[str, Any]) -> list[str]:
    """What stands beside a row, and is missed or left over when the row is gone."""
    if table == "ledger_batch":
        seals = "SELECT unit_id, seq FROM ledger_logentry WHERE batch_id = %s"
        return [f"log entry {unit_code(u)}#{seq}" for u, seq in query(seals, row["id"])]
    if table == "ledger_logentry":
        return [f"log entry {unit_code(row['unit_id'])}#{row['seq'] + 1}"]
    if table == "ledger_sourcedocument":
        of_file = "SELECT id FROM ledger_batch WHERE document_id = %s"
        return [
            f"document {row['id']}, piece 0",
            *(f"batch {batch}" for (batch,) in query(of_file, row["id"])),
        ]
    if table == "taxonomy_costnode":
        of_node = "SELECT batch_id, line_no FROM ledger_posting WHERE node_id = %s"
        renamed = query("SELECT code FROM taxonomy_costnode WHERE id = %s", row["id"])
        return [f"posting {b}/{n}" for b, n in query(of_node, row["id"])] + [
            f"cost node {row['id']}, {code}" for (code,) in renamed
        ]
    return []

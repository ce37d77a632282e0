"""Batches written by raw SQL, so that a test can make one value at a time wrong."""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from ledger.journal import PostingDraft, TransactionDraft
from ledger.services import BatchHeader
from tests.factories import Film, role

_number = itertools.count(1)
Values = dict[str, Any]


@dataclass(frozen=True)
class Words:
    """The ids a batch of this film is written with."""

    production: int
    actor: int
    units: dict[str, int]
    accounts: dict[str, int]
    clearing: dict[str, int]
    centers: dict[str, int]
    nodes: dict[tuple[str, str], int]
    periods: dict[int, int]


def words(film: Film) -> Words:
    """Read the film's ids as the owner; the tables are behind row security for all others."""
    with role("owner"):
        p = film.production.pk
        return Words(
            p,
            film.cast["amir"].pk,
            dict(query("SELECT code, id FROM taxonomy_unit WHERE production_id = %s", p)),
            dict(query("SELECT code, id FROM ledger_account WHERE production_id = %s", p)),
            dict(
                query(
                    "SELECT clearing_role, id FROM ledger_account"
                    " WHERE production_id = %s AND clearing_role <> ''",
                    p,
                )
            ),
            dict(query("SELECT code, id FROM taxonomy_costcenter WHERE production_id = %s", p)),
            {
                (unit, code): pk
                for unit, code, pk in query(
                    "SELECT u.code, n.code, n.id FROM taxonomy_costnode n"
                    " JOIN taxonomy_unit u ON u.id = n.unit_id"
                    " WHERE n.production_id = %s AND n.kind = 'account'",
                    p,
                )
            },
            dict(query("SELECT number, id FROM ledger_period WHERE production_id = %s", p)),
        )


def query(sql: str, *asked: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement in the current connection and transaction."""
    with connection.cursor() as cursor:
        cursor.execute(sql, asked or None)
        return cursor.fetchall() if cursor.description else []


def insert(table: str, **values: Any) -> tuple[Any, ...]:
    """INSERT one row by raw SQL; what came back of it."""
    returning = " RETURNING id" if table == "ledger_batch" else ""
    names = ", ".join(values)
    marks = ", ".join(["%s"] * len(values))
    rows = query(f"INSERT INTO {table} ({names}) VALUES ({marks}){returning}", *values.values())
    return rows[0] if rows else ()


def fresh_key() -> bytes:
    """32 bytes nobody has used."""
    return hashlib.sha256(f"test key {next(_number)}".encode()).digest()


def write_batch(
    w: Words,
    *,
    batch: Values | None = None,
    transactions: Sequence[Values] = ({},),
    postings: Sequence[Values] = ({},),
) -> int:
    """INSERT a batch that is right but for the values given. Its seal runs at commit."""
    full = [posting_values(w, number, p) for number, p in enumerate(postings, 1)]
    header = {
        "production_id": w.production,
        "unit_id": w.units["MAIN"],
        "kind": "import",
        "key": fresh_key(),
        "document_sha256": b"",
        "origin": "by hand",
        "transaction_count": len(transactions),
        "line_count": len(full),
        "control_total": sum((abs(p["amount"]) for p in full), Decimal(0)),
        "actor_id": w.actor,
        **(batch or {}),
    }
    (batch_id,) = insert("ledger_batch", **header)
    for number, given in enumerate(transactions, 1):
        insert("ledger_transaction", **{**transaction_values(w, batch_id, number), **given})
    for values in full:
        insert("ledger_posting", **{"batch_id": batch_id, **values})
    return int(batch_id)


def transaction_values(w: Words, batch_id: int, number: int) -> Values:
    """One document of a batch."""
    return {
        "production_id": w.production,
        "batch_id": batch_id,
        "number": number,
        "document_key": fresh_key(),
        "facts": fresh_key(),
        "reference": f"INV-{number}",
        "vendor": "Panavision",
        "description": "",
        "jurisdiction": "IATSE",
        "effective_date": date(2026, 1, 14),
        "source_zone": "UTC",
        "period_id": w.periods[2],
        "cost_center_id": w.centers["CAM"],
    }


def posting_values(w: Words, line_no: int, given: Values) -> Values:
    """One posting: camera package against payables, 10.00 USD."""
    amount = given.get("amount", Decimal("10.0000"))
    return {
        "production_id": w.production,
        "line_no": line_no,
        "transaction_number": 1,
        "unit_id": w.units["MAIN"],
        "book": 1,
        "account_id": w.accounts["3310"],
        "counter_account_id": w.clearing["payables"],
        "cost_center_id": w.centers["CAM"],
        "node_id": w.nodes["MAIN", "3310"],
        "period_id": w.periods[2],
        "component": "cost",
        "line": "BTL",
        "rule": "account",
        "currency": "USD",
        "amount": amount,
        "base_amount": amount,
        **given,
    }


def draft(
    w: Words, *, unit: str = "MAIN", amounts: Sequence[str] = ("10.00",), **changed: Any
) -> TransactionDraft:
    """A document for `ledger.services.post_batch`, with a posting for each amount."""
    postings = tuple(
        PostingDraft(
            w.accounts["3310"], w.clearing["payables"], w.centers["CAM"], w.nodes[unit, "3310"],
            w.periods[2], "cost", "BTL", "account", "USD", Decimal(a), Decimal(a),
        )
        for a in amounts
    )  # fmt: skip
    made = TransactionDraft(
        None, None, None, None, fresh_key(), fresh_key(), "INV-1", "Panavision", "", "IATSE",
        date(2026, 1, 14), None, "UTC", w.periods[2], w.centers["CAM"], postings,
    )  # fmt: skip
    return made._replace(**changed)


def header(film: Film, w: Words, *, unit: str = "MAIN", key: bytes | None = None) -> BatchHeader:
    """What `post_batch` is told of a batch that came from no file."""
    return BatchHeader(
        production=film.production,
        unit_id=w.units[unit],
        kind="import",
        key=key or fresh_key(),
        document=None,
        origin="by hand",
    )

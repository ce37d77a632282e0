"""What a file of documents, or a bank's file, would do: done as it would be, and taken back.

Each document is entered in a database transaction of its own that is rolled back: what refuses it
later refuses it now, in the same words, and nothing of it stays. A bank's lines are compared line
by line with their account's, so all of a file is one such transaction.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import NamedTuple

from access import context
from access.errors import Refused
from access.models import Production, User
from access.selectors import actions_on
from ingestion import banking, paper_import
from ingestion.gate.bank_reading import BankReader
from ingestion.gate.paper_check import Plan
from ingestion.gate.paper_rows import Document
from ingestion.gate.pipeline import FileReader, Held
from ingestion.layouts.mapping import Mapping
from ingestion.models import ImportBatch
from ledger import services as posting

_STAND_IN = b"A dry run: what this stands for was not received."


class Tried(NamedTuple):
    """What became of some rows, before it was taken back: counts, held rows, and money."""

    rows: int
    posted: int
    duplicate: int
    held: list[Held]
    totals: dict[str, Decimal]


class MayNotTry(Refused):
    """The file would be entered as documents, which this person may not do."""

    code = "may_not_enter"
    status = 403


class _Back(Exception):
    """What was done was only tried."""


@contextmanager
def tried(batch: ImportBatch, actor: User) -> Iterator[None]:
    """As this person, in a transaction of which nothing stays. Where the file was not received,
    something else stands for it meanwhile."""
    before = batch.document_id
    try:
        with context.acting(user_id=actor.pk, production_id=batch.production_id):
            if before is None:
                batch.document = posting.keep_document(
                    actor=actor, production=batch.production, name=batch.file_name,
                    sha256=hashlib.sha256(_STAND_IN).digest(), byte_size=len(_STAND_IN),
                    data=[_STAND_IN],
                )  # fmt: skip
            yield
            raise _Back
    except _Back:
        pass
    finally:
        if before is None:
            batch.document_id = None  # as it came: not saved


def check_may_enter(actor: User, production: Production, mapping: Mapping) -> None:
    """Raises MayNotTry unless the person may enter documents here."""
    if paper_import.NEEDED not in actions_on(actor, production):
        raise MayNotTry(
            f"{mapping.label}: such a file is entered as documents, and you may import files but "
            "not enter documents here. Ask a production accountant to try it."
        )


def tried_documents(batch: ImportBatch, reader: FileReader, actor: User) -> Iterator[Tried]:
    """The documents of an opened file, one after the other. Raises MayNotTry."""
    with context.acting(user_id=actor.pk, production_id=batch.production_id):
        check_may_enter(actor, batch.production, reader.mapping)
        desk = paper_import.desk_for(
            actor, batch, reader.gate, origin=reader.mapping.name, has_spans=reader.has_spans
        )
    for document in paper_import.documents(reader, batch.declared, after=0):
        with tried(batch, actor):
            outcome = paper_import.enter(desk, document)
        totals = _worth(desk.gate.examine(document), document) if outcome.posted else {}
        yield Tried(document.rows, outcome.posted, len(outcome.duplicates), outcome.held, totals)


def _worth(plan: Plan | object, document: Document) -> dict[str, Decimal]:
    """What a document comes to: a journal by its debits, others by their lines."""
    assert isinstance(plan, Plan), f"{document.key} was entered"
    is_balanced = not sum(leg.amount for leg in plan.legs)
    return {
        plan.currency: sum(
            (leg.amount for leg in plan.legs if leg.amount > 0 or not is_balanced), Decimal(0)
        )
    }


def tried_lines(batch: ImportBatch, reader: BankReader, actor: User) -> list[Tried]:
    """The lines of a bank's file, chunk by chunk; what is received less what is paid is its
    money."""
    found: list[Tried] = []
    answered: frozenset[tuple[int, int]] = frozenset()
    with tried(batch, actor):
        banking.open_all(batch, reader)
        for chunk in reader.chunks():
            outcome = banking.decide(batch, reader, chunk, answered)
            answered |= {(first, number) for _, first, number in outcome.duplicates}
            totals: dict[str, Decimal] = {}
            for taking in outcome.takings:
                for line, *_ in taking.decision.fresh:
                    currency = reader.currencies[line.ordinal]
                    totals[currency] = totals.get(currency, Decimal(0)) + line.amount
            banking.keep(outcome)
            found.append(
                Tried(chunk.rows, outcome.posted, len(outcome.duplicates), outcome.held, totals)
            )
    return found

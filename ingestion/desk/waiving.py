"""A held row posted as it stands, under an override signed for just that row.

The row goes through the same gate as any other, but for the rules that are passed over; what it
would post is worked out when it is asked for, signed, and posted to the cent or not at all.
"""

import hashlib
import json
from decimal import Decimal

from django.db import IntegrityError, transaction

from access.errors import Invalid, NotFoundHere, Refused
from access.models import Production, User
from ingestion import banking, selectors
from ingestion.desk import settling
from ingestion.desk.resolving import log_outcome
from ingestion.desk.settling import Asked, Reader, Readers
from ingestion.formats.records import Record, RejectedFile
from ingestion.gate.schema import CleanLine
from ingestion.gate.waivers import never, rule_of
from ingestion.layouts.mapping import FIELDS
from ingestion.models import HeldRow, RevisionOutcome, RowRevision
from ingestion.reading import mapping_of_import
from ledger import selectors as ledger
from ledger import services as posting
from ledger.journal import TransactionDraft
from ledger.models import Batch
from overrides import carrying, kinds
from overrides import selectors as overrides
from overrides.carrying import Carrier, Meant
from overrides.models import Override

KIND = "validation_waiver"


def register() -> None:
    """Say that the desk carries waivers out."""
    needs = frozenset({"post_entries", "resolve_quarantine"})
    carrying.add(KIND, Carrier(plan, run, take_back, needs))


def plan(actor: User, production: Production, asked: carrying.Asked) -> Meant:
    """What a held row would post as it stands. Raises Invalid and Refused in words."""
    assert actor.is_active
    if asked.row is None:
        raise Invalid("Held row: expected its import and its number, such as 12-418.")
    row = selectors.row_of_import(production, *asked.row)
    if row is None:
        raise NotFoundHere
    reader, line = _read(row)
    if settling.stands_already(reader, row, line):
        raise Refused(f"{_name(row)} is posted already, from this file or another: reject the row.")
    draft = _draft(reader, row, line)
    digest = overrides.leaf_about(production, "upload", "import", row.batch_id)
    if digest is None:
        raise Refused(f"{_name(row)}: its import has not ended yet. Ask when it has.")
    return Meant(
        _name(row), digest, rule_of(row.codes),
        {
            "cells": _digest_of(row), "codes": sorted(row.codes), "day": line.day.day.isoformat(),
            "held_row": row.pk, "import": row.batch_id, "lines": _lines(production, draft),
            "payload": bytes(row.payload_sha256).hex(), "row": row.row,
        },
    )  # fmt: skip


def may_be_asked(row: HeldRow) -> bool:
    """Whether what the row is held for may be passed over; whether it can be posted is looked at
    when it is asked for."""
    is_line = not banking.is_banks(row.batch) and not mapping_of_import(row.batch).paper
    return is_line and not never(row.codes)


def run(found: Override, _: User) -> Batch:
    """Post the row, as the worker in the name of whoever asked. Raises Refused where it is not as
    it was signed any more."""
    row = _locked(found)
    if row.state != "held" or _digest_of(row) != found.proposed["cells"]:
        raise Refused(f"{_name(row)} was changed or settled at the desk since it was asked for.")
    readers = Readers()
    reader, _line = _read(row, readers)
    reader.said = f"OVERRIDE {found.reference}"
    revision = _revise(found, row, "waive", carrying.why(found))
    try:
        with transaction.atomic():
            [end] = settling.settle(
                actor=found.requested_by, production=found.production,
                asked=[Asked(row, revision.pk, {})], name=f"override|{found.pk}", readers=readers,
            )  # fmt: skip
    except IntegrityError as clash:
        raise Refused(f"{_name(row)} was posted by somebody else at the same moment.") from clash
    if end.outcome != "posted" or end.batch_id is None:
        said = "; ".join(v.expected for v in end.violations)
        raise Refused(f"{_name(row)} cannot be posted: it is {end.outcome}. {said}".strip())
    posting.seal_now()
    log_outcome(revision, row, end.outcome)
    return ledger.batch_by_id(found.production, end.batch_id)


def take_back(found: Override, batch: Batch, approver: User) -> Batch:
    """Reverse what the row became, and say so in the row's history. It is not held again: its
    document stands with its reversal, and is not posted a second time."""
    row = _locked(found)
    reason = carrying.not_ratified(found)
    revision = _revise(found, row, "undo", reason)
    made = kinds.reverse_whole(found, batch, approver)
    RevisionOutcome.objects.create(
        revision=revision, production_id=found.production_id, outcome="undone", batch_id=made.pk
    )
    log_outcome(revision, row, "undone")
    return made


def _name(row: HeldRow) -> str:
    return f"row {row.row} of import {row.batch_id}"


def _digest_of(row: HeldRow) -> str:
    """The row as it stands: its bytes and its fields as they were read or put right."""
    said = json.dumps(row.cells, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(bytes(row.payload_sha256) + said.encode()).hexdigest()


def _read(row: HeldRow, readers: Readers | None = None) -> tuple[Reader, CleanLine]:
    """The row through the gate but for what is passed over. Raises Refused."""
    if row.state != "held":
        raise Refused(f"{_name(row)} is {row.state}: only a held row is passed.")
    if refusal := never(row.codes):
        raise Refused(refusal)
    if banking.is_banks(row.batch):
        raise Refused("A line of a bank is no cost: settle it at the desk.")
    reader = (readers or Readers()).of(row.batch)
    if isinstance(reader, RejectedFile):
        raise Refused(reader.reason)
    if reader.mapping.paper:
        raise Refused("A row of a document is settled with its document at the desk.")
    reader.gate.waived = frozenset(row.codes)
    cells = row.cells or {}
    line = reader.gate.clean(tuple(cells.get(name, "") for name in FIELDS))
    if not isinstance(line, CleanLine):
        raise Refused(never([v.code for v in line]) or line[0].expected)
    if line.currency != row.production.currency:
        raise Refused(f"{_name(row)} is in {line.currency}: put it right at the desk.")
    return reader, line


def _draft(reader: Reader, row: HeldRow, line: CleanLine) -> TransactionDraft:
    record = Record(row.row, row.line, row.byte_start, row.byte_end, None, None, b"")
    return reader.drafter.draft(line, record, b"", b"")


def _lines(production: Production, draft: TransactionDraft) -> list[dict[str, str]]:
    """What the document moves, as an override proposes it: by account, of costs by centre too."""
    accounts = {a.pk: a for a in ledger.accounts(production)}
    centers = selectors.center_codes(production)
    sums: dict[tuple[str, str], Decimal] = {}
    for each in draft.postings:
        for account_id, amount in (
            (each.account_id, each.amount), (each.counter_account_id, -each.amount),
        ):  # fmt: skip
            account = accounts[account_id]
            center = centers[each.cost_center_id] if account.statement == "cost" else ""
            key = (account.code, center)
            sums[key] = sums.get(key, Decimal(0)) + amount
    return [
        {"account": code, "amount": f"{amount:.4f}", "cost_center": center}
        for (code, center), amount in sorted(sums.items())
        if amount
    ]


def _locked(found: Override) -> HeldRow:
    row = selectors.locked_row(found.production, found.proposed["held_row"])
    assert row is not None, "a held row is never removed"
    return row


def _revise(found: Override, row: HeldRow, action: str, reason: str) -> RowRevision:
    return RowRevision.objects.create(
        production_id=found.production_id, held_row=row, action=action, reason=reason,
        made_by=found.requested_by, override=found,
    )  # fmt: skip

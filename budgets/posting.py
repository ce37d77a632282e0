"""Postings of the budget and the forecast book, made in one way."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from access.errors import Invalid
from access.models import Production, User
from ledger import entries, services
from ledger.entries import Amount, Form
from ledger.journal import BUDGET, FORECAST, PostingDraft, TransactionDraft
from ledger.models import Account, Batch, SourceDocument
from taxonomy.models import Unit
from taxonomy.selectors import units

OFFICE = "OFFICE"


@dataclass(frozen=True, slots=True)
class Leg:
    """What one line adds to an account, and where it stands in its document."""

    account: Account
    amount: Decimal
    component: str
    reference: str
    description: str
    row: int
    line: int
    start: int
    end: int


def office(production: Production) -> Unit:
    """The production office, in whose log budgets are kept; else the first unit."""
    every = list(units(production))
    return next((u for u in every if u.code == OFFICE), every[0])


def office_form(production: Production) -> Form:
    """What posting to the office needs."""
    return entries.form_for(production, office(production))


def one_at_a_time(production: Production) -> None:
    """Wait until nobody else numbers budgets, changes or entries of this production."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('budgets', %s))", [production.pk]
        )


def center_of(account: Account) -> int:
    """The account's own cost centre. Raises Invalid when it has none."""
    if account.cost_center_id is None:
        raise Invalid(
            f"{account.code} {account.name} has no cost centre: nobody would see its budget. "
            "Name an account that has one."
        )
    return account.cost_center_id


def kept_by(document_id: int, sha256: bytes) -> SourceDocument:
    """A document as a batch names it, for whoever may post it and not read it."""
    return SourceDocument(pk=document_id, sha256=sha256)


def post(
    *, actor: User, form: Form, kind: str, document: SourceDocument, day: tuple[date, int],
    legs: Sequence[Leg], link: Callable[[Batch], None],
) -> Batch:  # fmt: skip
    """Post one document per leg, tie the batch to its reason, and seal it.

    An `efc` posts to the forecast book, every other kind to the budget.

    `day` is the effective day and the id of the period posted to. `link` writes down which row
    the batch belongs to, before the seal asks. Raises Refused with the seal's sentence.
    """
    key = hashlib.sha256(f"{kind}\0".encode() + bytes(document.sha256)).digest()
    header = services.BatchHeader(
        form.production, form.unit.pk, kind, key, document, f"{kind} of the office"
    )
    book = FORECAST if kind == "efc" else BUDGET
    drafts = [_draft(form, key, day, book, leg) for leg in legs]
    batch = services.post_by_hand(actor=actor, header=header, drafts=drafts)
    link(batch)
    services.seal_now()
    return batch


def _draft(form: Form, key: bytes, day: tuple[date, int], book: int, leg: Leg) -> TransactionDraft:
    money = Amount(leg.amount, form.production.currency, day[0])
    counter = form.role("book_control")
    posting: PostingDraft = form.posting(
        leg.account, counter, center_of(leg.account), money, component=leg.component, book=book
    )._replace(period_id=day[1])
    number = leg.row.to_bytes(4, "big")
    return TransactionDraft(
        source_row=leg.row,
        source_line=leg.line,
        source_start=leg.start,
        source_end=leg.end,
        document_key=hashlib.sha256(b"budget\0" + key + number).digest(),
        facts=key,
        reference=leg.reference[:120],
        vendor="",
        description=leg.description,
        jurisdiction="",
        effective_date=day[0],
        occurred_at=None,
        source_zone="",
        period_id=day[1],
        cost_center_id=center_of(leg.account),
        postings=(posting,),
    )

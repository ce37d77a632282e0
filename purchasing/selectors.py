"""Vendors, orders and papers as stored. Scope is the database's: its policies decide the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from access.models import Production
from ledger.models import Posting, Transaction
from purchasing.models import (
    Entry,
    Fund,
    OrderCommitment,
    OrderLine,
    PurchaseOrder,
    Settlement,
    Vendor,
    VendorTaxNumber,
)
from purchasing.states import Standing, status

ZERO = Decimal(0)


def vendors(production: Production) -> QuerySet[Vendor]:
    """All vendors by name."""
    return Vendor.objects.filter(production=production).order_by("name")


def tax_numbers(production: Production) -> dict[int, str]:
    """vendor id -> its tax number, as far as the asker may see pay."""
    rows = VendorTaxNumber.objects.filter(production=production)
    return dict(rows.values_list("vendor_id", "number"))


def vendor_by_name(production: Production, name: str) -> Vendor | None:
    """The vendor with this name, whatever its case."""
    return Vendor.objects.filter(production=production, name__iexact=name.strip()).first()


def orders(production: Production) -> QuerySet[PurchaseOrder]:
    """Orders the asker may see, the newest number first."""
    return (
        PurchaseOrder.objects.filter(production=production)
        .select_related("vendor", "unit", "cost_center", "requested_by", "approved_by")
        .order_by("-number")
    )


def order_by_number(production: Production, number: str) -> PurchaseOrder | None:
    """The order with this number, if it is there for whoever asks."""
    return orders(production).filter(number__iexact=number.strip()).first()


def lines_of(order: PurchaseOrder, version: int) -> list[OrderLine]:
    """One version's lines in order."""
    rows = OrderLine.objects.filter(order=order, version=version)
    return list(rows.select_related("account").order_by("line_no"))


def coded_lines(order: PurchaseOrder) -> dict[int, str]:
    """Line number -> the segments it is committed on."""
    rows = OrderCommitment.objects.filter(order=order).exclude(commitment__segments="")
    return dict(rows.values_list("line_no", "commitment__segments"))


_STANDINGS = """
SELECT x.order_id, x.line_no, x.commitment_id,
       coalesce(sum(p.amount) FILTER (WHERE p.component = 'ordered'), 0),
       coalesce(-sum(p.amount) FILTER (WHERE p.component = 'relieved'), 0),
       coalesce(-sum(p.amount) FILTER (WHERE p.component = 'cancelled'), 0)
FROM purchasing_ordercommitment x
LEFT JOIN ledger_posting p
    ON p.production_id = x.production_id AND p.commitment_id = x.commitment_id
WHERE x.production_id = %(production)s AND x.order_id = ANY (%(orders)s)
GROUP BY 1, 2, 3 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class CommittedLine:
    """A line of an opened order: its commitment and what has become of its money."""

    order_id: int
    line_no: int
    commitment_id: int
    standing: Standing


def committed_lines(
    production: Production, asked: Sequence[PurchaseOrder]
) -> dict[int, list[CommittedLine]]:
    """order id -> its committed lines, from the journal's commitment book."""
    found: dict[int, list[CommittedLine]] = {order.pk: [] for order in asked}
    with connection.cursor() as cursor:
        cursor.execute(_STANDINGS, {"production": production.pk, "orders": list(found)})
        for order_id, line_no, commitment_id, *money in cursor.fetchall():
            line = CommittedLine(order_id, line_no, commitment_id, Standing(*money))
            found[order_id].append(line)
    return found


def status_of(order: PurchaseOrder, lines: Sequence[CommittedLine]) -> str:
    """What people call the order: draft, approved, open, partial, closed or void."""
    return status(order.state, [line.standing for line in lines])


def batch_of_commitment(production: Production, commitment_id: int) -> int:
    """The batch that opened a commitment."""
    rows = Posting.objects.filter(production=production, commitment_id=commitment_id)
    return int(rows.order_by("batch_id").values_list("batch_id", flat=True)[0])


@dataclass(frozen=True, slots=True)
class Paper:
    """A posted paper with what has become of it: void or not, and how much of it is settled."""

    entry: Entry
    is_void: bool
    settled: Decimal

    @property
    def open(self) -> Decimal:
        """What of an invoice is still to be paid."""
        return ZERO if self.is_void else self.entry.total - self.settled

    @property
    def status(self) -> str:
        """Void, paid, part paid, or posted."""
        if self.is_void:
            return "void"
        if self.entry.kind != "invoice" or not self.settled:
            return "posted"
        return "part paid" if self.open else "paid"


_PAPERS = """
SELECT e.id, EXISTS (SELECT 1 FROM ledger_transaction t WHERE t.production_id = e.production_id
           AND t.reverses_batch_id = e.batch_id AND t.reverses_number = e.transaction_number),
       coalesce((SELECT sum(s.amount) FROM purchasing_settlement s
           JOIN purchasing_entry p ON p.id = s.payment_id
           WHERE s.invoice_id = e.id AND NOT EXISTS (SELECT 1 FROM ledger_transaction t
               WHERE t.production_id = p.production_id AND t.reverses_batch_id = p.batch_id
                 AND t.reverses_number = p.transaction_number)), 0)
FROM purchasing_entry e WHERE e.id = ANY (%s)
"""


def _papers(rows: QuerySet[Entry]) -> list[Paper]:
    found = list(rows.select_related("vendor", "fund", "unit", "entered_by"))
    with connection.cursor() as cursor:
        cursor.execute(_PAPERS, [[e.pk for e in found]])
        said = {pk: (bool(void), Decimal(settled)) for pk, void, settled in cursor.fetchall()}
    return [Paper(e, *said[e.pk]) for e in found]


def papers(
    production: Production,
    kinds: Sequence[str],
    *,
    vendor: Vendor | None = None,
    fund: Fund | None = None,
    limit: int | None = None,
) -> list[Paper]:
    """Posted papers of these kinds, the newest first."""
    rows = Entry.objects.filter(production=production, kind__in=kinds).order_by("-pk")
    if vendor is not None:
        rows = rows.filter(vendor=vendor)
    if fund is not None:
        rows = rows.filter(fund=fund)
    return _papers(rows[:limit] if limit else rows)


def paper(production: Production, entry_id: int) -> Paper | None:
    """One paper, if it is there for whoever asks."""
    found = _papers(Entry.objects.filter(production=production, pk=entry_id))
    return found[0] if found else None


def open_invoices(production: Production, vendor: Vendor | None = None) -> list[Paper]:
    """Invoices with something left to pay, the longest due first."""
    found = [p for p in papers(production, ["invoice"], vendor=vendor) if p.open]
    return sorted(found, key=lambda p: (p.entry.due_on or date.max, p.entry.pk))


def funds(production: Production) -> QuerySet[Fund]:
    """Petty-cash floats and cards by custodian."""
    rows = Fund.objects.filter(production=production).select_related("account", "cost_center")
    return rows.order_by("kind", "custodian")


def fund_by_id(production: Production, fund_id: int) -> Fund | None:
    """One fund, if it is there for whoever asks."""
    return funds(production).filter(pk=fund_id).first()


_FUND_BALANCE = """
SELECT coalesce(sum(CASE WHEN p.account_id = f.account_id THEN p.amount ELSE -p.amount END), 0)
FROM purchasing_fund f
JOIN purchasing_entry e ON e.fund_id = f.id
JOIN ledger_transaction t ON t.production_id = e.production_id
    AND ((t.batch_id = e.batch_id AND t.number = e.transaction_number)
      OR (t.reverses_batch_id = e.batch_id AND t.reverses_number = e.transaction_number))
JOIN ledger_posting p ON p.production_id = t.production_id AND p.batch_id = t.batch_id
    AND p.transaction_number = t.number AND f.account_id IN (p.account_id, p.counter_account_id)
    AND p.currency = f.currency
WHERE f.production_id = %s AND f.id = %s
"""


def fund_balance(fund: Fund) -> Decimal:
    """What the custodian holds: what the fund's papers have moved on its account."""
    with connection.cursor() as cursor:
        cursor.execute(_FUND_BALANCE, [fund.production_id, fund.pk])
        row: Any = cursor.fetchone()
    return Decimal(row[0])


def next_number(production: Production, kind: str, prefix: str) -> str:
    """The next free number of a kind of paper. Two who ask at once wait for each other."""
    lock(f"number:{production.pk}:{prefix}")
    if kind == "order":
        numbers = list(
            PurchaseOrder.objects.filter(production=production).values_list("number", flat=True)
        )
    else:
        papers_of = Entry.objects.filter(production=production, kind=kind)
        numbers = list(papers_of.values_list("number", flat=True))
    tails = [n.removeprefix(prefix) for n in numbers if n.startswith(prefix)]
    highest = max((int(t) for t in tails if t.isascii() and t.isdigit()), default=0)
    return f"{prefix}{highest + 1:04d}"


def lock(name: str) -> None:
    """Wait for whoever holds this name, and hold it to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


# The order's few postings come first and each finds its document by the primary key (OFFSET 0 and
# LIMIT 1 keep it so): without statistics the planner began with every batch of the film, and went
# through all its documents times all its postings.
_MOVES = """
SELECT x.line_no, p.component, p.amount, t.batch_id, t.number, t.reference, t.vendor,
       t.description, t.effective_date, b.kind, t.reverses_batch_id IS NOT NULL
FROM purchasing_ordercommitment x
JOIN LATERAL (SELECT y.* FROM ledger_posting y
    WHERE y.production_id = x.production_id AND y.commitment_id = x.commitment_id OFFSET 0) p
    ON true
JOIN LATERAL (SELECT y.* FROM ledger_transaction y
    WHERE y.production_id = p.production_id AND y.batch_id = p.batch_id
      AND y.number = p.transaction_number LIMIT 1) t ON true
JOIN LATERAL (SELECT y.kind FROM ledger_batch y WHERE y.id = p.batch_id LIMIT 1) b ON true
WHERE x.production_id = %s AND x.order_id = %s
ORDER BY p.batch_id, p.line_no
"""


@dataclass(frozen=True, slots=True)
class Move:
    """A posting that ordered, relieved or cancelled money of a line, with its document.

    `amount` is what it added to what is open, in the order's currency.
    """

    line_no: int
    component: str
    amount: Decimal
    batch_id: int
    number: int
    reference: str
    vendor: str
    description: str
    effective_date: date
    kind: str
    takes_back: bool


def moves_of(order: PurchaseOrder) -> list[Move]:
    """Everything that has moved the order's money, in the order it was posted."""
    with connection.cursor() as cursor:
        cursor.execute(_MOVES, [order.production_id, order.pk])
        return [Move(*row) for row in cursor.fetchall()]


def versions_of(order: PurchaseOrder) -> dict[int, list[OrderLine]]:
    """version -> its lines, the first version first."""
    found: dict[int, list[OrderLine]] = {}
    rows = OrderLine.objects.filter(order=order).select_related("account")
    for line in rows.order_by("version", "line_no"):
        found.setdefault(line.version, []).append(line)
    return found


def drafts_of(production: Production, vendor: Vendor, person_id: int) -> list[PurchaseOrder]:
    """First drafts a person has written to a vendor, the newest first.

    Holds off whoever asks for the same person at once: of two that are alike, the second is told.
    """
    lock(f"draft:{production.pk}:{person_id}")
    rows = orders(production).filter(vendor=vendor, requested_by_id=person_id)
    return list(rows.filter(state="draft", drafted=1))


def standing(
    production: Production, kind: str, number: str, *, vendor: Vendor | None, fund: Fund | None
) -> Paper | None:
    """The paper of this number that stands, if one does."""
    rows = Entry.objects.filter(
        production=production, kind=kind, number__iexact=number.strip(), vendor=vendor, fund=fund
    )
    return next((p for p in _papers(rows.order_by("-pk")) if not p.is_void), None)


def settled_with(entry: Entry) -> list[tuple[Paper, Decimal]]:
    """What an invoice was paid by, or what a payment pays, with how much of it."""
    is_invoice = entry.kind == "invoice"
    rows = Settlement.objects.filter(production_id=entry.production_id)
    rows = rows.filter(invoice=entry) if is_invoice else rows.filter(payment=entry)
    other = "payment_id" if is_invoice else "invoice_id"
    amounts = dict(rows.order_by("pk").values_list(other, "amount"))
    found = {p.entry.pk: p for p in _papers(Entry.objects.filter(pk__in=list(amounts)))}
    return [(found[pk], amount) for pk, amount in amounts.items() if pk in found]


def descriptions(found: Sequence[Paper]) -> dict[int, str]:
    """entry id -> what its document says it is for."""
    rows = Transaction.objects.filter(batch_id__in=[p.entry.batch_id for p in found])
    said = {
        (batch_id, number): text
        for batch_id, number, text in rows.values_list("batch_id", "number", "description")
    }
    keys = {p.entry.pk: (p.entry.batch_id, p.entry.transaction_number) for p in found}
    return {pk: said.get(key, "") for pk, key in keys.items()}


def paper_of(production: Production, batch_id: int, number: int) -> Paper | None:
    """The paper that became this document, if one did."""
    found = _papers(
        Entry.objects.filter(production=production, batch_id=batch_id, transaction_number=number)
    )
    return found[0] if found else None


def centers_of(production: Production, batch_id: int, number: int) -> set[int]:
    """The cost centres a posted document names."""
    rows = Posting.objects.filter(
        production=production, batch_id=batch_id, transaction_number=number
    )
    return set(rows.values_list("cost_center_id", flat=True))


def newest_version(entry: Entry) -> int:
    """How often a paper of this number was entered."""
    return Entry.objects.filter(
        production_id=entry.production_id, kind=entry.kind, number=entry.number,
        vendor=entry.vendor, fund=entry.fund,
    ).count()  # fmt: skip


@dataclass(frozen=True, slots=True)
class StandingInvoice:
    """An invoice that was entered by hand and stands, with the amount it was asked for by."""

    vendor: str
    number: str
    amount: Decimal
    currency: str
    key: tuple[int, int]
    entered_on: date


# A line's amount finds its invoice as the total does: files state either.
_OF_TERMS = """
SELECT v.name, e.number, asked.amount, e.currency, e.batch_id, e.transaction_number,
    e.entered_at::date
FROM purchasing_entry e JOIN purchasing_vendor v ON v.id = e.vendor_id
JOIN unnest(%(keys)s::text[], %(currencies)s::text[], %(amounts)s::numeric[])
    AS asked(key, currency, amount)
    ON asked.key = regexp_replace(normalize(e.number, NFKC), '[^1-9]', '', 'g')
   AND asked.currency = e.currency
WHERE e.production_id = (SELECT %(production)s::bigint) AND e.kind = 'invoice'
  AND (e.total = asked.amount OR EXISTS (
      SELECT 1 FROM ledger_posting p WHERE p.production_id = (SELECT %(production)s::bigint)
        AND p.batch_id = e.batch_id AND p.transaction_number = e.transaction_number
        AND p.book = 1 AND p.amount = asked.amount))
  AND NOT EXISTS (SELECT 1 FROM ledger_transaction t WHERE t.production_id = e.production_id
      AND t.reverses_batch_id = e.batch_id AND t.reverses_number = e.transaction_number)
ORDER BY e.id
"""


def invoices_of_terms(
    production: Production, terms: Sequence[tuple[str, str, Decimal]]
) -> list[StandingInvoice]:
    """The invoices entered by hand that stand and have any of these (digits of the number without
    zeros, currency, amount)."""
    keys, currencies, amounts = (list(column) for column in zip(*terms, strict=True))
    said: dict[str, Any] = {
        "production": production.pk, "keys": keys, "currencies": currencies, "amounts": amounts,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_OF_TERMS, said)
        return [
            StandingInvoice(vendor, number, amount, currency, (batch, at), day)
            for vendor, number, amount, currency, batch, at, day in cursor.fetchall()
        ]

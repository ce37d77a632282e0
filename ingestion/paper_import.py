"""Documents of several rows into the books: orders, journals, envelopes, invoices, each whole.

They are entered by purchasing's own services, as if a person had typed them; what they came from
is the rows of the file. All of it happens in the caller's transaction.
"""

import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from access.errors import Invalid, Refused
from access.models import User
from ingestion.formats.records import Record
from ingestion.gate.paper_check import NAMES, Faults, Leg, PaperGate, Plan, explained
from ingestion.gate.paper_rows import Document, folded, read_documents
from ingestion.gate.pipeline import FileReader, Held
from ingestion.gate.schema import Gate, Violation
from ingestion.models import ImportBatch
from ledger import selectors as ledger
from ledger.entries import EnteredBefore, Source
from ledger.journal import TransactionDraft
from purchasing import selectors as purchasing
from purchasing.funds import post_envelope
from purchasing.invoices import InvoicePlan, enter_invoice
from purchasing.journals import JournalLine, JournalPlan, enter_journal
from purchasing.models import Entry, Fund, PurchaseOrder, Vendor
from purchasing.orders import LinePlan, OrderPlan, create_order
from purchasing.papers import CostLine
from taxonomy import selectors as taxonomy
from taxonomy.models import CostCenter, Unit

# Entering documents needs the right to, besides the right to import or to settle held rows.
NEEDED = "post_entries"
_LINE = re.compile(r"Line (\d+)(?:, \w+)?: ")


class Verdict(NamedTuple):
    """What became of a document: posted (in which batch), duplicate (of which document) or held,
    with what is wrong with each row. An order that is drafted has posted nothing yet: batch 0."""

    outcome: str
    faults: Faults
    batch_id: int = 0
    number: int = 0


class Conflict(Refused):
    """The number is taken by a document that says something else."""

    code = "E_CONFLICT"


@dataclass(slots=True)
class Outcome:
    """A document after it was entered or not, as the import's counters take it."""

    posted: int = 0
    duplicates: list[tuple[Record, int, int]] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    drafts: dict[int, list[TransactionDraft]] = field(default_factory=dict)


@dataclass(slots=True)
class Desk:
    """Where the documents of one import are entered, and on whose behalf."""

    actor: User
    batch: ImportBatch
    gate: PaperGate
    vendors: dict[str, Vendor]
    funds: dict[str, Fund]
    units: dict[int, Unit]
    centers: dict[int, CostCenter]
    origin: str
    has_spans: bool

    def settle(self, document: Document) -> Verdict:
        """Enter the document if it is right and new. Raises IntegrityError when somebody else
        enters one of its number at the same moment: look again, then."""
        said = self.gate.examine(document)
        if not isinstance(said, Plan):
            return Verdict("held", said)
        enter = {
            "order": self._order,
            "journal": self._journal,
            "envelope": self._envelope,
            "invoice": self._invoice,
        }
        try:
            return enter[self.gate.paper](said, document)
        except Refused as refusal:
            return Verdict("held", self._refused(document, refusal))

    def _order(self, plan: Plan, document: Document) -> Verdict:
        production = self.batch.production
        vendor = self.vendors[plan.vendor.casefold()]
        standing = purchasing.order_by_number(production, plan.number)
        if standing is not None:
            if _is_same_order(standing, plan, vendor):
                return Verdict("duplicate", [])
            raise Conflict(f"order {standing.number} to {standing.vendor.name}, {standing.state}")
        self._rows_are_new(document)
        create_order(
            actor=self.actor,
            production=production,
            plan=OrderPlan(
                unit=self.units[plan.unit_id],
                cost_center=self.centers[plan.center_id],
                vendor=vendor,
                kind=plan.kind,
                currency=plan.currency,
                ordered_on=plan.day,
                lines=tuple(
                    LinePlan(x.account, f"{x.quantity:f}", f"{x.rate:f}", x.description, x.segments)
                    for x in plan.legs
                ),
                description=plan.description,
                rental_starts_on=plan.rental[0],
                rental_ends_on=plan.rental[1],
                number=plan.number,
                reason=f"{self.batch.file_name}, {_rows_of(document)}, SHA-256 "
                f"{bytes(self.batch.document.sha256).hex()}",
            ),
        )
        return Verdict("posted", [])

    def _journal(self, plan: Plan, document: Document) -> Verdict:
        entered = self._entered("journal", plan)
        if isinstance(entered, Verdict):
            return entered
        self._rows_are_new(document)
        posted = enter_journal(
            actor=self.actor,
            production=self.batch.production,
            plan=JournalPlan(
                unit=self.units[plan.unit_id],
                day=plan.day,
                currency=plan.currency,
                description=self._described(plan.description or plan.number, document),
                lines=tuple(
                    JournalLine(
                        x.account,
                        debit=f"{x.amount:f}" if x.amount > 0 else "",
                        credit=f"{-x.amount:f}" if x.amount < 0 else "",
                        cost_center=self.centers[x.center_id].code,
                        segments=x.segments,
                    )
                    for x in plan.legs
                ),
                number=plan.number,
            ),
            cost_centers=list(self.centers.values()),
            source=self._source(document, entered, plan),
        )
        return Verdict("posted", [], posted.batch_id, posted.transaction_number)

    def _envelope(self, plan: Plan, document: Document) -> Verdict:
        fund = self.funds[plan.custodian.casefold()]
        if plan.currency != fund.currency:
            raise Refused(f"{fund.custodian}'s float is in {fund.currency}, not {plan.currency}")
        entered = self._entered("envelope", plan, fund)
        if isinstance(entered, Verdict):
            return entered
        self._rows_are_new(document)
        posted = post_envelope(
            actor=self.actor,
            fund=fund,
            number=plan.number,
            day=plan.day,
            lines=[
                CostLine(x.account, f"{x.amount:f}", x.description, segments=x.segments)
                for x in plan.legs
            ],
            source=self._source(document, entered, plan),
        )
        return Verdict("posted", [], posted.batch_id, posted.transaction_number)

    def _invoice(self, plan: Plan, document: Document) -> Verdict:
        vendor = self.vendors[plan.vendor.casefold()]
        entered = self._entered("invoice", plan, vendor=vendor)
        if isinstance(entered, Verdict):
            return entered
        self._rows_are_new(document)
        posted = enter_invoice(
            actor=self.actor,
            production=self.batch.production,
            plan=InvoicePlan(
                unit=self.units[plan.unit_id],
                vendor=vendor,
                number=plan.number,
                dated=plan.day,
                currency=plan.currency,
                lines=tuple(
                    CostLine(
                        x.account,
                        f"{x.amount:f}",
                        x.description,
                        *self._relieved(x, f"Line {at}"),
                        x.is_final,
                        x.segments,
                    )
                    for at, x in enumerate(plan.legs, 1)
                ),
                due_on=plan.due_on,
                description=self._described(plan.description, document),
            ),
            source=self._source(document, entered, plan),
        )
        return Verdict("posted", [], posted.batch_id, posted.transaction_number)

    def _relieved(self, leg: Leg, where: str) -> tuple[str, int]:
        """The order and the line a leg relieves: the one on its account, where none is said."""
        if not leg.order or leg.order_line:
            return leg.order, leg.order_line
        order = purchasing.order_by_number(self.batch.production, leg.order)
        if order is None:
            return leg.order, 0  # the service says that there is none
        lines = purchasing.lines_of(order, order.version)
        on_account = [line.line_no for line in lines if line.account.code == leg.account]
        if len(on_account) != 1:
            raise Invalid(
                f"{where}: {order.number} has {len(on_account)} lines on {leg.account}. Name the "
                "one that is invoiced (PO Line), or correct the account."
            )
        return order.number, on_account[0]

    def _entered(
        self, kind: str, plan: Plan, fund: Fund | None = None, vendor: Vendor | None = None
    ) -> bytes | Verdict:
        """The key a new document is posted under, or of which posted one this is a duplicate.

        What is entered again after it was voided is another document; the same facts sent again
        are not, whatever has become of them since. Raises Conflict for other facts under a number
        that stands.
        """
        production = self.batch.production
        before = Entry.objects.filter(
            production=production, kind=kind, number__iexact=plan.number, fund=fund, vendor=vendor
        ).count()
        whose = next((str(one.pk) for one in (fund, vendor) if one is not None), "")
        keys = [_key(kind, plan.number, whose, version) for version in range(before + 1)]
        for facts, batch_id, number, _ in ledger.posted_documents(production, keys).values():
            if facts == plan.facts:
                return Verdict("duplicate", [], batch_id, number)
        standing = purchasing.standing(production, kind, plan.number, vendor=vendor, fund=fund)
        if standing is not None:
            entry = standing.entry
            raise Conflict(
                f"{kind} {entry.number} of {entry.dated}, {entry.total:,.2f} {entry.currency}, "
                f"entered by {entry.entered_by}"
            )
        return keys[-1]

    def _rows_are_new(self, document: Document) -> None:
        """What another reading of the same bytes has posted is not posted again."""
        production, file = self.batch.production, self.batch.document
        posted = ledger.posted_rows(production, file, document.first_row, document.last_row)
        if posted.keys() & {part.record.row for part in document.parts}:
            raise Conflict("rows of it, posted already from this file as another source")

    def _source(self, document: Document, key: bytes, plan: Plan) -> Source:
        first, last = document.parts[0].record, document.parts[-1].record
        end = last.end if _is_in_one_piece(document) else first.end
        return Source(
            self.batch.document,
            first.row,
            first.line,
            first.start if self.has_spans else 0,
            end if self.has_spans else 0,
            key,
            plan.facts,
            self.origin,
        )

    @staticmethod
    def _described(text: str, document: Document) -> str:
        """The description; where the rows do not follow each other, with which rows they are."""
        return text if _is_in_one_piece(document) else f"{text} ({_rows_of(document)})"

    def _refused(self, document: Document, refusal: Refused) -> Faults:
        """The service's own sentence, on the row it names; on the first where it names none."""
        is_conflict = isinstance(refusal, Conflict | EnteredBefore)
        named = None if is_conflict else _LINE.match(refusal.message)
        at = int(named[1]) - 1 if named else 0
        what = NAMES[self.gate.paper]
        fault = Violation(
            "reference", "E_CONFLICT", f"the facts of the {what} that has this number already",
            refusal.message[:300],
            "reject these rows, or void what stands and resubmit them",
        ) if is_conflict else Violation(
            "row", refusal.code if refusal.code.startswith("E_") else "E_REFUSED",
            f"a {what} that can be entered",
            refusal.message[named.end() if named else 0 :][:300],
            "put right what the sentence says, and resubmit",
        )  # fmt: skip
        faults: Faults = [[] for _ in document.parts]
        faults[at if at < len(faults) else 0].append(fault)
        return explained(document, faults, what)


def desk_for(actor: User, batch: ImportBatch, gate: Gate, *, origin: str, has_spans: bool) -> Desk:
    """What enters the documents of an import, inside the production's context."""
    production = batch.production
    vendors = {v.name.casefold(): v for v in purchasing.vendors(production)}
    floats = [f for f in purchasing.funds(production) if f.kind == "petty_cash" and f.is_open]
    funds = {f.custodian.casefold(): f for f in floats}
    return Desk(
        actor,
        batch,
        PaperGate(gate, frozenset(vendors), {name: f.currency for name, f in funds.items()}),
        vendors,
        funds,
        {u.pk: u for u in taxonomy.units(production)},
        {c.pk: c for c in taxonomy.cost_centers(production)},
        origin,
        has_spans,
    )


def documents(reader: FileReader, declared: dict[str, Any], *, after: int) -> Iterator[Document]:
    """The documents of an opened file that are not accounted for: those behind the first `after`
    rows, counted document by document. The file falls apart in the same ones every time."""
    began = time.monotonic()
    accounted = 0
    for document in read_documents(reader, declared):
        accounted += document.rows
        if accounted > after:
            document.began = began
            yield document
            began = time.monotonic()


def enter(desk: Desk, document: Document) -> Outcome:
    """Enter one document, and say what became of its rows."""
    verdict = desk.settle(document)
    if verdict.outcome == "posted":
        return Outcome(posted=document.rows)
    if verdict.outcome == "duplicate":
        known = verdict.batch_id, verdict.number
        return Outcome(duplicates=[(part.record, *known) for part in document.parts])
    stands_in = _identified(document)
    return Outcome(
        held=[
            Held(part.record, part.cells or stands_in, said)
            for part, said in zip(document.parts, verdict.faults, strict=True)
        ]
    )


def _identified(document: Document) -> dict[str, str] | None:
    """What a row that cannot be read has of its document, so that it stays one of its rows."""
    known = next((part.cells for part in document.parts if part.cells), None)
    if not known or not document.key:
        return None
    return {name: known[name] for name in ("block", "reference") if name in known}


def _key(kind: str, number: str, whose: str, version: int) -> bytes:
    """`whose`: the float or the vendor whose numbers they are; nothing for the production's own."""
    text = "\x1f".join(("paper", kind, folded(number), whose, str(version)))
    return hashlib.sha256(text.encode()).digest()


def _is_same_order(order: PurchaseOrder, plan: Plan, vendor: Vendor) -> bool:
    """Whether the order, as it was first drafted, says what the file says."""
    drafted = [
        (x.account.code, x.quantity, x.rate, x.amount, x.description, x.segments)
        for x in purchasing.lines_of(order, 1)
    ]
    asked = [
        (x.account, x.quantity, x.rate, x.amount, x.description, x.segments) for x in plan.legs
    ]
    return drafted == asked and (
        order.vendor_id, order.kind, order.currency, order.ordered_on, order.unit_id,
        order.cost_center_id, order.description, order.rental_starts_on, order.rental_ends_on,
    ) == (
        vendor.pk, plan.kind, plan.currency, plan.day, plan.unit_id, plan.center_id,
        plan.description, *plan.rental,
    )  # fmt: skip


def _is_in_one_piece(document: Document) -> bool:
    return document.last_row - document.first_row + 1 == document.rows


def _rows_of(document: Document) -> str:
    """Which rows of the file it is: `row 3`, `rows 2 to 4`, `rows 2, 4 and 9`."""
    rows = sorted(part.record.row for part in document.parts)
    if len(rows) == 1:
        return f"row {rows[0]}"
    if _is_in_one_piece(document):
        return f"rows {rows[0]} to {rows[-1]}"
    return f"rows {', '.join(map(str, rows[:-1]))} and {rows[-1]}"

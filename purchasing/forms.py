"""Posted forms read into what the services take, with every fault named at its field.

A form is read whole before it is refused: whoever typed it sees all that is wrong at once, and
finds every value as it was typed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeVar

from access.errors import Invalid, Refused
from access.models import Production
from ledger import entries, segments
from ledger import selectors as ledger
from purchasing import selectors
from purchasing.funds import ROLES, FundPlan
from purchasing.invoices import InvoicePlan
from purchasing.journals import JournalLine, JournalPlan
from purchasing.models import PurchaseOrder, Vendor
from purchasing.orders import KINDS, LinePlan, OrderPlan
from purchasing.papers import CostLine
from purchasing.payments import PaymentPlan
from taxonomy import money
from taxonomy import selectors as taxonomy
from taxonomy.currencies import MINOR_UNITS

ROWS_AT_FIRST = 5
ROWS_ADDED = 5
MOST_ROWS = 200
# What a field of the register holds at most.
LONGEST = {"name": 120, "custodian": 120, "number": 40, "tax_id": 32}
LONGEST_TEXT = 2_000
ORDER_COLUMNS = ("account", "quantity", "rate", "description")
COST_COLUMNS = ("account", "amount", "description", "order", "order_line", "is_final")
JOURNAL_COLUMNS = ("account", "debit", "credit", "cost_center", "order", "order_line")
SEGMENT_COLUMNS = ("kind", "code", "name")
SEGMENTS = "segments"  # a column of each grid, on a production that has any
# What the services' sentences begin with -> the field they are about.
_PLACES = {
    "Vendor": "vendor", "Currency": "currency", "Rental": "rental_ends_on", "Type": "kind",
    "Invoice": "number", "Payment": "number", "Journal": "number", "Envelope": "number",
    "Bank": "bank", "Fund": "custodian", "Account": "account", "Imprest": "imprest",
    "Reason": "reason", "Terms": "terms_days", "Advance": "amount", "Reimbursement": "amount",
    "Return": "amount",
}  # fmt: skip
_LINE = re.compile(r"Line (\d+)(?:, (\w+))?: ")
Found = TypeVar("Found")


class Sent:
    """A form as it was sent: its values, its lines, and what is wrong with which field."""

    def __init__(self, data: Mapping[str, str], columns: Sequence[str] = ()) -> None:
        # No text of ours holds a zero character: the database refuses it.
        self.values = {name: value.replace("\0", "") for name, value in data.items()}
        self.columns = columns
        asked = self.values.get("lines", "")
        count = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 0
        self.count = min(count or ROWS_AT_FIRST, MOST_ROWS)
        self.faults: dict[str, str] = {}
        self.refusal: Refused | None = None

    @property
    def status(self) -> int:
        """What the page answers with."""
        return self.refusal.status if self.refusal else 200

    def text(self, name: str) -> str:
        """A value without the space around it."""
        return self.values.get(name, "").strip()

    def required(self, name: str, what: str) -> str:
        """A value that must be there, and fit."""
        found = self.text(name)
        if not found:
            self.fault(name, f"expected {what}, found nothing.")
        most = LONGEST.get(name, LONGEST_TEXT)
        if len(found) > most:
            self.fault(name, f"expected at most {most} characters, found {len(found)}.")
        return found

    def optional(self, name: str) -> str:
        """A value that need not be there, but must fit."""
        return self.required(name, "") if self.text(name) else ""

    def fault(self, name: str, sentence: str) -> None:
        """Note what is wrong with a field; the first fault of each stands."""
        self.faults.setdefault(name, sentence[:1].upper() + sentence[1:])

    def attempt(self, name: str, read: Callable[[], Found]) -> Found | None:
        """What `read` finds, or its refusal noted at the field."""
        try:
            return read()
        except Invalid as error:
            self.fault(name, error.message.partition(": ")[2] or error.message)
            return None

    def day(self, name: str, *, required: bool = True) -> date | None:
        """A day of our time; None when it is missing or no day."""
        found = self.text(name)
        if not found and not required:
            return None
        try:
            day = date.fromisoformat(found)
        except ValueError:
            day = None
        if day is None or not 2000 <= day.year <= 2100:
            self.fault(name, f"expected a day such as 2026-01-31, found {found or 'nothing'}.")
            return None
        return day

    def choice(self, name: str, options: Mapping[str, Found]) -> Found | None:
        """One of `options`, by its code."""
        found = options.get(self.text(name))
        if found is None:
            self.fault(name, f"expected one of the list, found {self.text(name) or 'nothing'}.")
        return found

    def currency(self) -> str:
        """A currency of the world."""
        code = self.text("currency").upper()
        if code not in MINOR_UNITS:
            self.fault("currency", f"expected a currency code, found {code or 'nothing'}.")
        return code

    def row(self, number: int) -> dict[str, str]:
        """The cells of a line of the grid, by column."""
        return {name: self.text(f"{name}-{number}") for name in self.columns}

    def rows(self) -> list[tuple[int, dict[str, str]]]:
        """(number in the grid, cells) of the lines that say anything."""
        every = [(n, self.row(n)) for n in range(self.count)]
        return [(n, cells) for n, cells in every if any(cells.values())]

    def check(self) -> None:
        """Raise Invalid when anything is wrong with any field."""
        if self.faults:
            count = len(self.faults)
            raise Invalid(
                "Nothing was posted: one field wants your attention."
                if count == 1
                else f"Nothing was posted: {count} fields want your attention."
            )

    def refuse(self, error: Refused) -> None:
        """Keep a refusal for the page, at the field it names. Raises it when nothing is there."""
        if error.status == 404:
            raise error
        self.refusal = error
        line = _LINE.match(error.message)
        if line:
            said = [n for n, _ in self.rows()]
            at, word = int(line[1]) - 1, line[2] or ""
            if at < len(said):
                self.fault(f"{self._column(word, error)}-{said[at]}", error.message[line.end() :])
            return
        head = error.message.partition(":")[0]
        place = _PLACES.get(head.partition(" ")[0], "")
        # "Journal JE-0001: ..." is about the whole of it, unless it is about its number.
        is_numbers = " number" in error.message or " was entered " in error.message
        if place == "number" and not is_numbers:
            return
        if place == "vendor" and place not in self.values:
            place = "name"
        if place in self.values and not self.faults:
            self.fault(place, error.message.partition(": ")[2] or error.message)

    def _column(self, word: str, error: Refused) -> str:
        if word in self.columns:
            return word
        if "cost_center" in self.columns and "cost centre" in error.message:
            return "cost_center"
        if error.code == "E_OVER_RELIEF" or "order" in error.message or "PO-" in error.message:
            return "order" if "order" in self.columns else self.columns[0]
        return self.columns[0]


def _vendor(sent: Sent, production: Production) -> Vendor | None:
    name = sent.required("vendor", "the vendor's name")
    found = selectors.vendor_by_name(production, name) if name else None
    if name and found is None:
        sent.fault("vendor", f"expected a vendor of this film, found {name[:60]}. Add it first.")
    return found


def _number(sent: Sent, name: str, text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) < 6):
        sent.fault(name, f"expected a line number, found {text[:20]}.")
        return 0
    return int(text or 0)


def _check_account(sent: Sent, name: str, code: str, known: Mapping[str, bool]) -> None:
    if code not in known:
        found = code[:20] or "nothing"
        sent.fault(name, f"expected an account of the chart, found {found}.")
    elif not known[code]:
        sent.fault(name, f"{code} only adds up other accounts. Name one of its details.")


def columns_of(columns: tuple[str, ...], production: Production) -> tuple[str, ...]:
    """The columns of a grid on this production: with segments where it has any."""
    has_any = bool(ledger.known_segments(production))
    return (*columns, SEGMENTS) if has_any else columns  # last: rows are pasted in the old order


def _check_segments(sent: Sent, n: int, text: str, known: segments.Known, kept: str = "") -> None:
    try:
        segments.typed(text, known, kept)
    except segments.SegmentError as error:
        sent.fault(f"{SEGMENTS}-{n}", str(error))


def _chart(production: Production) -> dict[str, bool]:
    return {a.code: a.is_postable for a in ledger.accounts(production)}


def _check_amount(sent: Sent, name: str, text: str, currency: str) -> None:
    if not text:
        sent.fault(name, "expected an amount, found nothing.")
    else:
        known = known_currency(currency)
        sent.attempt(name, lambda: entries.amount_of(text, known, "Amount"))


def typed(text: str) -> Decimal:
    """A number as people type it. Raises money.AmountError."""
    return money.parse_amount(text, entries.TYPED)


def plain(amount: Decimal, currency: str) -> str:
    """An amount as it stands in a field that is to be changed."""
    return f"{money.round_half_up(amount, currency):f}"


def _check_quantity(sent: Sent, name: str, text: str) -> None:
    try:
        is_number = typed(text or "1") > 0
    except money.AmountError:
        is_number = False
    if not is_number:
        sent.fault(name, f"expected a number above zero, found {text[:20]}.")


def order_lines(
    sent: Sent, production: Production, currency: str, order: PurchaseOrder | None = None
) -> tuple[LinePlan, ...]:
    """The lines of an order, of one that is amended too; faults are noted, not raised."""
    chart, known = _chart(production), ledger.known_segments(production)
    kept = selectors.coded_lines(order) if order else {}
    plans = []
    for at, (n, cells) in enumerate(sent.rows(), 1):
        coded = cells.get(SEGMENTS, "")
        _check_account(sent, f"account-{n}", cells["account"], chart)
        _check_segments(sent, n, coded, known, kept.get(at, ""))
        _check_quantity(sent, f"quantity-{n}", cells["quantity"])
        _check_amount(sent, f"rate-{n}", cells["rate"], currency)
        plans.append(
            LinePlan(cells["account"], cells["quantity"] or "1", cells["rate"],
                     cells["description"][:LONGEST_TEXT], coded)
        )  # fmt: skip
    if not plans:
        sent.fault("account-0", "expected a line, found none.")
    return tuple(plans)


def order_plan(sent: Sent, production: Production) -> OrderPlan:
    """A new order. Raises Invalid when a field is at fault."""
    unit = sent.choice("unit", {u.code: u for u in taxonomy.units(production)})
    center = sent.choice("cost_center", {c.code: c for c in taxonomy.cost_centers(production)})
    vendor = _vendor(sent, production)
    kind = sent.choice("kind", {k: k for k in KINDS})
    currency = sent.currency()
    day = sent.day("ordered_on")
    is_rental = kind == "rental"
    starts = sent.day("rental_starts_on", required=is_rental)
    ends = sent.day("rental_ends_on", required=is_rental)
    description = sent.optional("description")
    lines = order_lines(sent, production, currency)
    sent.check()
    assert unit and center and vendor and kind and day
    return OrderPlan(
        unit, center, vendor, kind, currency, day, lines, description, starts, ends
    )  # fmt: skip


def cost_lines(sent: Sent, production: Production, currency: str) -> tuple[CostLine, ...]:
    """The lines of an invoice or envelope; faults are noted, not raised."""
    chart, known = _chart(production), ledger.known_segments(production)
    plans = []
    for n, cells in sent.rows():
        coded = cells.get(SEGMENTS, "")
        _check_account(sent, f"account-{n}", cells["account"], chart)
        _check_segments(sent, n, coded, known)
        _check_amount(sent, f"amount-{n}", cells["amount"], currency)
        line_no = _number(sent, f"order_line-{n}", cells["order_line"])
        if cells["order"] and not cells["order_line"]:
            sent.fault(f"order_line-{n}", "expected the line of the order, found nothing.")
        if line_no and not cells["order"]:
            sent.fault(f"order-{n}", "expected the order this line is of, found nothing.")
        plans.append(
            CostLine(cells["account"], cells["amount"], cells["description"][:LONGEST_TEXT],
                     cells["order"].upper(), line_no, bool(cells["is_final"]), coded)
        )  # fmt: skip
    if not plans:
        sent.fault("account-0", "expected a line, found none.")
    return tuple(plans)


def invoice_plan(sent: Sent, production: Production) -> InvoicePlan:
    """An invoice. Raises Invalid when a field is at fault."""
    unit = sent.choice("unit", {u.code: u for u in taxonomy.units(production)})
    vendor = _vendor(sent, production)
    number = sent.required("number", "the invoice's number")
    dated = sent.day("dated")
    due_on = sent.day("due_on", required=False)
    currency = sent.currency()
    description = sent.optional("description")
    lines = cost_lines(sent, production, currency)
    if dated and due_on and due_on < dated:
        sent.fault("due_on", "expected a day on or after the invoice's date.")
    sent.check()
    assert unit and vendor and dated
    return InvoicePlan(
        unit, vendor, number, dated, currency, lines, due_on, description,
        bool(sent.text("accepts_over")),
    )  # fmt: skip


def payment_plan(sent: Sent, vendor: Vendor, offered: Sequence[selectors.Paper]) -> PaymentPlan:
    """A payment of the ticked invoices of `offered`. Raises Invalid when a field is at fault."""
    number = sent.required("number", "the number of the check or wire")
    day = sent.day("day")
    bank = sent.optional("bank")
    ticked = []
    for paper in offered:
        if not sent.text(f"pay-{paper.entry.pk}"):
            continue
        name = f"amount-{paper.entry.pk}"
        _check_amount(sent, name, sent.text(name), paper.entry.currency)
        ticked.append((paper.entry.pk, sent.text(name)))
    sent.check()
    assert day
    return PaymentPlan(vendor, number, day, tuple(ticked), bank)


def journal_plan(sent: Sent, production: Production) -> JournalPlan:
    """A journal entry. Raises Invalid when a field is at fault."""
    unit = sent.choice("unit", {u.code: u for u in taxonomy.units(production)})
    number = sent.required("number", "the journal's number")
    day = sent.day("day")
    currency = sent.currency()
    description = sent.required("description", "what the journal is for")
    chart, known = _chart(production), ledger.known_segments(production)
    plans = []
    for n, cells in sent.rows():
        coded = cells.get(SEGMENTS, "")
        _check_account(sent, f"account-{n}", cells["account"], chart)
        _check_segments(sent, n, coded, known)
        both = bool(cells["debit"]) and bool(cells["credit"])
        if both or not (cells["debit"] or cells["credit"]):
            sent.fault(f"debit-{n}", "expected a debit or a credit, found both or neither.")
        side = "debit" if cells["debit"] else "credit"
        if cells[side] and not both:
            _check_amount(sent, f"{side}-{n}", cells[side], currency)
        line_no = _number(sent, f"order_line-{n}", cells["order_line"])
        plans.append(
            JournalLine(cells["account"], cells["debit"], cells["credit"], cells["cost_center"],
                        cells["order"].upper(), line_no, coded)
        )  # fmt: skip
    if not plans:
        sent.fault("account-0", "expected two lines or more, found none.")
    sent.check()
    assert unit and day
    return JournalPlan(unit, day, currency, description, tuple(plans), number)


def fund_plan(sent: Sent, production: Production) -> FundPlan:
    """A float or card. Raises Invalid when a field is at fault."""
    unit = sent.choice("unit", {u.code: u for u in taxonomy.units(production)})
    center = sent.choice("cost_center", {c.code: c for c in taxonomy.cost_centers(production)})
    kind = sent.choice("kind", {k: k for k in ROLES})
    custodian = sent.required("custodian", "who holds it")
    currency = sent.currency()
    imprest = sent.text("imprest")
    _check_amount(sent, "imprest", imprest, currency)
    if imprest.startswith(("-", "(")):
        sent.fault("imprest", "expected an amount above zero.")
    account = sent.optional("account")
    if account:
        _check_account(sent, "account", account, _chart(production))
    sent.check()
    assert unit and center and kind
    return FundPlan(unit, center, kind, custodian, currency, imprest, account)


def known_currency(code: str) -> str:
    """The currency, or the commonest kind where it is none: its amounts are shown alike."""
    return code.upper() if code.upper() in MINOR_UNITS else "USD"


def sums(sent: Sent, columns: Sequence[str]) -> dict[str, Decimal]:
    """column -> the sum of the amounts in it that can be read."""
    said = dict.fromkeys(columns, Decimal(0))
    for column in columns:
        for _, cells in sent.rows():
            try:
                said[column] += typed(cells[column] or "0")
            except money.AmountError:
                continue
    return said

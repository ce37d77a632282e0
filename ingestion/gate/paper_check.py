"""Whether the rows of a document are right, each and together: then it can be entered. Pure.

Every row goes through the gate that cost lines go through. What a document says once (its date,
vendor, currency, type) may stand on its first row alone; where other rows say it too, they must
agree. With one row at fault the whole document is held, and its other rows say which row that is.
"""

import hashlib
from collections.abc import Mapping as Words
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ingestion.gate.dates import DateRefused
from ingestion.gate.identity import facts_text
from ingestion.gate.paper_rows import Document, Part, folded
from ingestion.gate.pipeline import RECORD_FAULTS
from ingestion.gate.schema import CleanLine, Gate, Violation
from ingestion.layouts.mapping import FIELDS
from ingestion.layouts.vocabulary import as_meant, meanings
from taxonomy import money

ZERO = Decimal(0)
KINDS = ("purchase", "service", "rental")
GENERAL = "GENERAL JOURNAL"
# What the document is called, how long its number may be, and what it says once.
NAMES = {
    "order": "purchase order", "journal": "journal", "envelope": "envelope", "invoice": "invoice",
}  # fmt: skip
LONGEST_NUMBER = {"order": 16, "journal": 40, "envelope": 40, "invoice": 40}
HEADS = {
    "order": ("reference", "vendor", "transaction_date", "kind", "cost_center", "currency", "unit",
              "rental_starts_on", "rental_ends_on"),
    "journal": ("reference", "transaction_date", "currency", "unit", "kind"),
    "envelope": ("reference", "custodian", "currency"),
    "invoice": ("reference", "vendor", "transaction_date", "due_on", "currency", "unit"),
}  # fmt: skip
# What an invoice's line may say of whether anything more will come on its order's.
FINAL = dict.fromkeys(("", "no", "n", "false", "0"), False) | dict.fromkeys(
    ("yes", "y", "true", "1", "x", "final"), True
)
MOST_LINES = 10_000
Faults = list[list[Violation]]  # one list for each row, in order


class Leg(NamedTuple):
    """One row as a line of its document. Money is in the document's currency."""

    account: str
    amount: Decimal
    center_id: int
    segments: str
    description: str
    quantity: Decimal
    rate: Decimal
    order: str = ""
    order_line: int = 0  # none is said
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A document whose rows are right: what is said once, and its lines."""

    number: str
    unit_id: int
    center_id: int
    day: date
    currency: str
    description: str
    legs: tuple[Leg, ...]
    facts: bytes
    vendor: str = ""
    custodian: str = ""
    kind: str = ""
    rental: tuple[date | None, date | None] = (None, None)
    due_on: date | None = None


@dataclass(slots=True)
class PaperGate:
    """The gate of one file's documents: the rows' gate, and who vendors and custodians are."""

    gate: Gate
    vendors: frozenset[str]
    funds: Words[str, str]  # custodian, casefolded -> the fund's currency
    homes: Words[int, str] = field(init=False)

    def __post_init__(self) -> None:
        self.homes = {pk: code for code, pk in self.gate.words.cost_centers.items()}

    @property
    def paper(self) -> str:
        """What the rows of the file make up."""
        return self.gate.mapping.paper

    def examine(self, document: Document) -> Plan | Faults:
        """The document as it may be entered, or what is wrong with each of its rows."""
        parts = [self._meant(part) for part in document.parts]
        faults: Faults = [self._unread(part) for part in parts]
        heads = self._heads(parts)
        lines: list[CleanLine | None] = []
        for part, said in zip(parts, faults, strict=True):
            lines.append(None if part.cells is None else self._line(part, parts, heads, said))
        if len(document.places) > 1:
            self._split(document, faults)
        if not any(faults):
            clean = [line for line in lines if line is not None]
            plan = self._together(document, clean, heads, faults)
            if plan is not None and not any(faults):
                return plan
        return explained(document, faults, NAMES[self.paper])

    def _meant(self, part: Part) -> Part:
        """The row with the vendor's words put right, as was decided of the source."""
        cells = part.cells
        if not cells or not self.gate.mapping.words:
            return part
        known = meanings(self.gate.mapping, self.gate.words)
        meant = as_meant([cells.get(name, "") for name in FIELDS], known)
        return part._replace(
            cells=cells | {n: v for n, v in zip(FIELDS, meant, strict=True) if n in cells}
        )

    @staticmethod
    def _unread(part: Part) -> list[Violation]:
        code = part.record.code
        if code is None:
            return []
        expected, fix = RECORD_FAULTS[code]
        return [Violation("row", code, expected, _shown(part.record.raw[:160]), fix)]

    def _heads(self, parts: Sequence[Part]) -> dict[str, str]:
        """What the document says once: what the first row that says it, says."""
        heads = {}
        for name in HEADS[self.paper]:
            said = [part.cells[name].strip(" ") for part in parts
                    if part.cells and part.cells.get(name, "").strip(" ")]  # fmt: skip
            heads[name] = said[0] if said else ""
        if self.paper == "envelope" and not heads["currency"]:
            heads["currency"] = self.funds.get(heads["custodian"].casefold(), "")
        return heads

    def _line(
        self, part: Part, parts: Sequence[Part], heads: dict[str, str], said: list[Violation]
    ) -> CleanLine | None:
        cells = dict(part.cells or {})
        for name, value in heads.items():
            stated = cells.get(name, "").strip(" ")
            if stated and stated.casefold() != value.casefold():
                said.append(self._differs(name, value, stated))
            cells[name] = value
        self._named(cells, said)
        if self.paper == "order":
            self._ordered(cells, said)
        elif self.paper == "journal":
            self._housed(cells, parts)
        elif self.paper == "invoice":
            self._relieves(cells, said)
        else:
            self._taxed(cells, said)
        line = self.gate.clean(tuple(cells.get(name, "") for name in FIELDS))
        if isinstance(line, CleanLine):
            return line
        known = {violation.field for violation in said}
        said += [violation for violation in line if violation.field not in known]
        return None

    def _differs(self, name: str, expected: str, found: str) -> Violation:
        what = NAMES[self.paper]
        return Violation(
            name, "E_DIFFERS", f"{expected}, as the first row of the {what} says", _shown(found),
            f"a {what} has one of it: correct it, or give the row a number of its own",
        )  # fmt: skip

    def _named(self, cells: dict[str, str], said: list[Violation]) -> None:
        what, number = NAMES[self.paper], cells.get("reference", "")
        longest = LONGEST_NUMBER[self.paper]
        if not number:
            said.append(Violation("reference", "E_NUMBER", f"the {what}'s number", "",
                                  "write the number on each of its rows"))  # fmt: skip
        elif len(number) > longest:
            said.append(Violation("reference", "E_FIELD_TOO_LONG", f"at most {longest} characters",
                                  _shown(number), "shorten it and resubmit"))  # fmt: skip
        if self.paper in {"order", "invoice"} and cells["vendor"].casefold() not in self.vendors:
            said.append(Violation(
                "vendor", "E_VENDOR", "a vendor of the production", _shown(cells["vendor"]),
                "add the vendor, or write the name as it stands among the vendors, and resubmit",
            ))  # fmt: skip
        if self.paper == "envelope" and cells["custodian"].casefold() not in self.funds:
            said.append(Violation(
                "custodian", "E_FUND", "who holds a petty-cash float of the production",
                _shown(cells["custodian"]), "open the float first, or correct the name",
            ))  # fmt: skip
        if self.paper == "journal" and cells.get("kind", "").upper() not in {"", GENERAL}:
            said.append(Violation(
                "kind", "E_KIND", GENERAL, _shown(cells["kind"]),
                "enter it as the invoice, check or deposit it is",
            ))  # fmt: skip

    def _ordered(self, cells: dict[str, str], said: list[Violation]) -> None:
        """The amount an order's line comes to, and what is said of its type and dates."""
        kind = cells["kind"] = cells["kind"].lower() or KINDS[0]
        if kind not in KINDS:
            said.append(Violation("kind", "E_KIND", ", ".join(KINDS), _shown(kind),
                                  "write one of them"))  # fmt: skip
        for name in ("rental_starts_on", "rental_ends_on"):
            self._rental_day(cells, name, said)
        figures = {name: self._figure(cells, name, said) for name in ("quantity", "rate", "amount")}
        quantity, rate, amount = figures.values()
        if rate is None:
            if quantity is not None and quantity != 1:
                said.append(Violation("rate", "E_AMOUNT", "the rate of one, where there are more",
                                      "", "write the rate"))  # fmt: skip
            cells["rate"] = cells.get("amount", "")
            return
        try:
            comes_to = money.round_half_up(
                (Decimal(1) if quantity is None else quantity) * rate, self._currency(cells)
            )
        except money.UnknownCurrency:
            return  # the gate says what is wrong with the currency
        if amount is None:
            cells["amount"] = self._written(comes_to)
        elif amount != comes_to:
            said.append(Violation(
                "amount", "E_AMOUNT", f"quantity times rate, {comes_to:f}", _shown(cells["amount"]),
                "correct the quantity, the rate or the amount",
            ))  # fmt: skip

    def _rental_day(self, cells: dict[str, str], name: str, said: list[Violation]) -> None:
        if not cells[name]:
            if cells["kind"] == "rental":
                said.append(Violation(name, "E_DATE", "the first and the last day of the rental",
                                      "", "write both dates"))  # fmt: skip
            return
        try:
            self.gate.day(cells[name])
        except DateRefused as error:
            said.append(Violation(name, "E_DATE", error.expected, _shown(cells[name]), error.fix))

    def _relieves(self, cells: dict[str, str], said: list[Violation]) -> None:
        """Which line of an order an invoice's line relieves, and whether it is the last of it."""
        line, final = (cells.get(name, "").strip(" ") for name in ("order_line", "is_final"))
        if line and not (line.isascii() and line.isdecimal() and 0 < int(line) < MOST_LINES):
            said.append(Violation("order_line", "E_LINE", "the number of a line of the order, 1 "
                                  "for its first", _shown(line), "correct it"))  # fmt: skip
        if final.casefold() not in FINAL:
            said.append(Violation("is_final", "E_KIND", "yes, no or nothing", _shown(final),
                                  "write one of them"))  # fmt: skip
        if (line or FINAL.get(final.casefold())) and not cells.get("order", "").strip(" "):
            said.append(Violation("order", "E_ORDER", "the order whose line it is", "",
                                  "write the order's number, or neither"))  # fmt: skip
        if cells["due_on"]:
            try:
                self.gate.day(cells["due_on"])
            except DateRefused as error:
                said.append(Violation("due_on", "E_DATE", error.expected, _shown(cells["due_on"]),
                                      error.fix))  # fmt: skip

    def _housed(self, cells: dict[str, str], parts: Sequence[Part]) -> None:
        """A leg on an account of no department stands in its journal's, where that has one."""
        accounts = self.gate.words.accounts
        if cells.get("cost_center", "").strip(" "):
            return
        account = accounts.get(cells.get("account_code", "").strip(" "))
        if account is None or account.cost_center_id is not None:
            return
        named = {self._home(part.cells) for part in parts if part.cells} - {""}
        if len(named) == 1:
            cells["cost_center"] = named.pop()

    def _home(self, cells: dict[str, str]) -> str:
        stated = cells.get("cost_center", "").strip(" ")
        account = self.gate.words.accounts.get(cells.get("account_code", "").strip(" "))
        if stated or account is None or account.cost_center_id is None:
            return stated
        return self.homes[account.cost_center_id]

    def _taxed(self, cells: dict[str, str], said: list[Violation]) -> None:
        names = ("subtotal", "tax", "amount")
        subtotal, tax, total = (self._figure(cells, name, said) for name in names)
        if subtotal is None or total is None or subtotal + (tax or ZERO) == total:
            return
        said.append(Violation(
            "amount", "E_RECEIPT", f"{subtotal + (tax or ZERO):f}, the subtotal and its tax",
            _shown(cells["amount"]), "correct the figure that is not the receipt's",
        ))  # fmt: skip

    def _figure(self, cells: dict[str, str], name: str, said: list[Violation]) -> Decimal | None:
        """A figure of the row. The gate speaks of an amount that cannot be read."""
        text = cells.get(name, "").strip(" ")
        if not text:
            return None
        try:
            return money.parse_amount(text, self.gate.mapping.amounts, self._currency(cells))
        except money.AmountError as error:
            if name != "amount":
                said.append(Violation(name, "E_AMOUNT", "a number such as 1234.50", _shown(text),
                                      f"{error.reason}; correct it and resubmit"))  # fmt: skip
            return None

    def _currency(self, cells: dict[str, str]) -> str:
        return cells.get("currency", "").strip(" ") or self.gate.words.currency

    def _written(self, amount: Decimal) -> str:
        return f"{amount:f}".replace(".", self.gate.mapping.amounts.decimal)

    def _split(self, document: Document, faults: Faults) -> None:
        where = " and ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in document.places)
        for said in faults:
            said.append(Violation(
                "row", "E_SPLIT", f"the rows of a {NAMES[self.paper]} one below the other",
                f"rows {where}", "sort the file by number and send it again; where one of the "
                "places repeats the other, reject its rows and resubmit the rest",
            ))  # fmt: skip

    def _together(
        self, document: Document, lines: Sequence[CleanLine], heads: dict[str, str], faults: Faults
    ) -> Plan | None:
        if self.paper == "journal":
            self._balance(lines, faults)
        elif self.paper == "order":
            self._one_department(lines, faults)
        said = [self._figures(part, heads) for part in document.parts]
        legs = tuple(
            Leg(line.account.code, line.amount, line.cost_center_id, line.segments,
                line.description, quantity, rate, *self._relieved(part.cells or {}))
            for line, (quantity, rate), part in zip(lines, said, document.parts, strict=True)
        )  # fmt: skip
        first, days = lines[0], [line.day.day for line in lines]
        rental = [heads.get(n, "") for n in ("rental_starts_on", "rental_ends_on")]
        return Plan(
            number=heads["reference"],
            unit_id=first.unit_id,
            center_id=first.cost_center_id,
            day=max(days),
            currency=first.currency,
            description=next((x.description for x in lines if x.description), ""),
            legs=legs,
            facts=self._facts(lines, heads, legs),
            vendor=heads.get("vendor", ""),
            custodian=heads.get("custodian", ""),
            kind=(heads.get("kind", "") or KINDS[0]).lower(),
            rental=(self._day(rental[0]), self._day(rental[1])),
            due_on=self._day(heads.get("due_on", "")),
        )

    def _relieved(self, cells: dict[str, str]) -> tuple[str, int, bool]:
        """(order, its line or 0, whether that was the last of it)."""
        if self.paper != "invoice":
            return "", 0, False
        names = ("order", "order_line", "is_final")
        order, line, final = (cells.get(name, "").strip(" ") for name in names)
        return order, int(line or 0), FINAL[final.casefold()]

    def _figures(self, part: Part, heads: dict[str, str]) -> tuple[Decimal, Decimal]:
        """(quantity, rate) of an order's line: one of what it costs, where neither is said."""
        cells = {**(part.cells or {}), "currency": heads["currency"]}
        quantity = self._figure(cells, "quantity", [])
        rate = self._figure(cells, "rate", []) or self._figure(cells, "amount", [])
        return quantity or Decimal(1), rate or ZERO

    def _day(self, text: str) -> date | None:
        return self.gate.day(text).day if text else None

    def _balance(self, lines: Sequence[CleanLine], faults: Faults) -> None:
        debits = sum((x.amount for x in lines if x.amount > 0), ZERO)
        credits = -sum((x.amount for x in lines if x.amount < 0), ZERO)
        if debits == credits:
            return
        currency = lines[0].currency
        for said in faults:
            said.append(Violation(
                "row", "E_BALANCE", "a journal at zero, debits and credits alike",
                f"debits {money.format_amount(debits, currency)}, credits "
                f"{money.format_amount(credits, currency)} {currency}",
                "find the row that is missing or wrong, correct it and resubmit",
            ))  # fmt: skip

    def _one_department(self, lines: Sequence[CleanLine], faults: Faults) -> None:
        home = self.homes[lines[0].cost_center_id]
        for line, said in zip(lines, faults, strict=True):
            if line.cost_center_id != lines[0].cost_center_id:
                said.append(Violation(
                    "cost_center", "E_DIFFERS", f"one department in the order, {home} as in its "
                    "first row", self.homes[line.cost_center_id],
                    "name the department the order is of, or give the row a number of its own",
                ))  # fmt: skip

    def _facts(
        self, lines: Sequence[CleanLine], heads: dict[str, str], legs: Sequence[Leg]
    ) -> bytes:
        """Everything the document states, in one spelling."""
        said = [f"{name} {value.casefold()}" for name, value in heads.items() if value]
        for line, leg in zip(lines, legs, strict=True):
            more = ""
            if self.paper == "order":
                more = f"{leg.quantity.normalize():f} {leg.rate.normalize():f}"
            elif leg.order:
                more = f"{folded(leg.order)} {leg.order_line} {leg.is_final}"
            said.append("\x1e".join((facts_text(line), line.segments, more)))
        return hashlib.sha256("\x1d".join(said).encode()).digest()


def explained(document: Document, faults: Faults, what: str) -> Faults:
    """The faults with, on each row that has none, which row its document waits for."""
    at_fault = [(part, said[0]) for part, said in zip(document.parts, faults, strict=True) if said]
    part, first = at_fault[0]
    waits = Violation(
        "row", "E_DOCUMENT", f"the {what} right in all its rows: it is entered whole",
        f"row {part.record.row}, line {part.record.line}: {first.field} {first.code}",
        "correct that row; this one needs no change, and is entered with it",
    )  # fmt: skip
    return [said or [waits] for said in faults]


def _shown(found: str | bytes) -> str:
    text = found.decode("utf-8", "replace").rstrip("\r\n") if isinstance(found, bytes) else found
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)[:120]

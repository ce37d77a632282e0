"""When two invoices are probably one: numbers and vendors as people write them otherwise. Pure.

Number, amount and currency must agree, and the vendors be alike. Nothing is refused for that: the
row is held and names the other invoice, and a person says whether it is the same.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from ingestion.gate.schema import Violation
from taxonomy import money

CODE: Final = "E_NEAR_DUPLICATE"
_DIGITS = re.compile("[1-9]")
_PARTS = re.compile(r"\d+|[^\W\d_]+")
_WORDS = re.compile(r"[^\W_]+")
# What stands before a number and is none of it.
_CALLED: Final = frozenset({"INV", "INVOICE", "NO", "NR", "NUM", "NUMBER", "BILL", "FACTURE"})
# What a firm is in law, in the countries films are made in; its name is what stands before.
_LEGAL: Final = frozenset({
    "ab", "ag", "ao", "aps", "as", "asa", "bv", "co", "company", "corp", "corporation", "cv",
    "eurl", "gmbh", "inc", "incorporated", "kft", "kg", "lda", "limited", "llc", "llp", "lp",
    "ltd", "ltda", "mbh", "nv", "oy", "oyj", "plc", "pte", "pty", "pvt", "sa", "sarl", "sas", "sl",
    "spa", "spol", "srl", "sro", "the", "ulc", "zoo",
})  # fmt: skip
# Names shorter than this are alike only when they are equal: one letter tells them apart.
_SHORT: Final = 5
_LONG: Final = 10

Terms = tuple[str, str, Decimal]


class Invoice(NamedTuple):
    """An invoice as it was stated, and where it stands: (batch, number), or a row of this file."""

    vendor: str
    number: str
    amount: Decimal
    currency: str
    key: tuple[int, int] = (0, 0)
    file_name: str = ""
    row: int = 0
    posted_on: date | None = None
    is_by_hand: bool = False

    @property
    def terms(self) -> Terms:
        """What must agree before anything finer is compared."""
        return terms_of(self.number, self.currency, self.amount)


def terms_of(number: str, currency: str, amount: Decimal) -> Terms:
    """What candidates are found by: the number's digits without zeros, currency and amount.

    So coarse that SQL says the same (ingestion/sql/invoice_marks.sql) and that no better rule for
    numbers makes what was written before useless.
    """
    return number_key(number), currency, amount


def number_key(number: str) -> str:
    """The digits of a number, zeros left out: the same for INV-0012, INV 12 and 12."""
    return "".join(_DIGITS.findall(unicodedata.normalize("NFKC", number)))


@lru_cache(20_000)
def _number(text: str) -> tuple[str, str]:
    """The number in two spellings: zeros left out before each part, and before the first only."""
    parts = _PARTS.findall(unicodedata.normalize("NFKC", text).upper())
    while len(parts) > 1 and parts[0] in _CALLED:
        parts = parts[1:]
    if not parts:
        return text, text
    bare = [part.lstrip("0") or "0" if part.isdigit() else part for part in parts]
    return "".join(bare), "".join([bare[0], *parts[1:]])


def is_same_number(one: str, other: str) -> bool:
    """Whether two numbers are one, written otherwise: other separators, zeros, or INV before."""
    return not set(_number(one)).isdisjoint(_number(other))


@lru_cache(20_000)
def vendor_words(name: str) -> tuple[str, ...]:
    """A vendor's name in plain words: no accents, points or case, and not what it is in law."""
    plain = unicodedata.normalize("NFKD", name).casefold().replace("&", " and ")
    plain = "".join(c for c in plain if not unicodedata.combining(c) and c not in ".'\u2019`")
    words = [word for word in _WORDS.findall(plain) if word != "and"]
    return tuple([word for word in words if word not in _LEGAL] or words)


@lru_cache(20_000)
def is_similar_vendor(one: str, other: str) -> bool:
    """Whether two names are probably one vendor's: equal in plain words and whatever their order,
    one the beginning of the other, or a slip or two of typing apart."""
    first, second = vendor_words(one), vendor_words(other)
    a, b = "".join(first), "".join(second)
    if a == b or sorted(first) == sorted(second):
        return True
    least = min(len(a), len(b))
    if least < _SHORT or not (first and second):
        return False
    shared = min(len(first), len(second))
    if first[:shared] == second[:shared]:
        return True
    return slips(a, b, 1 if least < _LONG else 2)


def slips(one: str, other: str, most: int) -> bool:
    """Whether at most so many slips lie between two words: a letter more, less, other, or two that
    changed places."""
    if abs(len(one) - len(other)) > most:
        return False
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return False
    return row[-1] <= most


@dataclass(slots=True)
class Lookalikes:
    """The invoices that stand, by what must agree with them."""

    _known: dict[Terms, list[Invoice]] = field(default_factory=dict)

    def add(self, invoice: Invoice) -> None:
        """One more that stands: found posted, or about to be."""
        self._known.setdefault(invoice.terms, []).append(invoice)

    def update(self, others: "Lookalikes") -> None:
        """All of these besides."""
        for found in others._known.values():
            for invoice in found:
                self.add(invoice)

    def of(self, mine: Invoice) -> Invoice | None:
        """The invoice that this one probably is; None for what is plainly another, and for one
        that states number and vendor in the same letters: that is the same document, whose lines
        are told apart by its key."""
        for other in self._known.get(mine.terms, ()):
            if not other.is_by_hand and _stated(mine) == _stated(other):
                continue
            if is_same_number(mine.number, other.number) and is_similar_vendor(
                mine.vendor, other.vendor
            ):
                return other
        return None


def _stated(invoice: Invoice) -> tuple[str, str]:
    """As its document's key has it (`identity`)."""
    vendor, number = (unicodedata.normalize("NFC", t) for t in (invoice.vendor, invoice.number))
    return vendor.casefold(), number


def near_duplicate(mine: Invoice, other: Invoice) -> Violation:
    """What the desk says of a row that is probably an invoice that stands already."""
    return Violation(
        "reference",
        CODE,
        f"an invoice that is not posted yet: {_said(other)} {_stands(other)}",
        _said(mine)[:120],
        "reject the row if it is the same invoice; if it is another, say why it is not a duplicate",
    )


def _said(invoice: Invoice) -> str:
    amount = f"{money.format_amount(invoice.amount, invoice.currency)} {invoice.currency}"
    return f"{invoice.number} of {invoice.vendor[:120]}, {amount}"


def _stands(invoice: Invoice) -> str:
    if invoice.posted_on is None:
        return f"stands in row {invoice.row:,} of this file"
    document = f"document {invoice.key[0]}-{invoice.key[1]}"
    if invoice.is_by_hand:
        return f"was entered by hand on {invoice.posted_on:%d %b %Y}, {document}"
    return (
        f"was posted on {invoice.posted_on:%d %b %Y} from {invoice.file_name}, "
        f"row {invoice.row:,}, {document}"
    )

"""Which field a column nobody knows most likely is, and why. A person decides. Pure."""

import json
import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ingestion.layouts.mapping import Mapping, header_key
from ingestion.layouts.rules import mappable_fields
from taxonomy.money import AmountConventions, AmountError, parse_amount

LEAST = 0.6
_VARIANTS = Path(__file__).resolve().parent / "data" / "header_variants.json"
_MONEY = frozenset(
    {"amount", "employer_taxes", "benefits", "reimbursements", "deductions", "net_pay"}
)
_ANY_AMOUNT = AmountConventions(
    thousands=",", parens_negative=True, trailing_minus=True, currency_symbol=True
)


class Suggestion(NamedTuple):
    """A field, how sure the likeness is (0 to 1), and the reason in words."""

    field: str
    score: float
    why: str


class Variant(NamedTuple):
    """A header as some vendor or union writes it, and where that was seen."""

    field: str
    header: str
    seen_in: str


@cache
def variants() -> tuple[Variant, ...]:
    """The header variants of the data file beside this one."""
    kept = json.loads(_VARIANTS.read_text(encoding="utf-8"))["variants"]
    return tuple(
        Variant(item["field"], header, item["seen_in"])
        for item in kept
        for header in item["headers"]
    )


def suggest(
    header: str, mapping: Mapping, taken: Iterable[str], samples: Iterable[str] = ()
) -> Suggestion | None:
    """The likeliest field for a column, among those no other column fills; None when none is."""
    free = [name for name in mappable_fields(mapping) if name not in set(taken)]
    found = [
        s
        for name in free
        for s in _for_field(header, name, mapping)
        if s.score >= LEAST and _fits(name, list(samples))
    ]
    return max(found, key=lambda s: s.score, default=None)


def _for_field(header: str, name: str, mapping: Mapping) -> Iterable[Suggestion]:
    key = header_key(header)
    own = [h for c in mapping.columns if c.field == name for h in c.headers]
    for variant in variants():
        if variant.field == name and header_key(variant.header) == key:
            yield Suggestion(name, 1.0, f"{variant.header}: {variant.seen_in}")
    for known in [*own, name.replace("_", " ")]:
        score = likeness(header, known)
        yield Suggestion(name, score, f"like {known} ({score:.2f})")


def likeness(one: str, other: str) -> float:
    """How alike two headers are, from 0 to 1: letter by letter, or every word of one in the
    other."""
    a, b = header_key(one), header_key(other)
    if not a or not b:
        return 0.0
    letters = SequenceMatcher(None, a, b, autojunk=False).ratio()
    words, others = _words(one), _words(other)
    within = min(len(words), len(others))
    shared = len(words & others)
    return max(letters, 0.9 if within and shared == within else 0.0)


def _words(header: str) -> set[str]:
    return {w for w in re.split(r"[^0-9a-z]+", header.casefold()) if len(w) > 1}


def _fits(name: str, samples: list[str]) -> bool:
    """Whether the samples could be the field's: money is money, and nothing else says what it is
    as surely."""
    if name not in _MONEY or not samples:
        return True
    return all(map(_is_amount, samples))


def _is_amount(text: str) -> bool:
    try:
        parse_amount(text.replace("$", "").replace(".", "").replace(",", ""), _ANY_AMOUNT)
    except AmountError:
        return False
    return True

"""The production's words, and what is meant by a vendor's other ones: US$ means USD. Pure."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from ingestion.layouts.mapping import FIELDS, Mapping
from ledger.segments import Known
from taxonomy.currencies import MINOR_UNITS


class AccountWord(NamedTuple):
    """What the gate knows of an account: its row, its line, its home and its fringe account."""

    id: int
    code: str
    line: str
    cost_center_id: int | None
    fringe_id: int | None


@dataclass(slots=True)
class Vocabulary:
    """The production's words, as they stand when a file is read."""

    accounts: dict[str, AccountWord]
    account_format: str
    cost_centers: dict[str, int]
    units: dict[str, int]
    currency: str
    time_zone: str
    periods: Sequence[tuple[date, date, int]]
    default_unit: str
    default_day: date
    categories: frozenset[str] = frozenset()
    contingency: frozenset[str] = frozenset()
    # A kind of which the production has no code is not among them.
    segments: Known = field(default_factory=dict)


class Meaning(NamedTuple):
    """Of one field: its place in FIELDS, the words there are, and what other words mean."""

    place: int
    known: Container[str]
    meant: dict[str, str]


def meanings(mapping: Mapping, words: Vocabulary) -> list[Meaning]:
    """What the mapping says of words the production does not have, field by field."""
    known: dict[str, Container[str]] = {
        "account_code": words.accounts,
        "cost_center": words.cost_centers,
        "currency": MINOR_UNITS,
        "unit": words.units,
    }
    return [
        Meaning(
            FIELDS.index(name),
            known[name],
            {found: to for of, found, to in mapping.words if of == name},
        )
        for name in dict.fromkeys(name for name, _, _ in mapping.words)
    ]


def as_meant(values: Sequence[str], said: Sequence[Meaning]) -> list[str]:
    """The values with the vendor's words put right; a word there is never means another."""
    right = list(values)
    for place, known, meant in said:
        text = right[place].strip(" ")
        if text not in known:
            right[place] = meant.get(text, right[place])
    return right

"""Which account of the chart a budget file means: "A101" is "A1-01". Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

LEAST_LETTERS = 2


class Words(NamedTuple):
    """The accounts of a chart by their normalised code; a code two accounts share has both."""

    details: Mapping[str, tuple[str, ...]]
    categories: Mapping[str, tuple[str, ...]]


class Match(NamedTuple):
    """The account meant, if exactly one is: a detail to be loaded or a category to be checked."""

    code: str
    is_category: bool
    others: tuple[str, ...] = ()


def normalised(code: str) -> str:
    """Letters and digits alone, in capitals: marks and spaces between them mean nothing."""
    return "".join(c for c in code.upper() if c.isascii() and c.isalnum())


def words_of(accounts: Iterable[tuple[str, bool]]) -> Words:
    """`accounts` are (code, is a detail)."""
    details: dict[str, tuple[str, ...]] = {}
    categories: dict[str, tuple[str, ...]] = {}
    for code, is_detail in accounts:
        known = details if is_detail else categories
        known[normalised(code)] = (*known.get(normalised(code), ()), code)
    return Words(details, categories)


def match(words: Words, account: str, sub_account: str) -> Match | None:
    """The account a row names; None when the chart has none like it.

    A sub-account may be a code of its own ("1101") or the tail of its account's ("01" of "11").
    A code that several accounts share matches none: `others` names them.
    """
    if sub_account:
        tries = (normalised(sub_account), normalised(account + sub_account))
        asked = [t for t in tries if t in words.details and len(t) >= LEAST_LETTERS]
        if not asked:
            return None
    else:
        asked = [normalised(account)]
    for known, is_category in ((words.details, False), (words.categories, True)):
        for code in asked:
            found = known.get(code, ())
            if len(found) > 1:
                return Match("", is_category, found)
            if found:
                return Match(found[0], is_category)
    return None

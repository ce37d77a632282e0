"""Words of this trade that make no password: a person's own words have to carry it."""

import re
from typing import Final

from django.core.exceptions import ValidationError

# This house's name, what its work and its people are called. docs/asvs.md, V6.1.2.
WORDS: Final = (
    "prodacct", "production", "accounting", "accountant", "payroll", "guarantor", "producer",
    "department", "executive", "administrator", "budget", "ledger", "invoice", "costreport",
    "quarantine", "override", "welcome", "password",
)  # fmt: skip
LEAST_OWN_LETTERS: Final = 6
_WORD = re.compile("|".join(sorted(WORDS, key=len, reverse=True)))


def own_letters(password: str) -> str:
    """The letters of a password that stand in no word of the list."""
    return _WORD.sub("", _letters(password))


def _letters(password: str) -> str:
    """Small letters alone: digits and marks between them hide no word."""
    return "".join(c for c in password.lower() if c.isalpha())


class TradeWordsValidator:
    """Refuses a password whose letters are words of the list and next to nothing else."""

    def validate(self, password: str, user: object = None) -> None:
        """Raises ValidationError."""
        found = _WORD.search(_letters(password))
        if found is not None and len(own_letters(password)) < LEAST_OWN_LETTERS:
            raise ValidationError(
                f"The password is little more than words anybody here would try "
                f"({found.group()}). Use at least {LEAST_OWN_LETTERS} letters of other words.",
                code="trade_words",
            )

    def get_help_text(self) -> str:
        return "Not only words of the trade, such as production or payroll."

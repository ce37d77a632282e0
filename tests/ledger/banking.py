"""Bank accounts and statements for tests, through the product's own services."""

import hashlib
import itertools
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from ledger import bank_lines, selectors
from ledger.bank_lines import Decision, LineDraft
from ledger.services import keep_document
from ledger.statement_tables import BankAccount
from ledger.statements import (
    NewBankAccount,
    StatementPlan,
    add_bank_account,
    decide_lines,
    open_statements,
    take_lines,
)
from tests.factories import Film, acting, role

_number = itertools.count(1)
DAY = date(2026, 1, 14)


def line(
    row: int,
    amount: str,
    words: str = "",
    *,
    bank_id: str = "",
    day: date = DAY,
    value_on: date | None = None,
) -> LineDraft:
    """A line of the first statement of a file."""
    return LineDraft(
        1, day, value_on, Decimal(amount), bank_id, "", "", words, row, row, row * 10, row * 10 + 9
    )


def banked(film: Film, *, name: str = "Checking", currency: str = "USD", identifiers: str = "",
           account: str = "0100") -> BankAccount:  # fmt: skip
    """A bank account on the chart's own."""
    plan = NewBankAccount(name, currency, account, identifiers)
    with role("web"), acting(film, "amir"):
        return add_bank_account(actor=film.cast["amir"], production=film.production, plan=plan)


def taken(
    film: Film, bank: BankAccount, *drafts: LineDraft, form: str = "ofx",
    used: Sequence[tuple[int, int]] = (), key: bytes = b"",
) -> Decision:  # fmt: skip
    """Take the lines of one more file; what became of each."""
    data = f"file {next(_number)}".encode()
    plan = StatementPlan(
        bank, key or hashlib.sha256(data).digest(), form, "1", DAY, DAY, None, None, len(drafts)
    )
    with role("worker"), acting(film, "amir"):
        document = keep_document(
            actor=film.cast["amir"], production=film.production, name="costs.csv",
            sha256=hashlib.sha256(data).digest(), byte_size=len(data), data=[data],
        )  # fmt: skip
        opened = open_statements(production=film.production, document=document, plans={1: plan})
        taking = decide_lines(
            bank_account=bank, statements=opened, drafts=drafts, used=frozenset(used)
        )
        take_lines([taking])
    return taking.decision


def fates(decision: bank_lines.Decision) -> list[str]:
    """fresh, known or conflict, in row order."""
    found = [(one.draft.row, "fresh") for one in decision.fresh]
    found += [(draft.row, "known") for draft, _ in decision.known]
    found += [(draft.row, "conflict") for draft, _ in decision.conflicts]
    return [fate for _, fate in sorted(found)]


def stored(film: Film, bank: BankAccount) -> list[tuple[str, str, str]]:
    """(day, amount, words) of every line the account has."""
    with role("web"), acting(film, "amir"):
        return [
            (str(one.booked_on), f"{one.amount:f}", one.description)
            for statement in selectors.bank_statements(film.production).filter(bank_account=bank)
            for one in selectors.statement_lines(statement)
        ]

"""Bank accounts, and taking what banks say of them. Runs inside the signed context."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction

from access.errors import Invalid
from access.models import Production, User
from ledger import bank_lines, selectors
from ledger.bank_lines import Decision, KnownLine, LineDraft, identifier_key
from ledger.models import Account, SourceDocument
from ledger.services import copy_rows
from ledger.statement_tables import BankAccount, BankIdentifier, BankStatement
from taxonomy.currencies import MINOR_UNITS

LOCK_CLASS = 0x626E6B  # "bnk": lines of one account are matched by one transaction at a time
# The parts of a chart that money lies on; the other clearing accounts are not at any bank.
CASH_ROLES = frozenset({"", "bank", "petty_cash", "card_clearing"})


class StatementPlan(NamedTuple):
    """A statement as a file states it. `key` makes opening it twice impossible."""

    account: BankAccount
    key: bytes
    form: str
    number: str
    from_day: date | None
    to_day: date | None
    opening: Decimal | None
    closing: Decimal | None
    lines: int


class NewBankAccount(NamedTuple):
    """A bank account as a person enters it; `identifiers` one a line, as statements write them."""

    name: str
    currency: str
    account: str
    identifiers: str


@transaction.atomic
def add_bank_account(*, actor: User, production: Production, plan: NewBankAccount) -> BankAccount:
    """Name a bank account, the account of the chart it is, and what its bank calls it.

    Raises Invalid naming the field at fault.
    """
    assert actor.is_active
    name = _text("Name", plan.name)
    there = selectors.bank_accounts(production)
    if there.filter(name__iexact=name).exists():
        raise Invalid(f"Name: {name} is there already.")
    currency = plan.currency.strip().upper()
    if currency not in MINOR_UNITS:
        raise Invalid(f"Currency: expected a code such as USD or EUR, found {currency[:10]!r}.")
    account = _cash_account(production, plan.account.strip())
    taken = there.filter(account=account).first()
    if taken is not None:
        raise Invalid(f"Ledger account: {account} stands for {taken.name} already.")
    made = BankAccount.objects.create(
        production=production, name=name, currency=currency, account=account
    )
    for written in plan.identifiers.splitlines():
        if written.strip():
            add_identifier(actor=actor, bank_account=made, written=written)
    return made


def _cash_account(production: Production, code: str) -> Account:
    account = selectors.account_by_code(production, code)
    is_cash = account is not None and account.is_postable and account.statement == "balance sheet"
    if account is None or not is_cash or account.clearing_role not in CASH_ROLES:
        raise Invalid(
            "Ledger account: expected a balance-sheet account of the chart that money lies on, "
            f"such as the production's bank, found {code[:20]!r}."
        )
    return account


def _text(field: str, text: str) -> str:
    text = " ".join(text.split())
    if not 0 < len(text) <= 120 or not text.isprintable():
        raise Invalid(f"{field}: expected 1 to 120 visible characters, found {len(text)}.")
    return text


def add_identifier(*, actor: User, bank_account: BankAccount, written: str) -> BankIdentifier:
    """Another name under which statements of the account come. Raises Invalid."""
    assert actor.is_active
    written = _text("Identifier", written)
    key = identifier_key(written)
    if not key:
        raise Invalid("Identifier: expected letters or digits.")
    taken = selectors.bank_account_called(bank_account.production, written)
    if taken is not None:
        raise Invalid(f"Identifier: {written} is {taken.name} already.")
    return BankIdentifier.objects.create(
        production_id=bank_account.production_id, bank_account=bank_account, written=written,
        key=key,
    )  # fmt: skip


def use_bank_account(*, actor: User, bank_account: BankAccount, is_active: bool) -> BankAccount:
    """Expect statements of the account from now on, or no longer. What came stays."""
    assert actor.is_active
    BankAccount.objects.filter(pk=bank_account.pk).update(is_active=is_active)
    bank_account.refresh_from_db()
    return bank_account


def open_statements(
    *, production: Production, document: SourceDocument, plans: Mapping[int, StatementPlan]
) -> dict[int, BankStatement]:
    """The statements of a file by ordinal, made where they are not there yet."""
    keys = {plan.key: ordinal for ordinal, plan in plans.items()}
    found = BankStatement.objects.filter(production=production, key__in=list(keys))
    there = {keys[bytes(statement.key)]: statement for statement in found}
    for ordinal, plan in plans.items():
        if ordinal not in there:
            there[ordinal] = BankStatement.objects.create(
                production=production, bank_account=plan.account, document=document, key=plan.key,
                form=plan.form, number=plan.number[:60], from_day=plan.from_day,
                to_day=plan.to_day, opening=plan.opening, closing=plan.closing, lines=plan.lines,
            )  # fmt: skip
    return there


class Taking(NamedTuple):
    """The lines of one account in a chunk, decided while nobody else takes lines of it."""

    statements: Mapping[int, BankStatement]
    decision: Decision


def decide_lines(
    *,
    bank_account: BankAccount,
    statements: Mapping[int, BankStatement],
    drafts: Sequence[LineDraft],
    used: frozenset[tuple[int, int]],
) -> Taking:
    """Which of these lines of one account are new. Holds the account until the transaction ends.

    `used` are the lines, as (statement, number), that earlier rows of the same file were found to
    be: one stored line answers for one row.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", [LOCK_CLASS, bank_account.pk])
    form = next(iter(statements.values())).form
    own = frozenset(statement.pk for statement in statements.values())
    known = _known(bank_account, form, drafts)
    return Taking(statements, bank_lines.decide(drafts, known, form, own=own, used=used))


_KNOWN = """
SELECT l.statement_id, l.number, l.form, l.bank_id, l.booked_on, l.amount, l.facts, l.twin
FROM ledger_statementline l
WHERE l.production_id = %(production)s AND l.bank_account_id = %(account)s
  AND ((l.booked_on, l.amount) IN (SELECT d, a FROM unnest(%(days)s::date[], %(amounts)s::numeric[])
                                   AS x (d, a))
       OR (l.form = %(form)s AND l.bank_id = ANY (%(ids)s) AND l.bank_id <> ''))
ORDER BY l.statement_id, l.number
"""


def _known(bank_account: BankAccount, form: str, drafts: Sequence[LineDraft]) -> list[KnownLine]:
    with connection.cursor() as cursor:
        cursor.execute(
            _KNOWN,
            {
                "production": bank_account.production_id,
                "account": bank_account.pk,
                "form": form,
                "days": [draft.booked_on for draft in drafts],
                "amounts": [draft.amount for draft in drafts],
                "ids": [draft.bank_id for draft in drafts],
            },
        )
        return [
            KnownLine(statement, number, of_form, bank_id, day, amount, bytes(facts), twin)
            for statement, number, of_form, bank_id, day, amount, facts, twin in cursor.fetchall()
        ]


def take_lines(takings: Iterable[Taking]) -> int:
    """Store the lines that are new; how many. The database logs each statement's share of them.

    Raises IntegrityError when another transaction has taken one of them meanwhile.
    """
    lines: list[str] = []
    for taking in takings:
        numbers = _next_numbers(taking.statements.values())
        for one in taking.decision.fresh:
            statement = taking.statements[one.draft.ordinal]
            number = numbers[statement.pk]
            numbers[statement.pk] = number + 1
            head = f"{statement.production_id}\t{statement.bank_account_id}\t{statement.pk}\t"
            lines.append(bank_lines.copy_line(head, number, statement.form, one))
    if lines:
        copy_rows("ledger_statementline", bank_lines.COLUMNS, lines)
    return len(lines)


def _next_numbers(statements: Iterable[BankStatement]) -> dict[int, int]:
    ids = [statement.pk for statement in statements]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement_id, max(number) + 1 FROM ledger_statementline"
            " WHERE statement_id = ANY (%s) GROUP BY 1",
            [ids],
        )
        return {**dict.fromkeys(ids, 1), **dict(cursor.fetchall())}

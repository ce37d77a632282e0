"""A bank's lines on their way into the ledger: which account they are of, and which are new."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from access import context
from access.errors import Invalid
from access.models import Production
from ingestion import selectors, waiting
from ingestion.formats.container import BANK_FORMATS
from ingestion.formats.feeds import FEED
from ingestion.formats.records import Record, RejectedFile, Statement
from ingestion.gate.bank_gate import clean_line, fault_of
from ingestion.gate.bank_reading import BankChunk, BankReader, conflict
from ingestion.gate.pipeline import Held
from ingestion.gate.schema import Violation
from ingestion.layouts.mapping import Mapping as Source
from ingestion.layouts.sources import REGISTRY
from ingestion.letters import OverThreshold
from ingestion.models import HeldRow, ImportBatch
from ingestion.reading import mapping_of_import, opened, stored_pieces
from ledger import selectors as ledger
from ledger import statements as banks
from ledger.bank_lines import LineDraft
from ledger.statement_tables import BankAccount, BankStatement
from ledger.statements import StatementPlan, Taking


@dataclass(slots=True)
class BankOutcome:
    """A chunk after the account was asked: what is taken, what it has, what is held."""

    takings: list[Taking]
    duplicates: list[tuple[Record, int, int]]
    held: list[Held]

    @property
    def posted(self) -> int:
        """How many lines are to be taken."""
        return sum(len(taking.decision.fresh) for taking in self.takings)


def is_banks(batch: ImportBatch) -> bool:
    """Whether the import is of a bank's lines and not of costs."""
    return bool(REGISTRY[batch.source].feed)


def check_choice(production: Production, mapping: Source, choices: Mapping[str, str]) -> None:
    """Raises Invalid when a bank account is chosen for a file that is none of a bank's, or is none
    of this production's."""
    chosen = choices.get("bank_account")
    if chosen is None:
        return
    if not mapping.feed:
        raise Invalid(f"bank account: {mapping.label} has no bank account; leave it unchosen")
    if _chosen(production, choices) is None:
        raise Invalid(f"bank account: {chosen[:40]!r} is not an account of {production.code}")


def _chosen(production: Production, choices: Mapping[str, str]) -> BankAccount | None:
    asked = choices.get("bank_account", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        return None
    return ledger.bank_accounts(production).filter(pk=int(asked)).first()


def open_bank_reader(batch: ImportBatch, beat: Callable[[], None]) -> BankReader:
    """Open a bank's file and find the accounts its statements are of.

    Raises RejectedFile, and OverThreshold for more lines than go through without a person.
    """
    with context.acting(user_id=batch.created_by_id, production_id=batch.production_id):
        mapping = mapping_of_import(batch)
    reader = bank_reader(
        batch, mapping, lambda: stored_pieces(batch, beat), user_id=batch.created_by_id
    )
    lines = sum(statement.lines for statement in reader.reading.statements)
    with context.acting(user_id=batch.created_by_id, production_id=batch.production_id):
        most = waiting.limit_for(batch).most_rows
    if lines > most and not batch.past_limit and not batch.rows:
        raise OverThreshold(
            f"the file has {lines:,} lines; files of this source go through by themselves up "
            f"to {most:,}"
        )
    return reader


def bank_reader(
    batch: ImportBatch, mapping: Source, pieces: Callable[[], Iterable[bytes]], *, user_id: int
) -> BankReader:
    """A bank's file opened and proven, with the accounts its statements are of. Raises
    MappingNeeded and RejectedFile."""
    name = batch.file_name
    reading, _ = opened(batch, mapping, pieces)
    with context.acting(user_id=user_id, production_id=batch.production_id):
        accounts = {s.ordinal: _account_of(batch, s) for s in reading.statements}
    has_bytes = reading.format in BANK_FORMATS or reading.format == "csv"
    return BankReader(
        mapping,
        reading,
        {ordinal: account.currency for ordinal, account in accounts.items()},
        has_spans=has_bytes and not name.lower().endswith(".gz"),
    )


def _account_of(batch: ImportBatch, statement: Statement) -> BankAccount:
    production = batch.production
    if statement.account:
        account = ledger.bank_account_called(production, statement.account)
        if account is None:
            raise RejectedFile(
                "E_BANK_ACCOUNT",
                f"The statement is of account {statement.account[:120]!r}, which no bank account "
                "of this production is called. Add that under Bank accounts and import the file "
                "again.",
            )
    else:
        account = _chosen(production, batch.declared)
        if account is None:
            raise RejectedFile(
                "E_BANK_ACCOUNT",
                "The file does not say which account it is of. Import it again and choose the "
                "bank account; if there is none to choose, add it under Bank accounts first.",
            )
    if not account.is_active:
        raise RejectedFile(
            "E_BANK_ACCOUNT",
            f"No statements of {account.name} are expected any more. Take it into use under Bank "
            "accounts and import the file again.",
        )
    if statement.currency not in ("", account.currency):
        raise RejectedFile(
            "E_CURRENCY",
            f"The statement of {account.name} is in {statement.currency[:10]}, the account in "
            f"{account.currency}. Check which account it is of.",
        )
    return account


def _plans(batch: ImportBatch, reader: BankReader) -> dict[int, StatementPlan]:
    return {
        s.ordinal: StatementPlan(
            account=_account_of(batch, s), key=_key(batch, s.ordinal), form=s.form,
            number=s.number, from_day=s.from_day, to_day=s.to_day, opening=s.opening,
            closing=s.closing, lines=s.lines,
        )
        for s in reader.reading.statements
    }  # fmt: skip


def _key(batch: ImportBatch, ordinal: int) -> bytes:
    return hashlib.sha256(f"import|{batch.pk}|{ordinal}".encode()).digest()


def open_all(batch: ImportBatch, reader: BankReader) -> None:
    """The statements of a file, those without a line too. Twice is harmless."""
    banks.open_statements(
        production=batch.production, document=batch.document, plans=_plans(batch, reader)
    )


def decide(
    batch: ImportBatch, reader: BankReader, chunk: BankChunk,
    answered: frozenset[tuple[int, int]] | None = None,
) -> BankOutcome:  # fmt: skip
    """Each line of a chunk is new, or known, or contradicts what its account has. `answered` are
    the account's lines that rows before were found to be, where no import has them."""
    plans = _plans(batch, reader)
    opened = banks.open_statements(
        production=batch.production, document=batch.document, plans=plans
    )
    used = selectors.answered_lines(batch) if answered is None else answered
    outcome = BankOutcome([], [], list(chunk.held))
    # In the accounts' order: two files about the same accounts then never wait in a circle.
    for account in sorted({plan.account for plan in plans.values()}, key=lambda a: a.pk):
        of_it = {n: s for n, s in opened.items() if s.bank_account_id == account.pk}
        drafts = [line for line in chunk.lines if line.ordinal in of_it]
        if not drafts:
            continue
        taking = banks.decide_lines(
            bank_account=account, statements=of_it, drafts=drafts, used=used
        )
        outcome.takings.append(taking)
        for line, known in taking.decision.known:
            place = (known.statement_id, known.number)
            outcome.duplicates.append((chunk.records[line.row], *place))
        for line, known in taking.decision.conflicts:
            record = chunk.records[line.row]
            cells = dict(zip(FEED, record.fields or [], strict=True))
            outcome.held.append(Held(record, cells, [conflict(line, known)]))
    return outcome


def _opened(batch: ImportBatch) -> dict[int, BankStatement]:
    """The statements an import has opened, by ordinal."""
    found: dict[int, BankStatement] = {}
    while statement := ledger.bank_statement_by_key(batch.production, _key(batch, len(found) + 1)):
        found[len(found) + 1] = statement
    return found


def keep(outcome: BankOutcome) -> None:
    """Store what is new. Raises IntegrityError when somebody else has taken a line meanwhile."""
    banks.take_lines(outcome.takings)


def resubmitted(row: HeldRow, cells: Mapping[str, str]) -> list[Violation] | str:
    """A held row of a bank's file once more: what is wrong with it, or `posted` or `duplicate`."""
    batch = row.batch
    if "E_PENDING" in row.codes:
        return [fault_of("E_PENDING", cells.get("description", ""))]
    opened = _opened(batch)
    record = Record(row.row, row.line, row.byte_start, row.byte_end, None, None, b"")
    if batch.file_name.lower().endswith(".gz"):
        record = record._replace(start=0, end=0)
    line = clean_line(
        [cells.get(name, "") for name in FEED],
        record,
        {ordinal: statement.bank_account.currency for ordinal, statement in opened.items()},
    )
    if not isinstance(line, LineDraft):
        return line
    account = opened[line.ordinal].bank_account
    of_it = {n: s for n, s in opened.items() if s.bank_account_id == account.pk}
    taking = banks.decide_lines(
        bank_account=account, statements=of_it, drafts=[line],
        used=selectors.answered_lines(batch),
    )  # fmt: skip
    for draft, known in taking.decision.conflicts:
        return [conflict(draft, known)]
    return "posted" if banks.take_lines([taking]) else "duplicate"

"""From a clean line to what the journal posts: classification and postings. Pure."""

import secrets
from collections.abc import Mapping as Words
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from ingestion.formats.records import Record
from ingestion.gate.schema import CleanLine
from ingestion.layouts.mapping import Mapping
from ledger import pay
from ledger.fx import RateBook
from ledger.journal import PostingDraft, TransactionDraft
from taxonomy.classify import classify


class _Leg(NamedTuple):
    """Money to `account_id` from `counter_id`: as what, and on which side of the line."""

    account_id: int
    counter_id: int
    code: str
    component: str
    tier: str
    rule: str
    amount: Decimal


@dataclass(slots=True)
class Drafter:
    """Makes drafts for one file: the production's nodes, clearing accounts and currency."""

    mapping: Mapping
    currency: str
    clearing_account_id: int
    nodes: Words[tuple[int, str], int]
    codes_by_id: Words[int, str]
    department_lines: Words[str, str]
    department_by_center: Words[int, str]
    departments_by_code: Words[str, str]
    rates: RateBook
    # Set where the mapping reads deductions.
    withholding_account_id: int | None = None
    _rules: dict[tuple[str, str, str, str], tuple[str, str]] = field(default_factory=dict)

    def draft(self, line: CleanLine, record: Record, key: bytes, facts: bytes) -> TransactionDraft:
        """The document of one row, with a posting for each kind of money in it."""
        vendor, description, payee = line.vendor, line.description, None
        if self.mapping.is_payroll:
            payee = pay.payee_of(secrets.token_bytes(pay.SALT_BYTES), vendor, description)
            vendor, description = payee.token, ""
        return TransactionDraft(
            record.row,
            record.line,
            record.start,
            record.end,
            key,
            facts,
            line.transaction_id or line.reference,
            vendor,
            description,
            line.jurisdiction,
            line.day.day,
            line.day.occurred_at,
            line.day.zone,
            line.day.period_id,
            line.cost_center_id,
            self._postings(line),
            payee=payee,
        )

    def _postings(self, line: CleanLine) -> tuple[PostingDraft, ...]:
        account, clearing = line.account, self.clearing_account_id
        is_pay = self.mapping.is_payroll
        rows = [(account.id, account.code, "gross" if is_pay else "cost", line.amount)]
        if line.fringes:
            own_id = None if self.mapping.fringes_with_pay else account.fringe_id
            fringe_id = own_id or account.id
            rows.append((fringe_id, self.codes_by_id[fringe_id], "fringe", line.fringes))
        if line.reimbursements:
            rows.append((account.id, account.code, "reimbursement", line.reimbursements))
        legs = [
            _Leg(id_, clearing, code, component, *self._tier(line), amount)
            for id_, code, component, amount in rows
            if amount
        ]
        if line.deductions:
            legs.append(self._withholding(line.deductions))
        return tuple([self._posting(line, leg) for leg in legs])

    def _withholding(self, deductions: Decimal) -> _Leg:
        """What is kept back of the pay: no longer owed to the worker, owed to whom it is for.

        The gross has credited payroll clearing with all of it. This leg debits clearing and
        credits the withholding account, and no cost with it: what is left on clearing is the net
        pay and what the employer owes on top.
        """
        assert self.withholding_account_id is not None, "the reader of deductions names it"
        clearing = self.clearing_account_id
        return _Leg(
            clearing, self.withholding_account_id, self.codes_by_id[clearing],
            "withholding", "", "balance sheet", deductions,
        )  # fmt: skip

    def _posting(self, line: CleanLine, leg: _Leg) -> PostingDraft:
        amount = leg.amount
        return PostingDraft(
            leg.account_id,
            leg.counter_id,
            line.cost_center_id,
            self.nodes[line.unit_id, leg.code],
            line.day.period_id,
            leg.component,
            leg.tier,
            leg.rule,
            line.currency,
            amount,
            amount
            if line.currency == self.currency
            else self.rates.base(amount, line.currency, line.day.day),
            # Segments say what a cost was for; what is withheld is no cost.
            segments="" if leg.component == "withholding" else line.segments,
        )

    def _tier(self, line: CleanLine) -> tuple[str, str]:
        department = self.departments_by_code.get(line.department_code) or (
            self.department_by_center.get(line.cost_center_id, "")
        )
        guild = line.union_guild or line.jurisdiction
        asked = (line.account.line, guild, department, line.occupation)
        known = self._rules.get(asked)
        if known is None:
            result = classify(
                account_line=line.account.line,
                guild=guild,
                department=department,
                occupation=line.occupation,
                department_lines=self.department_lines,
            )
            rule = f"{result.rule}; {result.disagrees} differs" if result.disagrees else result.rule
            known = self._rules[asked] = (result.line, rule[:60])
        return known

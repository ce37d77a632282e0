"""A clean line becomes a document with a posting for each kind of money in it."""

from datetime import date
from decimal import Decimal

import pytest

from ingestion.formats.records import Record
from ingestion.gate.drafting import Drafter
from ingestion.layouts.sources import REGISTRY
from ledger.fx import RateBook, Sheet
from ledger.journal import PostingDraft, TransactionDraft
from tests.ingestion.words import ACCOUNTS, CAM, MAIN, SECOND, WEEK_2, line_of

CLEARING, WITHHELD = 99, 98
# 1 EUR = 1.25 USD = 1.60 CAD on the day of the usual line.
RATES = RateBook("USD", [Sheet(1, date(2026, 1, 14), {"USD": "1.25", "CAD": "1.60"})])
CODES = {a.id: a.code for a in ACCOUNTS} | {CLEARING: "0310", WITHHELD: "0312"}
NODES = {(unit, code): 1000 * unit + id_ for unit in (MAIN, SECOND) for id_, code in CODES.items()}


def draft(source: str, **cells: str) -> TransactionDraft:
    mapping = REGISTRY[source]
    drafter = Drafter(
        mapping=mapping,
        currency="USD",
        clearing_account_id=CLEARING,
        nodes=NODES,
        codes_by_id=CODES,
        department_lines={"Camera": "BTL", "Cast": "ATL", "Art": "BTL"},
        department_by_center={12: "Camera", 13: "Cast", 11: "Art"},
        departments_by_code={"CAM": "Camera", "CAS": "Cast", "ART": "Art"},
        rates=RATES,
        withholding_account_id=WITHHELD if mapping.reads_deductions else None,
    )
    record = Record(7, 9, 100, 180, [], None, b"")
    return drafter.draft(line_of(source, **cells), record, b"k" * 32, b"f" * 32)


def money(made: TransactionDraft) -> list[tuple[str, int, Decimal]]:
    return [(p.component, p.account_id, p.amount) for p in made.postings]


def test_a_payroll_row_is_gross_fringe_and_reimbursement() -> None:
    made = draft(
        "wrapbook-payroll", account_code="3301", amount="800.00", employer_taxes="61.20",
        benefits="40.00", reimbursements="25.00",
    )  # fmt: skip
    assert money(made) == [
        ("gross", 2, Decimal("800.00")),
        ("fringe", 4, Decimal("101.20")),  # 3399, the fringe account of 3301's category
        ("reimbursement", 2, Decimal("25.00")),
    ]
    assert {p.counter_account_id for p in made.postings} == {CLEARING}
    assert {p.node_id for p in made.postings} == {1000 * MAIN + 2, 1000 * MAIN + 4}


def owed(made: TransactionDraft) -> dict[int, Decimal]:
    """What a document leaves on each account: debits positive."""
    left: dict[int, Decimal] = {}
    for p in made.postings:
        left[p.account_id] = left.get(p.account_id, Decimal(0)) + p.amount
        left[p.counter_account_id] = left.get(p.counter_account_id, Decimal(0)) - p.amount
    return left


def test_what_is_withheld_moves_from_payroll_clearing_to_its_own_account() -> None:
    made = draft(
        "wrapbook-payroll", account_code="3301", amount="800.00", deductions="192.00",
        employer_taxes="61.20", benefits="40.00", reimbursements="25.00", net_pay="633.00",
    )  # fmt: skip
    assert money(made)[:3] == [
        ("gross", 2, Decimal("800.00")),
        ("fringe", 4, Decimal("101.20")),
        ("reimbursement", 2, Decimal("25.00")),
    ]
    posting = made.postings[3]
    assert (posting.component, posting.account_id, posting.counter_account_id) == (
        "withholding", CLEARING, WITHHELD,
    )  # fmt: skip
    assert (posting.amount, posting.base_amount) == (Decimal("192.00"), Decimal("192.00"))
    assert (posting.node_id, posting.cost_center_id) == (1000 * MAIN + CLEARING, CAM)
    assert (posting.line, posting.rule, posting.period_id) == ("", "balance sheet", WEEK_2)
    assert owed(made) == {
        2: Decimal("825.00"), 4: Decimal("101.20"),
        CLEARING: -Decimal("633.00") - Decimal("101.20"),  # net pay and fringes
        WITHHELD: -Decimal("192.00"),
    }  # fmt: skip


@pytest.mark.parametrize("deductions", ["", "0", "0.00"])
def test_without_deductions_nothing_is_withheld(deductions: str) -> None:
    made = draft("wrapbook-payroll", account_code="3301", amount="10", deductions=deductions)
    assert money(made) == [("gross", 2, Decimal(10))]


def test_a_payroll_row_taken_back_gives_back_what_was_withheld() -> None:
    cells = {"account_code": "3301", "amount": "800.00", "deductions": "192.00",
             "employer_taxes": "61.20", "net_pay": "608.00"}  # fmt: skip
    paid = draft("wrapbook-payroll", **cells)
    taken_back = draft(
        "wrapbook-payroll", **{k: v if k == "account_code" else f"-{v}" for k, v in cells.items()}
    )
    left = owed(taken_back)
    assert {account: -amount for account, amount in left.items()} == owed(paid)
    assert taken_back.postings[-1].amount == Decimal("-192.00")


def test_a_row_may_withhold_and_pay_nothing() -> None:
    made = draft("wrapbook-payroll", account_code="3301", amount="", deductions="50.00")
    assert money(made) == [("withholding", CLEARING, Decimal("50.00"))]


def test_a_foreign_deduction_is_converted_at_the_rate_of_the_row_s_day() -> None:
    made = draft(
        "wrapbook-payroll", account_code="3301", amount="1000.00", deductions="160.00",
        currency="CAD",
    )  # fmt: skip
    assert [p.base_amount for p in made.postings] == [Decimal("781.25"), Decimal("125.00")]


def test_without_a_fringe_account_the_fringes_stay_with_the_wages() -> None:
    made = draft("wrapbook-payroll", account_code="1401", amount="500", employer_taxes="50")
    assert money(made) == [("gross", 5, Decimal(500)), ("fringe", 5, Decimal(50))]


def test_money_that_is_zero_posts_nothing() -> None:
    made = draft("wrapbook-payroll", account_code="3301", amount="0.00", reimbursements="25.00")
    assert money(made) == [("reimbursement", 2, Decimal("25.00"))]


def test_a_credit_is_the_same_posting_with_a_minus() -> None:
    made = draft("vendor-invoices", reference="CN1", amount="(75.00)")
    assert money(made) == [("cost", 3, Decimal("-75.00"))]
    taken_back = draft("wrapbook-payroll", account_code="3301", amount="-10", employer_taxes="-1")
    assert [p.amount for p in taken_back.postings] == [-10, -1]


def test_a_foreign_amount_is_converted_at_the_rate_of_its_day() -> None:
    made = draft("cost-lines", currency="CAD", amount="1000.00").postings[0]
    # 1,000 CAD = 625 EUR = 781.25 USD
    assert (made.currency, made.amount, made.base_amount) == (
        "CAD", Decimal("1000.00"), Decimal("781.25"),
    )  # fmt: skip


def test_a_foreign_amount_has_no_base_amount_until_a_rate_is_known() -> None:
    assert draft("cost-lines").postings[0].base_amount == Decimal("125.00")
    foreign = draft("cost-lines", currency="GBP").postings[0]
    assert (foreign.currency, foreign.amount, foreign.base_amount) == (
        "GBP",
        Decimal("125.00"),
        None,
    )


@pytest.mark.parametrize(
    ("cells", "tier", "rule"),
    [
        ({}, "BTL", "account"),
        ({"account_code": "1401", "cost_center": "CAS"}, "ATL", "account"),
        ({"occupation": "First Assistant Director", "jurisdiction": "DGA"}, "BTL",
         "occupation:first assistant director; guild:DGA differs"),
        ({"jurisdiction": "SAG-AFTRA"}, "BTL", "account; guild:SAG-AFTRA differs"),
        ({"account_code": "0300"}, "BTL", "department:Camera"),
        ({"account_code": "0300", "jurisdiction": "WGA"}, "ATL",
         "guild:WGA; department:Camera differs"),
    ],
)  # fmt: skip
def test_each_posting_names_its_tier_and_the_rule_that_gave_it(
    cells: dict[str, str], tier: str, rule: str
) -> None:
    posting = draft("cost-lines", **cells).postings[0]
    assert (posting.line, posting.rule) == (tier, rule)


def test_a_long_rule_is_cut_to_what_the_ledger_holds() -> None:
    made = draft(
        "cost-lines", occupation="additional second assistant director", jurisdiction="DGA",
        account_code="1401",
    )  # fmt: skip
    assert made.postings[0].rule.startswith("occupation:additional second assistant director; ")
    assert len(made.postings[0].rule) <= 60


def test_the_document_says_where_it_came_from_and_what_it_is() -> None:
    made = draft("vendor-invoices", reference="77", description="lens", unit="SECOND",
                 transaction_id="", transaction_date="2026-01-14")  # fmt: skip
    assert (made.source_row, made.source_line, made.source_start, made.source_end) == (
        7, 9, 100, 180,
    )  # fmt: skip
    assert (made.document_key, made.facts) == (b"k" * 32, b"f" * 32)
    assert (made.reference, made.vendor, made.description) == ("77", "Panavision", "lens")
    assert (made.period_id, made.cost_center_id) == (WEEK_2, CAM)
    posting = made.postings[0]
    assert isinstance(posting, PostingDraft)
    assert (posting.node_id, posting.period_id) == (1000 * SECOND + 3, WEEK_2)
    assert draft("cost-lines", reference="77").reference == "TX1"


def test_a_stated_guild_and_department_are_what_the_other_rules_are_asked_about() -> None:
    made = draft("cost-lines", jurisdiction="IATSE", union_guild="SAG-AFTRA", department_code="CAS")
    assert made.postings[0].line == "BTL"
    assert made.postings[0].rule == "account; guild:SAG-AFTRA differs"
    without_guild = draft("cost-lines", department_code="CAS")
    assert without_guild.postings[0].rule == "account; department:Cast differs"

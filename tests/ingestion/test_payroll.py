"""Payroll in the journal: gross, fringes, what was withheld and net pay, each where it belongs."""

from decimal import Decimal

import pytest

from ingestion.models import ImportBatch
from ledger.corrections import reverse_document
from ledger.models import Account, Posting
from ledger.verify import verify_production
from reports.cost_report import CostReport, cost_report, trial_balance
from tests.budgets.films import DAY, budget_film, estimated, locked
from tests.factories import Cast, Film, acting, import_data, role
from tests.ingestion.books import codes, counts, decide, entries, held, table

HEADER = (
    "Worker Name,Worker Type,Position/Title,Work Date,Hours Worked,Pay Rate,Earnings Type,"
    "Gross Wages,Deductions,Reimbursements,Employer Taxes,Benefits Contributions,Net Pay,"
    "Payment Method,Department or Cost Code,Payroll Run Date,Project Name"
)
# worker, account, gross, deductions, reimbursements, taxes, benefits, net pay
ANN = ("Ann Lee", "3301", "800.00", "192.00", "25.00", "61.20", "40.00", "633.00")
BO = ("Bo Ray", "2210", "500.00", "110.05", "0.00", "38.25", "0.00", "389.95")
JO = ("Jo Eide", "1401", "2000.00", "", "", "153.00", "100.00", "2000.00")


def paid(*rows: tuple[str, ...], date: str = "01/13/2026") -> bytes:
    """A payroll log as Wrapbook writes it."""
    return table(
        HEADER,
        [
            f"{who},W-2,Crew,{date},10,80,Regular,{gross},{less},{repaid},{taxes},{benefits},{net},"
            f"Direct Deposit,{account},01/20/2026,NF"
            for who, account, gross, less, repaid, taxes, benefits, net in rows
        ],
    )


def without(data: bytes, *columns: str) -> bytes:
    """The same log with columns left out."""
    rows = [line.split(",") for line in data.decode().splitlines()]
    kept = [i for i, name in enumerate(rows[0]) if name not in columns]
    return table(
        ",".join(rows[0][i] for i in kept), [",".join(r[i] for i in kept) for r in rows[1:]]
    )


def imported(film: Film, data: bytes, **asked: object) -> ImportBatch:
    return import_data(film, data, source="wrapbook-payroll", **asked)


def balances(film: Film) -> dict[str, Decimal]:
    """Account -> what it stands at, debits positive; what is zero is left out."""
    with role("worker"), acting(film, "amir"):
        lines = trial_balance(film.production)
    found = {line.account.code: line.debit - line.credit for line in lines}
    assert sum(found.values()) == 0, "the trial balance is out of balance"
    return {code: amount for code, amount in found.items() if amount}


def drawn(film: Film, **asked: int) -> CostReport:
    with role("worker"), acting(film, "amir"):
        return cost_report(film.production, number=12, **asked)


def figures(report: CostReport) -> list[tuple[object, ...]]:
    """Every figure of the report, line by line, and its total."""
    rows = [
        (a.account.code, repr(a.figures))
        for section in report.sections
        for category in section.categories
        for a in category.accounts
    ]
    return [*rows, ("total", repr(report.total)), ("holes", repr(report.unconverted))]


def opened_before(film: Film, *, is_old: bool = True) -> None:
    """Make the production one whose chart has no account for what payroll withholds."""
    with role("owner"):
        account = Account.objects.filter(production=film.production, code="0312")
        assert account.update(clearing_role="" if is_old else "payroll_withholding") == 1


def test_each_kind_of_payroll_money_stands_on_its_own_account(film: Film) -> None:
    batch = imported(film, paid(ANN, BO, JO))
    assert (counts(batch), batch.mapping) == ((3, 3, 0, 0), "wrapbook-payroll v2")
    assert len(batch.notes) == 1, "how it was read, and nothing unusual"
    net_pay = Decimal("633.00") + Decimal("389.95") + Decimal("2000.00")
    fringes = Decimal("101.20") + Decimal("38.25") + Decimal("253.00")
    assert balances(film) == {
        "3301": Decimal("825.00"),  # gross and the reimbursement
        "3399": Decimal("101.20"),
        "2210": Decimal("538.25"),  # Art has no fringe account
        "1401": Decimal("2000.00"),
        "1499": Decimal("253.00"),
        "0310": -(net_pay + fringes),
        "0312": -(Decimal("192.00") + Decimal("110.05")),
    }
    assert [
        (e.component, e.account, e.counter, e.amount, e.center, e.tier, e.rule)
        for e in entries(film)[:4]
    ] == [
        ("gross", "3301", "0310", "800.00", "CAM", "BTL", "account"),
        ("fringe", "3399", "0310", "101.20", "CAM", "BTL", "account"),
        ("reimbursement", "3301", "0310", "25.00", "CAM", "BTL", "account"),
        ("withholding", "0310", "0312", "192.00", "CAM", "", "balance sheet"),
    ]
    with role("owner"):
        nodes = Posting.objects.filter(production=film.production, component="withholding")
        assert {p.node.code for p in nodes.select_related("node")} == {"0310"}
        assert verify_production(film.production).findings == []


def test_what_is_withheld_is_in_no_figure_of_budget_cost_or_efc(cast: Cast) -> None:
    reports = []
    for columns in ((), ("Deductions", "Net Pay")):
        film = budget_film(cast)
        locked(film)
        assert imported(film, without(paid(ANN, BO, JO), *columns)).posted == 3
        estimated(film, "3301", "efc", "72000")
        reports.append((figures(drawn(film)), balances(film)))
    (with_both, apart), (with_neither, together) = reports
    assert with_both == with_neither
    assert apart.pop("0310") + apart.pop("0312") == together.pop("0310")
    assert apart == together


def test_deductions_without_a_net_pay_are_withheld_and_a_net_pay_alone_is_checked(
    film: Film,
) -> None:
    assert counts(imported(film, without(paid(ANN), "Net Pay"))) == (1, 1, 0, 0)
    assert balances(film)["0312"] == Decimal("-192.00")
    # The gross less nothing plus 25.00 is 825.00, and the file says 633.00.
    assert (
        counts(imported(film, without(paid(ANN[:1] + ANN[1:], date="01/14/2026"), "Deductions")))[3]
        == 1
    )
    assert codes(film) == {1: ["E_NET_PAY"]}


def test_a_row_whose_net_pay_does_not_add_up_waits_and_posts_once_it_does(film: Film) -> None:
    wrong = (*ANN[:-1], "643.00")
    batch = imported(film, paid(wrong, BO))
    assert (counts(batch), batch.state) == ((2, 1, 0, 1), "posted_with_quarantine")
    assert "3301" not in balances(film)
    (row,) = held(film)
    assert (row.codes, row.violations) == (
        ["E_NET_PAY"],
        [
            {
                "field": "net_pay",
                "code": "E_NET_PAY",
                "expected": "net pay of 633.00: gross 800.00 less deductions 192.00 plus "
                "reimbursements 25.00",
                "found": "643.00",
                "fix": "ask the payroll company which of the four figures is wrong, correct it "
                "and resubmit",
            }
        ],
    )
    assert decide(film, row, values={"deductions": "181.00"}).outcome == "held"
    assert decide(film, row, values={"deductions": "182.00"}).outcome == "posted"
    assert balances(film)["0312"] == Decimal("-182.00") - Decimal("110.05")
    assert balances(film)["0310"] == -(
        Decimal("643.00") + Decimal("101.20") + Decimal("389.95") + Decimal("38.25")
    )


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e3", "192.005", "x"])
def test_a_deduction_that_is_no_money_holds_its_row(film: Film, text: str) -> None:
    assert counts(imported(film, paid((*ANN[:3], text, *ANN[4:]), BO))) == (2, 1, 0, 1)
    (row,) = held(film)
    assert (row.codes[0], row.violations[0]["field"]) == ("E_AMOUNT", "deductions")


def test_a_row_sent_with_every_sign_turned_leaves_nothing_on_any_account(film: Film) -> None:
    turned = tuple(f"-{cell}" for cell in ANN[2:])
    imported(film, paid(ANN))
    correction = paid((*ANN[:2], *turned)).replace(b"Regular", b"Regular void")
    assert counts(imported(film, correction)) == (1, 1, 0, 0)
    assert balances(film) == {}


def test_a_reversal_takes_back_what_was_withheld_too(film: Film) -> None:
    imported(film, paid(ANN))
    with role("web"), acting(film, "amir"):
        (first,) = Posting.objects.filter(production=film.production, component="gross")
        reverse_document(
            actor=film.cast["amir"], production=film.production,
            key=(first.batch_id, first.transaction_number), day=DAY, reason="paid by another",
        )  # fmt: skip
    assert balances(film) == {}


def test_a_log_sent_again_is_duplicates_and_other_deductions_are_a_conflict(film: Film) -> None:
    imported(film, paid(ANN, BO))
    assert counts(imported(film, paid(ANN, BO) + b"\n")) == (2, 0, 2, 0)
    other = ("Ann Lee", "3301", "800.00", "190.00", "25.00", "61.20", "40.00", "635.00")
    assert counts(imported(film, paid(other))) == (1, 0, 0, 1)
    assert codes(film) == {1: ["E_CONFLICT"]}
    assert counts(imported(film, without(paid(BO), "Deductions", "Net Pay"))) == (1, 0, 0, 1)


def test_a_production_opened_before_there_was_such_an_account_is_read_as_it_was(
    film: Film,
) -> None:
    opened_before(film)
    batch = imported(film, paid(ANN, (*BO[:-1], "1.00")))
    assert (counts(batch), batch.mapping) == ((2, 2, 0, 0), "wrapbook-payroll v1")
    assert batch.notes[0] == (
        "read with wrapbook-payroll v1; wrapbook-payroll v2 posts to accounts for payroll "
        "clearing, payroll withholding"
    )
    assert {e.component for e in entries(film)} == {"gross", "fringe", "reimbursement"}
    assert "0312" not in balances(film)


def test_what_the_first_version_posted_is_not_posted_again_by_the_second(film: Film) -> None:
    opened_before(film)
    imported(film, paid(ANN))
    before = balances(film)
    opened_before(film, is_old=False)
    repeated = imported(film, paid(ANN))
    assert repeated.mapping == "wrapbook-payroll v1", "the same bytes are the same import"
    longer = imported(film, paid(ANN, BO))
    assert (counts(longer), longer.mapping) == ((2, 1, 1, 0), "wrapbook-payroll v2")
    assert balances(film)["3301"] == before["3301"]
    assert balances(film)["0312"] == Decimal("-110.05")


def test_a_row_held_under_the_first_version_is_resubmitted_under_it(film: Film) -> None:
    opened_before(film)
    imported(film, paid(("Ann Lee", "9999", *ANN[2:])))
    opened_before(film, is_old=False)
    (row,) = held(film)
    assert decide(film, row, values={"account_code": "3301"}).outcome == "posted"
    assert [e.component for e in entries(film)] == ["gross", "fringe", "reimbursement"]

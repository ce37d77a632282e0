"""Worked bookkeeping: a file a person could type, and the entries it must produce."""

from decimal import Decimal

from ledger.services import close_period
from reports.cost_report import cost_report, trial_balance
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ingestion.books import codes, counts, decide, entries, held, money, table

INVOICES = "Vendor,Invoice Number,Invoice Date,Account Number,Amount,Currency,Description"


def balances(film: Film) -> dict[tuple[str, str], str]:
    """(account, currency) -> what it stands at, debits positive."""
    with role("worker"), acting(film, "amir"):
        return {
            (line.account.code, line.currency): f"{line.debit - line.credit:.2f}"
            for line in trial_balance(film.production)
        }


def to_date(film: Film, week: int) -> tuple[str, str]:
    """The cost report's (this week, to date) as of a week."""
    with role("worker"), acting(film, "amir"):
        total = cost_report(film.production, number=week).total
    return f"{total.period:.2f}", f"{total.to_date:.2f}"


def test_a_credit_note_takes_back_what_the_invoice_charged(film: Film) -> None:
    """Panavision charges a lens it never sent, and gives it back under a number of its own."""
    import_data(
        film,
        table(
            INVOICES,
            [
                "Panavision,INV-100,2026-01-14,3310,1200.00,,camera body",
                "Panavision,INV-100,2026-01-14,3310,300.00,,lens",
                "Panavision,CN-7,2026-01-21,3310,(300.00),,lens not sent",
            ],
        ),
        source="vendor-invoices",
    )
    assert money(film) == [
        ("3310", "0300", "1200.00", "USD"),
        ("3310", "0300", "300.00", "USD"),
        ("3310", "0300", "-300.00", "USD"),
    ]
    assert balances(film) == {("3310", "USD"): "1200.00", ("0300", "USD"): "-1200.00"}
    # The credit is of the week it was given in, and the week before it stays as reported.
    assert (to_date(film, 2), to_date(film, 3)) == (("1500.00", "1500.00"), ("-300.00", "1200.00"))


def test_a_week_exported_again_with_one_more_invoice_adds_only_that_one(film: Film) -> None:
    """The office exports week 2 on Friday, and again on Monday with what came in meanwhile."""
    friday = [cost_line(n, amount=f"{n}0.00") for n in range(1, 5)]
    monday = [cost_line(9, amount="99.00", day="2026-01-16"), *reversed(friday)]
    assert counts(import_data(film, cost_lines(friday))) == (4, 4, 0, 0)
    again = import_data(film, cost_lines(monday).replace(b"\n", b"\r\n"))
    assert counts(again) == (5, 1, 4, 0)
    assert balances(film) == {("3310", "USD"): "199.00", ("0300", "USD"): "-199.00"}


def test_an_invoice_of_three_lines_lands_in_three_accounts_and_one_payable(film: Film) -> None:
    """One invoice for camera, art and an option: each line its own account, centre and tier."""
    batch = import_data(
        film,
        table(
            INVOICES,
            [
                'Big Rental Co,77,01/14/2026,3310,"$2,000.00",,camera package',
                "Big Rental Co,77,01/14/2026,2220,150.50,,dressing",
                "Big Rental Co,77,01/14/2026,1101,49.50,,book option fee",
            ],
        ),
        source="vendor-invoices",
    )
    assert counts(batch) == (3, 3, 0, 0)
    assert [(e.reference, e.account, e.center, e.tier, e.amount) for e in entries(film)] == [
        ("77", "3310", "CAM", "BTL", "2000.00"),
        ("77", "2220", "ART", "BTL", "150.50"),
        ("77", "1101", "WRI", "ATL", "49.50"),
    ]
    assert balances(film)["0300", "USD"] == "-2200.00"


def test_a_refund_in_another_currency_waits_for_a_rate_and_stays_visible(film: Film) -> None:
    """A Toronto deposit comes back in Canadian dollars: booked as such, in no US figure yet."""
    import_data(
        film,
        table(
            INVOICES,
            [
                "Maple Rentals,D-1,2026-01-14,3310,1000.00,CAD,deposit on van",
                "Maple Rentals,R-1,2026-01-21,3310,-400.00,CAD,part of deposit back",
                "Panavision,P-1,2026-01-21,3310,50.00,,filter",
            ],
        ),
        source="vendor-invoices",
    )
    assert [(e.amount, e.currency, e.base) for e in entries(film)] == [
        ("1000.00", "CAD", None),
        ("-400.00", "CAD", None),
        ("50.00", "USD", "50.00"),
    ]
    assert balances(film) == {
        ("3310", "CAD"): "600.00",
        ("0300", "CAD"): "-600.00",
        ("3310", "USD"): "50.00",
        ("0300", "USD"): "-50.00",
    }
    with role("worker"), acting(film, "amir"):
        report = cost_report(film.production, number=3)
    assert report.total.to_date == Decimal("50.00")
    assert {c: f.to_date for c, f in report.unconverted.items()} == {"CAD": Decimal("600.00")}


def test_a_late_document_of_a_closed_week_goes_into_the_first_open_one(film: Film) -> None:
    """An invoice of week 1 arrives after week 1 is reported and closed."""
    import_data(film, cost_lines([cost_line(1, amount="10.00", day="2026-01-07")]))
    with role("web"), acting(film, "amir"):
        close_period(actor=film.cast["amir"], production=film.production, number=1)
    import_data(film, cost_lines([cost_line(2, amount="5.00", day="2026-01-08")]))
    assert [(e.reference, e.week) for e in entries(film)] == [("TX000001", 1), ("TX000002", 2)]
    assert (to_date(film, 1), to_date(film, 2)) == (("10.00", "10.00"), ("5.00", "15.00"))


def test_a_payroll_week_with_a_wrong_code_is_mended_at_the_desk(film: Film) -> None:
    """One worker of three is coded to a category: the other two are paid, the third is fixed."""
    header = (
        "Worker Name,Position/Title,Work Date,Earnings Type,Gross Wages,Reimbursements,"
        "Employer Taxes,Benefits Contributions,Cost Code,Payroll Run Date"
    )
    rows = [
        "Ann Lee,Camera Loader,2026-01-13,Regular,800.00,,61.20,40.00,3301,2026-01-20",
        "Bo Ray,Set Dresser,2026-01-13,Regular,500.00,12.00,38.25,,2210,2026-01-20",
        "Cy Fox,Camera Operator,2026-01-13,Regular,950.00,,72.68,47.50,3300,2026-01-20",
    ]
    batch = import_data(film, table(header, rows), source="wrapbook-payroll")
    assert counts(batch) == (3, 2, 0, 1)
    assert codes(film) == {3: ["E_ACCOUNT"]}
    decide(film, held(film)[0], values={"account_code": "3301"})
    assert balances(film) == {
        ("3301", "USD"): "1750.00",  # gross of both camera people
        ("3399", "USD"): "221.38",  # their taxes and benefits
        ("2210", "USD"): "550.25",  # gross, taxes and the reimbursement: Art has no fringe account
        ("0310", "USD"): "-2521.63",
    }
    assert counts(import_data(film, table(header, rows[:2]), source="wrapbook-payroll")) == (
        (2, 0, 2, 0)
    )  # fmt: skip

"""One file a person could type for each source, and exactly the postings it must produce."""

from tests.factories import Film, acting, import_data, receive, role
from tests.ingestion.books import Entry, counts, entries, held, money, table


def test_cost_lines_debit_their_accounts_against_payables(film: Film) -> None:
    header = (
        "transaction_id,account_code,cost_center,amount,currency,jurisdiction,transaction_date,"
        "vendor,description,occupation,unit"
    )
    data = table(
        header,
        [
            "TX1,3310,CAM,1250.00,USD,IATSE 600,2026-01-14,Panavision,Alexa package,,",
            "TX2,2220,ART,-80.25,USD,NON-UNION,2026-01-06,Timber Yard,returned boards,,SECOND",
            "TX3,1401,CAS,5000.00,CAD,SAG-AFTRA,2026-01-20,Jane Roe,week 1,Principal performer,",
            "TX4,3301,CAM,900.00,USD,DGA,2026-01-21,Max Low,first AD,1st AD,MAIN",
        ],
    )
    batch = import_data(film, data)
    assert (counts(batch), batch.mapping) == ((4, 4, 0, 0), "cost-lines v2")
    by_reference = {entry.reference: entry for entry in entries(film)}
    assert by_reference == {
        "TX1": Entry("TX1", "3310", "0300", "CAM", "1250.00", "USD", "1250.00", "cost", "BTL",
                     "account", 2, "MAIN"),
        "TX2": Entry("TX2", "2220", "0300", "ART", "-80.25", "USD", "-80.25", "cost", "BTL",
                     "account", 1, "SECOND"),
        "TX3": Entry("TX3", "1401", "0300", "CAS", "5000.00", "CAD", None, "cost", "ATL",
                     "account", 3, "MAIN"),
        "TX4": Entry("TX4", "3301", "0300", "CAM", "900.00", "USD", "900.00", "cost", "BTL",
                     "occupation:first assistant director; guild:DGA differs", 3, "MAIN"),
    }  # fmt: skip


def test_vendor_invoices_post_each_line_and_read_american_figures(film: Film) -> None:
    data = table(
        "Vendor Name,Invoice #,Invoice Date,Acct #,Invoice Amount,Currency,Memo,PO #",
        [
            'Panavision,INV-9,1/14/2026,3310,"$1,200.00",,body and lenses,PO-4',
            "Panavision,INV-9,1/14/2026,2220,(50.00),,goodwill,PO-4",
            "Maple Rentals,77,01/22/2026,3310,300.00,CAD,van,",
            "Art Shop,A-1,2026-01-22,2220,12.30-,,refund,",
        ],
    )
    batch = import_data(film, data, source="vendor-invoices")
    assert counts(batch) == (4, 4, 0, 0)
    assert [(e.reference, *row) for e, row in zip(entries(film), money(film), strict=True)] == [
        ("INV-9", "3310", "0300", "1200.00", "USD"),
        ("INV-9", "2220", "0300", "-50.00", "USD"),
        ("77", "3310", "0300", "300.00", "CAD"),
        ("A-1", "2220", "0300", "-12.30", "USD"),
    ]
    assert [(e.base, e.center, e.week) for e in entries(film)] == [
        ("1200.00", "CAM", 2),
        ("-50.00", "ART", 2),
        (None, "CAM", 3),
        ("-12.30", "ART", 3),
    ]
    assert "column 'Vendor Name' is read as vendor" in batch.notes


def test_the_payroll_log_posts_wages_fringes_and_reimbursements_to_payroll_clearing(
    film: Film,
) -> None:
    header = (
        "Worker Name,Worker Type,Position/Title,Work Date,Earnings Type,Hours Worked,Pay Rate,"
        "Gross Wages,Deductions,Reimbursements,Employer Taxes,Benefits Contributions,Net Pay,"
        "Payment Method,Project Name,Department or Cost Code,Payroll Run Date"
    )
    data = table(
        header,
        [
            "Ann Lee,W-2,Camera Loader,1/13/2026,Regular,10,80,800.00,0,25.00,61.20,40.00,825,DD,"
            "NF,3301,1/20/2026",
            "Ann Lee,W-2,Camera Loader,1/13/2026,Overtime,2,120,240.00,0,0,18.36,,240,DD,NF,3301,"
            "1/20/2026",
            "Bo Ray,1099,Set Dresser,1/13/2026,Flat,,,500.00,0,,,,500,DD,NF,2210,1/20/2026",
        ],
    )
    batch = import_data(film, data, source="wrapbook-payroll")
    assert (counts(batch), batch.notes) == ((3, 3, 0, 0), batch.notes[:1])
    assert [(e.component, e.account, e.counter, e.amount, e.center) for e in entries(film)] == [
        ("gross", "3301", "0310", "800.00", "CAM"),
        ("fringe", "3399", "0310", "101.20", "CAM"),
        ("reimbursement", "3301", "0310", "25.00", "CAM"),
        ("gross", "3301", "0310", "240.00", "CAM"),
        ("fringe", "3399", "0310", "18.36", "CAM"),
        ("gross", "2210", "0310", "500.00", "ART"),
    ]


def test_a_card_envelope_posts_against_card_clearing_and_equal_coffees_both_count(
    film: Film,
) -> None:
    data = table(
        "Purchase Date,Merchant Name,Amount,Account Code,Notes",
        [
            "01/15/2026,Blue Bottle,4.75,2220,coffee",
            "01/15/2026,Blue Bottle,4.75,2220,coffee",
            "01/16/2026,Hardware Barn,-19.99,2220,returned",
        ],
    )
    assert counts(import_data(film, data, source="pex-cards")) == (3, 3, 0, 0)
    assert money(film) == [
        ("2220", "0160", "4.75", "USD"),
        ("2220", "0160", "4.75", "USD"),
        ("2220", "0160", "-19.99", "USD"),
    ]
    assert counts(import_data(film, data + b"\n", source="pex-cards")) == (3, 0, 3, 0)


def test_a_positional_file_is_read_by_column_letter(film: Film) -> None:
    row = '3310,01,LA,12,Panavision,N,"1,500.00",CO,JE1,lens kit,INS,,,,,,{ccy},ENV,{inv},{day}'
    data = (
        row.format(ccy="", inv="PV-1", day="1/14/2026")
        + "\n"
        + row.format(ccy="GBP", inv="PV-2", day="2026-01-15").replace('"1,500.00"', "(20.00)")
        + "\n"
    ).encode()
    assert counts(import_data(film, data, source="pslplus")) == (2, 2, 0, 0)
    assert [(e.reference, e.base, e.center) for e in entries(film)] == [
        ("PV-1", "1500.00", "CAM"),
        ("PV-2", None, "CAM"),
    ]
    assert money(film) == [
        ("3310", "0300", "1500.00", "USD"),
        ("3310", "0300", "-20.00", "GBP"),
    ]


def test_one_document_s_bytes_posted_as_one_source_are_duplicates_as_another(film: Film) -> None:
    data = table(
        "Date,Vendor,Invoice Number,Account Code,Amount,Purchase Date,Merchant Name",
        ["2026-01-14,Arri,77,3310,100,2026-01-14,Arri"],
    )
    assert counts(import_data(film, data, source="vendor-invoices")) == (1, 1, 0, 0)
    assert counts(import_data(film, data, source="pex-cards")) == (1, 0, 1, 0)
    assert len(money(film)) == 1


def test_a_total_at_the_foot_is_held_and_never_counted_twice(film: Film) -> None:
    data = table(
        "Vendor,Invoice Number,Invoice Date,Account Number,Amount",
        ["Arri,1,2026-01-14,3310,10.00", "Arri,2,2026-01-14,3310,20.00", "Total,,,,30.00"],
    )
    assert counts(import_data(film, data, source="vendor-invoices")) == (3, 2, 0, 1)
    assert held(film)[0].codes == ["E_TOTAL_ROW"]


def test_a_file_handed_in_waits_until_a_worker_takes_it(film: Film) -> None:
    with role("worker"):
        receipt = receive(film, table("a", ["b"]))
        with acting(film, "amir"):
            receipt.batch.refresh_from_db()
    assert (receipt.batch.state, receipt.is_repeat) == ("received", False)

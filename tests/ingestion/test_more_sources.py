"""Payroll registers, union time and ledgers of debits and credits: a file a person could type for
each, and exactly the postings it must produce."""

import pytest

from ingestion import mappings
from ingestion.layouts.mapping import signed
from tests.factories import Film, acting, import_data, role
from tests.ingestion.books import codes, counts, entries, held, money, table


def legs(film: Film) -> list[tuple[str, str, str, str]]:
    """(component, account, counter account, amount) of every posting."""
    return [(e.component, e.account, e.counter, e.amount) for e in entries(film)]


def test_union_time_posts_gross_on_payroll_clearing(film: Film) -> None:
    data = table(
        "Date,Employee,Job,Extra,Cost Code,Certified?,Union,Union Local,Union Class,Pay ID,Units,"
        "Rate,Amount,WC Code",
        [
            "1/13/2026,Ann Lee,NF,,3301,N,IATSE,600,Camera Loader,REG,8,50,400.00,8810",
            "1/13/2026,Ann Lee,NF,,3301,N,IATSE,600,Camera Loader,OT,2,75,150.00,8810",
            '1/14/2026,Bo Ray,NF,,2210,N,IATSE,44,Set Dresser,REG,8,50,"1,400.00",8810',
        ],
    )
    batch = import_data(film, data, source="union-time")
    assert counts(batch) == (3, 3, 0, 0)
    assert legs(film) == [
        ("gross", "3301", "0310", "400.00"),
        ("gross", "3301", "0310", "150.00"),
        ("gross", "2210", "0310", "1400.00"),
    ]
    assert counts(import_data(film, data + b"\r\n", source="union-time")) == (3, 0, 3, 0)


EP = (
    "Employee Name,Occupation,Union,Week Ending,Pay Type,Account Code,Gross Wages,Employer Taxes,"
    "Pension Health and Welfare,Kit and Box Rental,Employee Withholding,Net Pay,Invoice Number"
)
SHOWBIZ = (
    "Payee,Job Title,Guild,Period Ending,Code,Acct,Gross,ER Taxes,Union Fringes,Non-Taxable,"
    "Deductions,Net,Batch"
)


@pytest.mark.parametrize(
    ("source", "header"), [("payroll-register-ep", EP), ("payroll-register-showbiz", SHOWBIZ)]
)
def test_a_payroll_register_keeps_gross_fringes_withholding_and_net_apart(
    film: Film, source: str, header: str
) -> None:
    rows = [
        "Ann Lee,Camera Loader,IATSE,1/17/2026,REG,3301,800.00,61.20,40.00,25.00,192.00,633.00,P1",
        "Bo Ray,Set Dresser,IATSE,1/17/2026,REG,2210,500.00,38.25,0.00,0.00,110.05,400.00,P1",
    ]
    batch = import_data(film, table(header, rows), source=source)
    assert counts(batch) == (2, 1, 0, 1)
    assert legs(film) == [
        ("gross", "3301", "0310", "800.00"),
        ("fringe", "3399", "0310", "101.20"),
        ("reimbursement", "3301", "0310", "25.00"),
        ("withholding", "0310", "0312", "192.00"),
    ]
    assert codes(film) == {2: ["E_NET_PAY"]}


def test_debits_and_credits_in_two_columns_are_one_signed_amount(film: Film) -> None:
    data = table(
        "Status,Account Code,Account Description,Reference,Payee,Description,Posted Date,Currency,"
        "Debit,Credit",
        [
            'Posted,3310,Camera,P-1,Arri,package,2026-01-14,USD,"$1,200.00",0.00',
            "Posted,3310,Camera,P-1,Arri,goodwill,2026-01-14,USD,,50.00",
            "Posted,2220,Art,P-2,Art Shop,taken back twice,2026-01-15,USD,-,(12.30)",
            "Posted,2220,Art,P-3,Art Shop,which?,2026-01-15,USD,5.00,7.00",
            "Posted,2220,Art,P-4,Art Shop,nothing,2026-01-15,USD,,",
        ],
    )
    batch = import_data(film, data, source="circus-actuals")
    assert counts(batch) == (5, 3, 0, 2)
    assert money(film) == [
        ("3310", "0300", "1200.00", "USD"),
        ("3310", "0300", "-50.00", "USD"),
        ("2220", "0300", "12.30", "USD"),
    ]
    assert codes(film) == {4: ["E_AMOUNT"], 5: ["E_AMOUNT"]}
    row = held(film)[0]
    assert row.cells["amount"] == row.violations[0]["found"] == "debit 5.00, credit 7.00"


SATURATION = "Transaction Name,Amount,Date,Type,Attachments,Status,Pay ID,Notes,Category"


def test_a_log_of_actuals_posts_costs_and_credits_once(film: Film) -> None:
    rows = [
        'Panavision,"$1,250.00",01/14/2026,ACH,1,Paid,PAY-7,package,3310',
        "Panavision,-50.00,01/14/2026,ACH,0,Paid,PAY-7,goodwill,3310",
        "Art Shop,12.30,01/15/2026,Card,1,Paid,,paint,2220",
        "Nobody,5.00,01/15/2026,Card,1,Paid,,,No Such Account",
    ]
    batch = import_data(film, table(SATURATION, rows), source="saturation-actuals")
    assert counts(batch) == (4, 3, 0, 1)
    assert money(film) == [
        ("3310", "0300", "1250.00", "USD"),
        ("3310", "0300", "-50.00", "USD"),
        ("2220", "0300", "12.30", "USD"),
    ]
    assert codes(film) == {4: ["E_ACCOUNT"]}
    again = import_data(film, table(SATURATION, [*rows[:3], ""]), source="saturation-actuals")
    assert counts(again) == (3, 0, 3, 0)
    other = [rows[0].replace("1,250", "1,251")]
    changed = import_data(film, table(SATURATION, other), source="saturation-actuals")
    assert counts(changed) == (1, 0, 0, 1)
    assert "E_CONFLICT" in codes(film).popitem()[1]


def test_fringes_stand_where_the_rules_of_the_source_say(film: Film) -> None:
    paid = "Ann Lee,Camera Loader,IATSE,1/17/2026,{},3301,800.00,61.20,40.00,,192.00,608.00,P1"
    source = "payroll-register-ep"

    def said(where: str) -> None:
        with role("web"), acting(film, "amir"):
            mappings.add_rule(
                actor=film.cast["amir"], production=film.production, source=source,
                rule={"kind": "normal", "fringes": where}, reason="how the studio reports",
            )  # fmt: skip

    said("with the pay")
    batch = import_data(film, table(EP, [paid.format("REG")]), source=source)
    assert batch.mapping == "payroll-register-ep v1+1"
    assert legs(film) == [
        ("gross", "3301", "0310", "800.00"),
        ("fringe", "3301", "0310", "101.20"),
        ("withholding", "0310", "0312", "192.00"),
    ]
    said("on the fringe account")
    import_data(film, table(EP, [paid.format("OT")]), source=source)
    assert ("fringe", "3399", "0310", "101.20") in legs(film)
    again = import_data(film, table(EP, [paid.format("REG"), ""]), source=source)
    assert counts(again) == (1, 0, 1, 0), "the rule changes where it stands, not what it is"


@pytest.mark.parametrize(
    ("debit", "credit", "amount"),
    [
        ("12.00", "", "12.00"), ("", "12.00", "-12.00"), ("0.00", "$3", "-$3"), ("4", "0", "4"),
        ("", "-12.00", "12.00"), ("", "(12.00)", "12.00"), ("", "12.00-", "12.00"),
        ("-5", " ", "-5"), ("", "", ""), ("0", "0.00", ""), ("x", "", "x"),
        ("1", "x", "debit 1, credit x"), ("", "-5-", "--5-"), ("", "(-5)", "-(-5)"),
    ],
)  # fmt: skip
def test_a_credit_is_a_negative_debit_and_a_row_has_one_of_them(
    debit: str, credit: str, amount: str
) -> None:
    assert signed(debit, credit) == amount

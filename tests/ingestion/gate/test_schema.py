"""The gate's two roads give one answer, and a refused row hears everything at once."""

import random
from collections import Counter
from decimal import Decimal

import pytest

from ingestion.gate.schema import CleanLine, Gate, Violation, codes_of
from ingestion.layouts.mapping import FIELDS, declared
from ingestion.layouts.sources import REGISTRY, VENDOR_INVOICES, WRAPBOOK_PAYROLL_1
from tests.ingestion.words import (
    CAM,
    CAMERA_RENTAL,
    MAIN,
    SECOND,
    WEEK_2,
    faults_of,
    gate_of,
    line_of,
    values,
)

ROWS = 8_000
TEXTS = (
    "", "Panavision", " Panavision ", "Pâtisserie Zoë", "a,b", 'say "x"', "two\r\nlines",
    "two\nlines", "ends with CR\r", "\nbegins with LF", "\r\n", "a\tb", "a\0b", "\u202eabc",
    "zero\u200bwidth", "x" * 119, "x" * 121, "x" * 1_999, "x" * 2_001, "=1+1", "日本",
)  # fmt: skip
# What each field is drawn from, the usual word first and more often.
DRAWN: dict[str, tuple[str, ...]] = {
    "account_code": ("3310", "2220", "1401", "0300", "3300", "9999", " 3310", "３３１０", ""),
    "cost_center": ("CAM", "", "ART", "cam", "XXX", " CAM ", "САМ"),
    "amount": (
        "125.00", "-3.5", "+7", "0", "0.00", "-0", "1,234.50", "1,234", "(12.00)", "12.00-",
        "$5.00", "1.005", "1.500", "NaN", "", " 8 ", "999999999999999.99", "1000000000000000", "١٢",
        "12,50",
        "999999999999999.99999", "1e3", "1_000", ".5", "5.",
    ),
    "currency": ("USD", "", "EUR", "JPY", "KWD", "usd", "XXX", " USD", "DEM"),
    "jurisdiction": ("IATSE", "", "SAG-AFTRA", "NON-UNION", "iatse 600", "1ABC", "I\tA", "x" * 40),
    "transaction_date": (
        "2026-01-14", "2026-01-19", "01/14/2026", "2026-02-30", "2026-1-4", "20260114", "",
        "1900-01-01", "2026-01-14T23:30:00-05:00", "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00", "2026-01-14\n", "２０２６-01-14",
    ),
    "unit": ("", "MAIN", "SECOND", "THIRD", "main", " MAIN"),
    "employer_taxes": ("", "10.00", "0", "x", "-4.00", "999999999999999"),
    "benefits": ("", "5.25", "0", "1.005", "999999999999999"),
    "reimbursements": ("", "40.00", "-40.00", "0", "y"),
    "deductions": ("", "24.00", "0", "z", "-24.00", "NaN", "1.005"),
    "net_pay": ("", "101.00", "125.00", "0", "9.99", "w"),
    "line_number": ("", "1", "2", "a\0"),
    "episode": ("", "101"),
    "location": ("", "NOLA", "nola ", "LA", "PARIS"),
    "set": ("", "CAFE", " PIER", "CAFÉ", "a\0"),
    "insurance": ("", "X"),
    "tax_1099": ("", "7", "8"),
    "free_1": ("", "A B"),
    "free_2": ("",),
    "free_3": ("",),
    "free_4": ("",),
}  # fmt: skip


def drawn_row(dice: random.Random) -> tuple[str, ...]:
    """A row mostly right: else the plain road would never be taken."""
    row = []
    for name in FIELDS:
        choices = DRAWN.get(name, TEXTS)
        row.append(choices[0] if dice.random() < 0.85 else dice.choice(choices))
    return tuple(row)


def conventions() -> list[Gate]:
    european = declared(VENDOR_INVOICES, decimal=",", date_format="%d/%m/%Y")
    return [gate_of(mapping) for mapping in (*REGISTRY.values(), european)]


def test_whatever_the_plain_road_accepts_the_strict_road_accepts_as_the_same_line() -> None:
    dice = random.Random(1895)
    gates = conventions()
    plain_lines = refused = slow = 0
    for _ in range(ROWS):
        gate, row = dice.choice(gates), drawn_row(dice)
        strict = gate._strict(row)
        plain = gate._plain(row)  # the strict road has read the day, so it may be plain now
        if plain is None:
            refused += isinstance(strict, list)
            slow += isinstance(strict, CleanLine)
        else:
            assert plain == strict, row
            # Equal amounts may still differ in their places: both roads must write them alike.
            assert str(plain.amount) == str(getattr(strict, "amount", None)), row
            plain_lines += 1
        assert gate.clean(row) == strict
    # Each way must be well travelled, or the test proves nothing.
    assert min(plain_lines, refused, slow) > ROWS // 20, (plain_lines, refused, slow)


def test_a_first_reading_and_a_later_reading_of_a_row_agree() -> None:
    dice = random.Random(1896)
    for _ in range(1_000):
        row = drawn_row(dice)
        for source in REGISTRY:
            gate = gate_of(source)
            assert gate.clean(row) == gate.clean(row)


def test_a_clean_line_holds_what_the_row_says() -> None:
    line = line_of(description="lens", reference="77", unit="SECOND", occupation="Loader")
    assert line.account == CAMERA_RENTAL
    assert (line.cost_center_id, line.unit_id, line.currency) == (CAM, SECOND, "USD")
    assert (line.amount, line.fringes, line.reimbursements) == (Decimal("125.00"), 0, 0)
    assert (line.day.day.isoformat(), line.day.period_id) == ("2026-01-14", WEEK_2)
    assert (line.transaction_id, line.reference, line.vendor) == ("TX1", "77", "Panavision")
    assert (line.description, line.occupation, line.jurisdiction) == ("lens", "Loader", "IATSE")


def test_a_row_without_a_unit_is_of_the_unit_chosen_for_the_file() -> None:
    assert line_of().unit_id == MAIN


def test_a_refused_row_hears_all_its_faults_in_one_pass() -> None:
    faults = faults_of(
        account_code="33l0", cost_center="cam", amount="12,5", currency="usd", jurisdiction="?",
        transaction_date="14.1.2026", unit="THIRD", transaction_id="T\t1", vendor="a\u200bb",
        description="x" * 2_001, department_code="D\0",
    )  # fmt: skip
    assert [(fault.field, fault.code) for fault in faults] == [
        ("account_code", "E_ACCOUNT"),
        ("cost_center", "E_COST_CENTER"),
        ("currency", "E_CURRENCY"),
        ("amount", "E_AMOUNT"),
        ("jurisdiction", "E_JURISDICTION"),
        ("transaction_date", "E_DATE"),
        ("unit", "E_UNIT"),
        ("transaction_id", "E_CONTROL_CHAR"),
        ("vendor", "E_CONTROL_CHAR"),
        ("description", "E_FIELD_TOO_LONG"),
        ("department_code", "E_CONTROL_CHAR"),
    ]
    assert all(fault.expected and fault.fix for fault in faults)


@pytest.mark.parametrize(
    ("source", "cell", "found", "code"),
    [
        ("cost-lines", "account_code", "9999", "E_ACCOUNT"),
        ("cost-lines", "account_code", "3300", "E_ACCOUNT"),
        ("cost-lines", "account_code", "3310.0", "E_ACCOUNT"),
        ("cost-lines", "cost_center", "", "E_COST_CENTER"),
        ("cost-lines", "cost_center", "Camera", "E_COST_CENTER"),
        ("cost-lines", "currency", "", "E_CURRENCY"),
        ("cost-lines", "currency", "US$", "E_CURRENCY"),
        ("cost-lines", "amount", "0.00", "E_AMOUNT"),
        ("cost-lines", "amount", "", "E_AMOUNT"),
        ("cost-lines", "amount", "1,234.50", "E_AMOUNT"),
        ("cost-lines", "amount", "(5.00)", "E_AMOUNT"),
        ("cost-lines", "amount", "1.005", "E_MINOR_UNITS"),
        ("cost-lines", "jurisdiction", "", "E_JURISDICTION"),
        ("cost-lines", "transaction_date", "01/14/2026", "E_DATE"),
        ("cost-lines", "transaction_date", "", "E_DATE"),
        ("cost-lines", "transaction_date", "2062-01-14", "E_DATE"),
        ("cost-lines", "unit", "THIRD", "E_UNIT"),
        ("cost-lines", "vendor", "\r=1+1", "E_CONTROL_CHAR"),
        ("cost-lines", "vendor", "\tb", "E_CONTROL_CHAR"),
        ("cost-lines", "vendor", "v" * 2_001, "E_FIELD_TOO_LONG"),
        ("cost-lines", "transaction_id", "T" * 121, "E_FIELD_TOO_LONG"),
        ("vendor-invoices", "reference", "R" * 121, "E_FIELD_TOO_LONG"),
        ("vendor-invoices", "amount", "1,234", "E_AMOUNT"),
        ("vendor-invoices", "amount", "€5.00", "E_AMOUNT"),
        ("wrapbook-payroll", "employer_taxes", "ten", "E_AMOUNT"),
        ("wrapbook-payroll", "benefits", "1.005", "E_MINOR_UNITS"),
        ("wrapbook-payroll", "deductions", "ten", "E_AMOUNT"),
        ("wrapbook-payroll", "deductions", "NaN", "E_AMOUNT"),
        ("wrapbook-payroll", "deductions", "Infinity", "E_AMOUNT"),
        ("wrapbook-payroll", "deductions", "1000000000000000", "E_AMOUNT"),
        ("wrapbook-payroll", "deductions", "1.005", "E_MINOR_UNITS"),
        ("wrapbook-payroll", "net_pay", "NaN", "E_AMOUNT"),
        ("wrapbook-payroll", "net_pay", "125.005", "E_MINOR_UNITS"),
        ("wrapbook-payroll", "net_pay", "124.99", "E_NET_PAY"),
        ("pslplus", "transaction_date", "yesterday", "E_DATE"),
    ],
)
def test_each_fault_has_its_code_and_shows_what_was_found(
    source: str, cell: str, found: str, code: str
) -> None:
    faults = faults_of(source, **{cell: found})
    assert [(fault.field, fault.code) for fault in faults] == [(cell, code)]
    shown = found.strip(" ").replace("\r", "<U+000D>").replace("\t", "<U+0009>")[:120]
    assert faults[0].found == shown


@pytest.mark.parametrize("text", ["two\nlines", "two\r\nlines", "two\rlines", "\r\nlines", "e\r"])
def test_line_ends_inside_a_field_are_part_of_an_address(text: str) -> None:
    if text.startswith("\r"):
        assert faults_of(vendor=text)[0].code == "E_CONTROL_CHAR"
    else:
        assert line_of(vendor=text).vendor == text


def test_an_account_that_is_a_category_is_told_apart_from_an_unknown_one() -> None:
    assert "3300 is a category" in faults_of(account_code="3300")[0].expected
    assert "written NNNN" in faults_of(account_code="9999")[0].expected


def test_the_narrow_code_brings_the_broad_one_with_it() -> None:
    assert codes_of(faults_of(amount="1.005")) == ["E_AMOUNT", "E_MINOR_UNITS"]
    twice = [Violation("a", "E_DATE", "", "", ""), Violation("b", "E_DATE", "", "", "")]
    assert codes_of(twice) == ["E_DATE"]


def test_what_the_source_need_not_say_comes_from_the_account_and_the_production() -> None:
    line = line_of("pex-cards", cost_center="", currency="", jurisdiction="", account_code="2220")
    assert (line.cost_center_id, line.currency, line.jurisdiction) == (11, "USD", "")


def test_an_account_without_a_home_needs_its_cost_centre_said() -> None:
    faults = faults_of("pex-cards", account_code="0300", cost_center="")
    assert [fault.code for fault in faults] == ["E_COST_CENTER"]
    assert line_of("pex-cards", account_code="0300").cost_center_id == CAM


def test_amounts_are_read_as_their_mapping_declares() -> None:
    written = {"1,234.50": "1234.50", "(80.00)": "-80.00", "80.00-": "-80.00", "$12.50": "12.50"}
    for text, amount in written.items():
        assert str(line_of("vendor-invoices", amount=text).amount) == amount
    gate = gate_of(declared(VENDOR_INVOICES, decimal=","))
    line = gate.clean(values(amount="1.234,50"))
    assert isinstance(line, CleanLine)
    assert str(line.amount) == "1234.50"


def test_minor_units_are_those_of_the_row_s_currency() -> None:
    assert line_of(amount="100", currency="JPY").amount == 100
    assert line_of(amount="1.234", currency="KWD").amount == Decimal("1.234")
    assert faults_of(amount="100.5", currency="JPY")[0].code == "E_MINOR_UNITS"


def test_a_payroll_row_may_pay_only_fringes_or_only_a_reimbursement_but_not_nothing() -> None:
    source = "wrapbook-payroll"
    assert line_of(source, amount="", reimbursements="40.00").reimbursements == 40
    assert line_of(source, amount="0.00", employer_taxes="3.00", benefits="4.00").fringes == 7
    assert faults_of(source, amount="", employer_taxes="5.00", benefits="-5.00")[0].code == (
        "E_AMOUNT"
    )


@pytest.mark.parametrize(
    ("gross", "deductions", "repaid", "net"),
    [
        ("800.00", "192.00", "25.00", "633.00"),
        ("800", "192", "", "608.00"),
        ("800.00", "", "", "800.00"),
        ("", "", "40.00", "40.00"),
        ("", "50.00", "", "-50.00"),
        ("-800.00", "-192.00", "-25.00", "-633.00"),
        ("(800.00)", "(192.00)", "", "608.00-"),
        ("$1,000.00", "0.10", "0.20", "1,000.10"),
        ("100.00", "-5.00", "", "105.00"),  # a deduction of an earlier week given back
        ("999999999999999.99", "0.01", "", "999999999999999.98"),
    ],
)
def test_a_net_pay_that_adds_up_is_taken_and_need_not_be_stated(
    gross: str, deductions: str, repaid: str, net: str
) -> None:
    cells = {"amount": gross, "deductions": deductions, "reimbursements": repaid}
    stated = line_of("wrapbook-payroll", **cells, net_pay=net)
    assert stated == line_of("wrapbook-payroll", **cells)
    assert stated.amount - stated.deductions + stated.reimbursements == Decimal(
        "-608.00" if net == "608.00-" else net.replace(",", "")
    )


@pytest.mark.parametrize("net", ["608.01", "607.99", "800.00", "-608.00", "0", "0.00"])
def test_a_net_pay_that_does_not_add_up_is_told_what_it_should_be(net: str) -> None:
    faults = faults_of("wrapbook-payroll", amount="800.00", deductions="192.00", net_pay=net)
    assert faults == [
        Violation(
            "net_pay",
            "E_NET_PAY",
            "net pay of 608.00: gross 800.00 less deductions 192.00 plus reimbursements 0",
            net,
            "ask the payroll company which of the four figures is wrong, correct it and resubmit",
        )
    ]


def test_a_net_pay_is_not_blamed_for_a_figure_that_cannot_be_read() -> None:
    faults = faults_of("wrapbook-payroll", deductions="many", net_pay="1.00", account_code="9999")
    assert [f.code for f in faults] == ["E_ACCOUNT", "E_AMOUNT"]
    both = faults_of("wrapbook-payroll", net_pay="1.00", account_code="9999")
    assert [f.code for f in both] == ["E_ACCOUNT", "E_NET_PAY"]


def test_the_first_version_of_the_payroll_log_asks_nothing_of_the_net_pay() -> None:
    used = WRAPBOOK_PAYROLL_1.fields
    assert not {"deductions", "net_pay"} & used


def test_fringes_that_together_outgrow_the_ledger_s_column_are_refused() -> None:
    faults = faults_of(
        "wrapbook-payroll", employer_taxes="999999999999999", benefits="999999999999999"
    )
    assert [(fault.field, fault.code) for fault in faults] == [("employer_taxes", "E_AMOUNT")]


def test_the_gate_hears_each_code_of_its_own_at_least_once_in_the_generated_rows() -> None:
    dice = random.Random(1897)
    heard: Counter[str] = Counter()
    for _ in range(3_000):
        found = gate_of("wrapbook-payroll").clean(drawn_row(dice))
        heard.update(codes_of(found) if isinstance(found, list) else ["clean"])
    assert set(heard) == {
        "clean", "E_ACCOUNT", "E_AMOUNT", "E_CONTROL_CHAR", "E_COST_CENTER", "E_CURRENCY", "E_DATE",
        "E_FIELD_TOO_LONG", "E_JURISDICTION", "E_MINOR_UNITS", "E_NET_PAY", "E_SEGMENT", "E_UNIT",
    }  # fmt: skip

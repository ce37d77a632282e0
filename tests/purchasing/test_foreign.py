"""Invoices in foreign money, paid at other rates than they were entered at; worked by hand."""

from datetime import date
from decimal import Decimal

import pytest

from ledger import verify
from ledger.differences import NoRate
from ledger.holes import convert_holes
from purchasing.invoices import InvoicePlan, enter_invoice
from purchasing.models import Entry
from purchasing.papers import CostLine, void_paper
from purchasing.payments import PaymentPlan, pay_invoices
from tests.factories import Film, role
from tests.ledger.fx_house import balances, load
from tests.purchasing.office import DAY, Office, office

D = Decimal
FRIDAY_23, FRIDAY_30 = date(2026, 1, 23), date(2026, 1, 30)


def invoice(o: Office) -> Entry:
    """1,000 CAD of camera and 160 CAD of art on the 14th."""
    vendor = o.vendor()
    with o.acts() as amir:
        lines = (CostLine("3310", "1000.00"), CostLine("2220", "160.00"))
        plan = InvoicePlan(o.unit, vendor, "INV-1", DAY, "CAD", lines)
        return enter_invoice(actor=amir, production=o.film.production, plan=plan)


def pay(o: Office, entry: Entry, amount: str, day: date, number: str = "W-1") -> Entry:
    vendor = o.vendor()
    with o.acts() as amir:
        plan = PaymentPlan(vendor, number, day, ((entry.pk, amount),))
        return pay_invoices(actor=amir, production=o.film.production, plan=plan)


def test_an_invoice_paid_in_parts_over_two_departments_leaves_nothing(film: Film) -> None:
    load(film)
    o = office(film)
    entry = invoice(o)
    # At 0.78125: 781.25 and 125.00
    assert balances(film) == {"3310": D("781.25"), "2220": D("125.00"), "0300": D("-906.25")}
    pay(o, entry, "1080.00", FRIDAY_23)
    # Camera in full, 1,000 x 0.84 = 840.00: 58.75 lost. Art by 80: 67.20 for 62.50, 4.70 lost.
    assert balances(film)["7015"] == D("63.45")
    assert balances(film)["0300"] == D("-62.50")
    pay(o, entry, "80.00", FRIDAY_30, "W-2")
    # The rest of art: 80 x 0.75 = 60.00 for 62.50, 2.50 gained.
    assert balances(film) == {
        "3310": D("781.25"), "2220": D("125.00"), "7015": D("60.95"), "0100": D("-967.20"),
    }  # fmt: skip
    with role("owner"):
        assert verify.verify_production(film.production).findings == []


def test_a_payment_taken_back_takes_its_difference_back_and_is_paid_anew(film: Film) -> None:
    load(film)
    o = office(film)
    entry = invoice(o)
    first = pay(o, entry, "333.33", FRIDAY_23)
    with o.acts() as amir:
        void_paper(
            actor=amir, production=film.production, entry_id=first.pk, day=FRIDAY_30,
            reason="bounced",
        )  # fmt: skip
    assert balances(film) == {"3310": D("781.25"), "2220": D("125.00"), "0300": D("-906.25")}
    pay(o, entry, "1160.00", FRIDAY_30, "W-2")
    # 750.00 and 120.00 at 0.75: 31.25 and 5.00 gained
    assert balances(film)["7015"] == D("-36.25")
    assert "0300" not in balances(film)


def test_an_invoice_without_a_rate_is_paid_once_it_has_one(film: Film) -> None:
    o = office(film)
    entry = invoice(o)
    with pytest.raises(NoRate, match="No rate from CAD to USD for 23 Jan 2026"):
        pay(o, entry, "1160.00", FRIDAY_23)
    load(film)
    with pytest.raises(NoRate, match="has no value yet"):
        pay(o, entry, "1160.00", FRIDAY_23)
    with o.acts() as amir:
        convert_holes(actor=amir, production=film.production)
    pay(o, entry, "1160.00", FRIDAY_23)
    # 840.00 + 134.40 paid for 906.25
    assert balances(film)["7015"] == D("68.15")
    assert "0300" not in balances(film)


def test_an_order_in_foreign_money_is_relieved_whatever_the_rates_do(film: Film) -> None:
    o = office(film)
    order = o.opened(currency="CAD")
    vendor = o.vendor()
    with o.acts() as amir:
        lines = (CostLine("3310", "400.00", "", order.number, 1),)
        plan = InvoicePlan(o.unit, vendor, "INV-1", DAY, "CAD", lines)
        enter_invoice(actor=amir, production=film.production, plan=plan)
    before = o.standing(order)
    load(film)
    with o.acts() as amir:
        # The order and the invoice with its relief: both wait for the rate.
        done = convert_holes(actor=amir, production=film.production)
    assert (done.documents, done.missing) == (2, ())
    assert o.standing(order) == before == [(D(1000), D(400), D(600), D(0))]
    assert balances(film)["3310"] == D("312.50")

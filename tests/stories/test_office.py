"""Two stories of a production office, with every balance on the way: a rental, and a float."""

from datetime import date
from decimal import Decimal as D

import pytest

from access.errors import Refused
from ledger.rates import RateFile, load_rates
from ledger.verify import verify_production
from purchasing import funds, invoices, orders, papers, payments, selectors
from purchasing.funds import FundPlan
from purchasing.invoices import InvoicePlan
from purchasing.models import Entry, Fund, PurchaseOrder
from purchasing.orders import LinePlan
from purchasing.papers import CostLine
from purchasing.payments import PaymentPlan
from tests.factories import Film, role
from tests.purchasing.office import DAY, Office, office

LATER = date(2026, 1, 21)


RATES = b"Date,USD,CAD,\n2026-01-20,1.25,1.60,\n2026-01-14,1.25,1.60,\n"


def rental(o: Office) -> PurchaseOrder:
    """A camera package for two weeks at 1,500.00 CAD each, and lenses at 800.00.

    The rate stands still, so that paying leaves no exchange difference.
    """
    with o.acts() as amir:
        load_rates(actor=amir, production=o.film.production, file=RateFile("rates", RATES))
    return o.opened(
        LinePlan("3310", "2", "1,500.00", "camera package, weeks"),
        LinePlan("3310", "1", "800.00", "lenses"),
        currency="CAD", kind="rental", rental_starts_on=DAY, rental_ends_on=LATER,
    )  # fmt: skip


def invoiced(o: Office, number: str, *lines: CostLine) -> Entry:
    with o.acts() as amir:
        plan = InvoicePlan(o.unit, o.vendor_(), number, DAY, "CAD", lines)
        return invoices.enter_invoice(actor=amir, production=o.film.production, plan=plan)


def paid(o: Office, number: str, invoice: Entry, amount: str) -> Entry:
    with o.acts() as amir:
        plan = PaymentPlan(o.vendor_(), number, LATER, ((invoice.pk, amount),))
        return payments.pay_invoices(actor=amir, production=o.film.production, plan=plan)


def void(o: Office, entry: Entry, reason: str) -> None:
    with o.acts() as amir:
        papers.void_paper(
            actor=amir, production=o.film.production, entry_id=entry.pk, day=LATER, reason=reason
        )


def first_week(o: Office, order: PurchaseOrder) -> Entry:
    """The invoice of the first week and the lenses, 2,300.00."""
    return invoiced(
        o, "A-77", CostLine("3310", "1500.00", "week 1", order.number, 1),
        CostLine("3310", "800.00", "lenses", order.number, 2),
    )  # fmt: skip


def test_a_rental_is_ordered_and_partly_invoiced(film: Film) -> None:
    o = office(film)
    order = rental(o)
    assert (order.number, o.status(order)) == ("PO-0001", "open")
    assert o.standing(order) == [(3000, 0, 3000, 0), (800, 0, 800, 0)]
    assert o.balances(2) == {("3310", "CAD"): D(3800), ("0950", "CAD"): D(-3800)}
    assert o.balances() == {}
    first_week(o, order)
    assert o.status(order) == "partial"
    assert o.standing(order) == [(3000, 1500, 1500, 0), (800, 800, 0, 0)]
    assert o.balances() == {("3310", "CAD"): D(2300), ("0300", "CAD"): D(-2300)}
    assert o.balances(2) == {("3310", "CAD"): D(1500), ("0950", "CAD"): D(-1500)}
    with pytest.raises(Refused, match=r"line 2 has 0\.00 CAD open, .* 800\.00 CAD over"):
        invoiced(o, "A-78", CostLine("3310", "800.00", "lenses", order.number, 2))


def test_what_was_paid_by_mistake_is_taken_back_and_the_order_is_open_again(film: Film) -> None:
    """The bank sends the wire back, and the invoice turns out to be of other dates."""
    o = office(film)
    order = rental(o)
    week = first_week(o, order)
    wire = paid(o, "W-1", week, "2,000.00")
    assert o.paper(week).status == "part paid"
    assert o.balances() == {
        ("3310", "CAD"): D(2300), ("0300", "CAD"): D(-300), ("0100", "CAD"): D(-2000),
    }  # fmt: skip
    with pytest.raises(Refused, match=r"is paid \(2,000\.00 CAD\): void the payment first"):
        void(o, week, "wrong dates")
    void(o, wire, "wire back")
    assert o.paper(week).open == D(2300)
    void(o, week, "wrong dates")
    assert o.balances() == {}
    assert o.standing(order) == [(3000, 0, 3000, 0), (800, 0, 800, 0)]
    assert o.status(order) == "open"


def test_a_rental_is_returned_early_and_closed(film: Film) -> None:
    """The package goes back after a week and the lenses are not taken: the rest is cancelled."""
    o = office(film)
    order = rental(o)
    void(o, first_week(o, order), "wrong dates")
    again = invoiced(
        o, "A-77", CostLine("3310", "1500.00", "week 1", order.number, 1, is_final=True),
        CostLine("3310", "-200.00", "credit, late delivery"),
    )  # fmt: skip
    assert again.version == 2
    assert o.standing(order) == [(3000, 1500, 0, 1500), (800, 0, 800, 0)]
    with o.acts() as amir:
        order = orders.close_order(actor=amir, order=order, day=LATER, reason="lenses not taken")
    assert o.status(order) == "closed"
    assert o.standing(order) == [(3000, 1500, 0, 1500), (800, 0, 0, 800)]
    paid(o, "W-2", again, "1300.00")
    assert o.paper(again).status == "paid"
    assert o.balances() == {("3310", "CAD"): D(1300), ("0100", "CAD"): D(-1300)}
    assert o.balances(2) == {}
    with role("owner"):
        assert verify_production(film.production).findings == []


def opened_float(o: Office) -> Fund:
    """Cho's float of 500.00, advanced."""
    with o.acts() as amir:
        fund = funds.open_fund(
            actor=amir, production=o.film.production,
            plan=FundPlan(o.unit, o.centers["CAM"], "petty_cash", "Cho", "USD", "500.00"),
        )  # fmt: skip
    move(o, fund, "advance", "ADV-1", "500.00")
    return fund


def move(o: Office, fund: Fund, kind: str, number: str, amount: str) -> None:
    with o.acts() as amir:
        funds.move_cash(actor=amir, fund=fund, kind=kind, number=number, day=LATER, amount=amount)


def envelope(o: Office, fund: Fund, number: str, *lines: CostLine) -> Entry:
    with o.acts() as amir:
        return funds.post_envelope(actor=amir, fund=fund, number=number, day=DAY, lines=lines)


def held(o: Office, fund: Fund) -> D:
    with o.acts():
        return selectors.fund_balance(fund)


RECEIPTS = (CostLine("3310", "120.00", "filters"), CostLine("2220", "35.50", "tape"))


def test_an_imprest_envelope_is_spent_and_restored(film: Film) -> None:
    o = office(film)
    fund = opened_float(o)
    assert o.balances() == {("0150", "USD"): D(500), ("0100", "USD"): D(-500)}
    envelope(o, fund, "CH01", *RECEIPTS)
    after = {("0150", "USD"): D("344.50"), ("0100", "USD"): D(-500),
             ("3310", "USD"): D(120), ("2220", "USD"): D("35.50")}  # fmt: skip
    assert o.balances() == after
    assert held(o, fund) == D("344.50")
    with o.acts():
        assert funds.to_restore(fund) == D("155.50")
    with pytest.raises(Refused, match=r"Cho holds 344\.50 USD"):
        envelope(o, fund, "CH02", CostLine("3310", "344.51"))
    with pytest.raises(Refused, match="Envelope CH01 was entered by Amir"):
        envelope(o, fund, "CH01", *RECEIPTS)
    assert o.balances() == after
    move(o, fund, "reimbursement", "R-1", "155.50")
    assert held(o, fund) == D(500)


def test_a_float_is_given_back_when_everything_is_accounted_for(film: Film) -> None:
    o = office(film)
    fund = opened_float(o)
    void(o, envelope(o, fund, "CH01", *RECEIPTS), "receipts of another film")
    assert held(o, fund) == D(500)
    envelope(o, fund, "CH01", RECEIPTS[0])
    with pytest.raises(Refused, match=r"still holds 380\.00"), o.acts() as amir:
        funds.close_fund(actor=amir, fund=fund)
    with pytest.raises(Refused, match=r"Cho holds 380\.00 USD, less than 500\.00 USD"):
        move(o, fund, "return", "RET-1", "500.00")
    move(o, fund, "return", "RET-1", "380.00")
    with o.acts() as amir:
        assert funds.close_fund(actor=amir, fund=fund).is_open is False
    assert o.balances() == {("3310", "USD"): D(120), ("0100", "USD"): D(-120)}
    with role("owner"):
        assert verify_production(film.production).findings == []

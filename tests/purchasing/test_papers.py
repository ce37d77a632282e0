"""Invoices, payments, envelopes and journals: what is refused, and that nothing is left behind."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError
from django.db.models.signals import post_init

from access.errors import Invalid, NotFoundHere, Refused
from purchasing import funds, invoices, journals, papers, payments, selectors
from purchasing.funds import FundPlan
from purchasing.invoices import InvoicePlan
from purchasing.journals import JournalLine, JournalPlan
from purchasing.models import Entry, Fund
from purchasing.orders import LinePlan
from purchasing.papers import CostLine, OverRelief
from purchasing.payments import PaymentPlan, spread
from tests.factories import Film, acting, role
from tests.ledger.raw_batches import query
from tests.purchasing.office import DAY, Office, office

TEN = CostLine("3310", "10.00")
LEGS = (JournalLine("3310", debit="1.00"), JournalLine("3301", credit="1.00"))


def invoice(
    o: Office, *lines: CostLine, number: str = "INV-1", person: str = "amir", **more: object
) -> Entry:
    vendor = o.vendor(str(more.pop("vendor", "Panavision")))
    with o.acts(person) as actor:
        plan = InvoicePlan(o.unit, vendor, number, DAY, str(more.pop("currency", "USD")),
                           lines or (TEN,), **more)  # type: ignore[arg-type]  # fmt: skip
        return invoices.enter_invoice(actor=actor, production=o.film.production, plan=plan)


def pay(
    o: Office, *paid: tuple[Entry, str], number: str = "CHK-1", vendor: str = "Panavision",
    bank: str = "",
) -> Entry:  # fmt: skip
    whom = o.vendor(vendor)
    with o.acts() as amir:
        chosen = tuple((entry.pk, amount) for entry, amount in paid)
        plan = PaymentPlan(whom, number, DAY, chosen, bank)
        return payments.pay_invoices(actor=amir, production=o.film.production, plan=plan)


def void(o: Office, entry_id: int) -> None:
    with o.acts() as amir:
        papers.void_paper(
            actor=amir, production=o.film.production, entry_id=entry_id, day=DAY, reason="wrong"
        )


def journal(o: Office, *lines: JournalLine, number: str = "") -> Entry:
    with o.acts() as amir:
        number = number or selectors.next_number(o.film.production, "journal", journals.PREFIX)
        plan = JournalPlan(o.unit, DAY, "USD", "accrual", lines, number)
        return journals.enter_journal(
            actor=amir, production=o.film.production, plan=plan,
            cost_centers=list(o.centers.values()),
        )  # fmt: skip


def card(o: Office, kind: str = "card") -> Fund:
    with o.acts() as amir:
        plan = FundPlan(o.unit, o.centers["CAM"], kind, "Cho", "USD", "1000.00")
        return funds.open_fund(actor=amir, production=o.film.production, plan=plan)


def envelope(o: Office, fund: Fund, amount: str) -> Entry:
    with o.acts() as amir:
        return funds.post_envelope(
            actor=amir, fund=fund, number="E1", day=DAY, lines=(CostLine("3310", amount),)
        )


def test_an_invoice_falls_due_by_the_vendor_s_terms(film: Film) -> None:
    assert invoice(office(film)).due_on == date(2026, 2, 13)


def test_a_journal_relieves_an_order_and_balances(film: Film) -> None:
    o = office(film)
    order = o.opened(LinePlan("3310", "1", "100.00"))
    entry = journal(
        o, JournalLine("3310", debit="60.00", order=order.number, order_line=1),
        JournalLine("0310", credit="60.00", cost_center="CAM"),
    )  # fmt: skip
    assert (entry.number, entry.total) == ("JE-0001", Decimal(60))
    assert o.balances() == {("3310", "USD"): 60, ("0310", "USD"): -60}
    assert o.standing(order) == [(100, 60, 40, 0)]


def test_a_card_s_envelope_is_what_the_card_owes_until_it_is_paid(film: Film) -> None:
    o = office(film)
    fund = card(o)
    envelope(o, fund, "75.25")
    assert o.balances() == {("3310", "USD"): Decimal("75.25"), ("0160", "USD"): Decimal("-75.25")}
    with o.acts() as amir:
        funds.move_cash(
            actor=amir, fund=fund, kind="reimbursement", number="P1", day=DAY, amount="75.25"
        )
        assert selectors.fund_balance(fund) == 0


def test_accepted_overage_posts_the_whole_cost_and_relieves_what_is_open(film: Film) -> None:
    o = office(film)
    order = o.opened(LinePlan("3310", "1", "100.00"))
    line = CostLine("3310", "130.00", "", order.number, 1)
    with pytest.raises(OverRelief, match=r"has 100\.00 USD open, .* 30\.00 USD over"):
        invoice(o, line)
    invoice(o, line, accepts_over=True)
    assert o.balances() == {("3310", "USD"): 130, ("0300", "USD"): -130}
    assert o.standing(order) == [(100, 100, 0, 0)]


def test_two_lines_of_one_invoice_share_what_is_open(film: Film) -> None:
    o = office(film)
    order = o.opened(LinePlan("3310", "1", "100.00"))
    line = CostLine("3310", "60.00", "", order.number, 1)
    with pytest.raises(OverRelief, match=r"Line 2: .* has 40\.00 USD open"):
        invoice(o, line, line)


def test_an_invoice_of_two_departments_is_paid_in_two_parts(film: Film) -> None:
    o = office(film)
    entry = invoice(o, CostLine("3310", "60.00"), CostLine("2220", "40.00"))
    assert entry.cost_center is None
    pay(o, (entry, "70.00"))
    pay(o, (entry, "30.00"), number="CHK-2")
    with role("owner"):
        payables = query(
            "SELECT c.code, sum(t.amount) FROM ledger_batchtotal t"
            " JOIN ledger_account a ON a.id = t.account_id AND a.code = '0300'"
            " JOIN taxonomy_costcenter c ON c.id = t.cost_center_id"
            " WHERE t.production_id = %s GROUP BY 1 ORDER BY 1", film.production.pk,
        )  # fmt: skip
    assert payables == [("ART", 0), ("CAM", 0)]
    assert o.paper(entry).status == "paid"


def test_a_payment_goes_from_cost_centre_to_cost_centre() -> None:
    sums = {1: Decimal(60), 2: Decimal(40)}
    assert spread(sums, Decimal(0), Decimal(100)) == [(1, 60), (2, 40)]
    assert spread(sums, Decimal(0), Decimal(70)) == [(1, 60), (2, 10)]
    assert spread(sums, Decimal(70), Decimal(30)) == [(2, 30)]
    assert spread({1: Decimal(60), 2: Decimal(-20)}, Decimal(0), Decimal(40)) == [(1, 60), (2, -20)]
    assert spread({1: Decimal(60), 2: Decimal(-20)}, Decimal(0), Decimal(30)) is None


def test_a_credit_note_is_settled_with_an_invoice_in_one_payment(film: Film) -> None:
    o = office(film)
    bill, credit = invoice(o), invoice(o, CostLine("3310", "-4.00"), number="CR-1")
    payment = pay(o, (bill, "10.00"), (credit, "-4.00"))
    assert payment.total == 6
    assert o.balances() == {("3310", "USD"): 6, ("0100", "USD"): -6}


def pay_again(o: Office, entry: Entry) -> None:
    pay(o, (entry, "10.00"))
    pay(o, (entry, "1.00"), number="2")


def pay_voided(o: Office, entry: Entry) -> None:
    void(o, entry.pk)
    pay(o, (entry, "1.00"))


def test_an_invoice_reads_no_more_of_a_vendor_with_many(film: Film) -> None:
    o = office(film)
    read: list[int] = []

    def count(**_: object) -> None:
        read[-1] += 1

    post_init.connect(count, sender=Entry)
    try:
        for number in range(6):
            read.append(0)
            invoice(o, number=f"INV-{number}")
    finally:
        post_init.disconnect(count, sender=Entry)
    assert read[5] == read[0]


def void_twice(o: Office, entry: Entry) -> None:
    void(o, entry.pk)
    void(o, entry.pk)


Act = Callable[[Office], object]
REFUSED: dict[str, tuple[Act, type[Refused], str]] = {
    "an invoice without a number": (lambda o: invoice(o, number=" "), Invalid, "its number"),
    "an invoice without lines": (
        lambda o: invoices.enter_invoice(
            actor=o.film.cast["amir"], production=o.film.production,
            plan=InvoicePlan(o.unit, o.vendor(), "X", DAY, "USD", ())), Invalid, "expected lines"),
    "a journal without a number": (
        lambda o: journal(o, *LEGS, number=" "), Invalid, "JE-0001 is free"),
    "a journal entered twice": (
        lambda o: (journal(o, *LEGS, number="JE-7"), journal(o, *LEGS, number="je-7")),
        Refused, "Journal JE-7 was entered by Amir"),
    "an invoice entered twice": (
        lambda o: (invoice(o), invoice(o)), Refused, "INV-1 of Panavision was entered by Amir"),
    "the same number in other letters": (
        lambda o: (invoice(o), invoice(o, CostLine("3310", "9.00"), number="inv-1")),
        Refused, "was entered by Amir"),
    "a line of nothing": (
        lambda o: invoice(o, CostLine("3310", "0.00")), Invalid, "other than zero"),
    "an amount that is none": (
        lambda o: invoice(o, CostLine("3310", "ten")), Invalid, "Line 1: .*not a"),
    "an account of no department": (
        lambda o: invoice(o, CostLine("0310", "1.00")), Invalid, "belongs to no department"),
    "an order there is not": (
        lambda o: invoice(o, CostLine("3310", "1.00", "", "PO-9", 1)), Invalid, "an open order"),
    "an order that is only drafted": (
        lambda o: invoice(o, CostLine("3310", "1.00", "", o.draft().number, 1)),
        Invalid, "an open order"),
    "a line the order has not": (
        lambda o: invoice(o, CostLine("3310", "1.00", "", o.opened().number, 2)),
        Invalid, "has no line 2"),
    "an order in another currency": (
        lambda o: invoice(o, CostLine("3310", "1.00", "", o.opened(currency="CAD").number, 1)),
        Invalid, "is in CAD, the invoice in USD"),
    "another vendor's order": (
        lambda o: invoice(o, CostLine("3310", "1.00", "", o.opened().number, 1), vendor="ARRI"),
        Invalid, "an order to Panavision, not to ARRI"),
    "paying nothing": (pay, Invalid, "Tick at least one"),
    "paying without a number": (
        lambda o: pay(o, (invoice(o), "10.00"), number=""), Invalid, "check or wire"),
    "paying more than is open": (
        lambda o: pay(o, (invoice(o), "10.01")), Invalid, r"has 10\.00 USD open"),
    "paying the other way round": (
        lambda o: pay(o, (invoice(o), "-1.00")), Invalid, r"has 10\.00 USD open"),
    "paying an invoice twice in one payment": (
        lambda o: pay(o, *[(invoice(o), "1.00")] * 2), Invalid, "twice"),
    "paying what is paid": (
        lambda o: pay_again(o, invoice(o)), Invalid, "is paid: nothing is open"),
    "paying what is void": (
        lambda o: pay_voided(o, invoice(o)), Invalid, "is void: nothing is open"),
    "paying another vendor's invoice": (
        lambda o: pay(o, (invoice(o), "10.00"), vendor="ARRI"), Invalid, "several vendors"),
    "paying a payment": (
        lambda o: pay(o, (pay(o, (invoice(o), "10.00")), "1.00"), number="2"),
        NotFoundHere, "Not found"),
    "paying from an account there is not": (
        lambda o: pay(o, (invoice(o), "10.00"), bank="9999"), Invalid, "Bank: expected"),
    "voiding twice": (
        lambda o: void_twice(o, invoice(o)), Refused, "already"),
    "voiding what is not there": (lambda o: void(o, 2**40), NotFoundHere, "Not found"),
    "a journal of one leg": (
        lambda o: journal(o, JournalLine("3310", debit="1.00")), Invalid, "1.00 USD more debits"),
    "a journal that does not balance": (
        lambda o: journal(o, JournalLine("3310", debit="10.00"), JournalLine("3301", credit="9")),
        Invalid, r"1\.00 USD more debits"),
    "a leg on both sides": (
        lambda o: journal(o, JournalLine("3310", debit="1.00", credit="1.00")),
        Invalid, "a debit or a credit"),
    "a leg on neither": (lambda o: journal(o, JournalLine("3310")), Invalid, "a debit or a credit"),
    "a leg on the clearing account": (
        lambda o: journal(o, JournalLine("0900", debit="1.00", cost_center="CAM")),
        Invalid, "goes through"),
    "a leg of no department": (
        lambda o: journal(o, JournalLine("0310", debit="1.00")), Invalid, "Name the cost centre"),
    "a cost centre there is not": (
        lambda o: journal(o, JournalLine("0310", debit="1.00", cost_center="ZZZ")),
        Invalid, "expected a cost centre"),
    "a journal number used before": (
        lambda o: [journal(o, JournalLine("3310", debit="1"), JournalLine("3301", credit="1"),
                           number="JE-7") for _ in range(2)], Refused, "JE-7 was entered"),
    "more than the custodian holds": (
        lambda o: envelope(o, card(o, "petty_cash"), "1.00"), Refused, r"Cho holds 0\.00"),
    "a second fund of one custodian": (
        lambda o: [card(o) for _ in range(2)], Refused, "holds such a fund already"),
    "a fund of a kind there is not": (lambda o: card(o, "purse"), Invalid, "petty_cash or card"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_words(film: Film, case: str) -> None:
    act, error, sentence = REFUSED[case]
    with pytest.raises(error, match=sentence):
        act(office(film))


def test_a_refused_paper_leaves_no_trace(film: Film) -> None:
    o = office(film)
    order = o.opened()
    before = o.traces()
    with pytest.raises(Invalid):
        invoice(o, CostLine("3310", "1.00", "", order.number, 1), CostLine("9999", "1.00"))
    assert o.traces() == before


# Raw SQL by the accountant's web session, after an invoice of 10.00 was entered and 4.00 paid.
INSERT = (
    "INSERT INTO purchasing_settlement (production_id, unit_id, cost_center_id, payment_id,"
    " invoice_id, amount) SELECT i.production_id, i.unit_id, i.cost_center_id, p.id, i.id, {}"
    " FROM purchasing_entry i, purchasing_entry p WHERE i.number = {} AND p.number = {}"
)
ENTRY = (
    "INSERT INTO purchasing_entry (production_id, unit_id, cost_center_id, kind, number, version,"
    " vendor_id, currency, total, dated, batch_id, transaction_number, entered_by_id)"
    " SELECT production_id, unit_id, cost_center_id, kind, {}, 9, vendor_id, currency, total,"
    " dated, batch_id, {}, entered_by_id FROM purchasing_entry WHERE kind = 'invoice' LIMIT 1"
)
RAW = {
    "pay more than the total": (INSERT.format("7", "'INV-2'", "'CHK-1'"), "would be paid"),
    "settle more than was paid": (INSERT.format("1", "'INV-2'", "'CHK-1'"), "would settle"),
    "pay below zero": (INSERT.format("-1", "'INV-2'", "'CHK-1'"), "would be paid"),
    "settle a payment by an invoice": (INSERT.format("1", "'CHK-1'", "'INV-1'"), "own vendor"),
    "register an old document again": (ENTRY.format("'INV-9'", "2"), "not posted with it"),
    "change a total": ("UPDATE purchasing_entry SET total = 1", "denied"),
    "remove a settlement": ("DELETE FROM purchasing_settlement", "denied"),
    "change an imprest's account": ("UPDATE purchasing_fund SET account_id = 1", "denied"),
}


@pytest.mark.parametrize("case", RAW)
def test_raw_sql_is_held_to_the_same_rules(film: Film, case: str) -> None:
    statement, sentence = RAW[case]
    o = office(film)
    pay(o, (invoice(o), "4.00"))
    invoice(o, CostLine("3310", "5.00"), number="INV-2")
    before = o.traces()
    with role("web"), pytest.raises(DatabaseError, match=sentence), acting(film, "amir"):
        query(statement)
    assert o.traces() == before


def test_a_paid_invoice_is_not_taken_back_by_a_correction_either(film: Film) -> None:
    from ledger import corrections

    o = office(film)
    entry = invoice(o)
    pay(o, (entry, "4.00"))
    with pytest.raises(Refused, match=r"is paid .* void the payment first"), o.acts() as amir:
        corrections.reverse_document(
            actor=amir, production=film.production, key=(entry.batch_id, 1), day=DAY, reason="x"
        )


@pytest.mark.parametrize("person", ["lena", "cho", "ada", "otto"])
def test_only_who_may_enters_an_invoice(film: Film, person: str) -> None:
    o = office(film)
    o.vendor()
    before = o.traces()
    with pytest.raises((DatabaseError, Refused, KeyError)):
        invoice(o, person=person)
    assert o.traces() == before


@pytest.mark.parametrize(("person", "seen"), [("amir", 2), ("lena", 2), ("cho", 1), ("ada", 0)])
def test_a_paper_of_several_departments_is_seen_by_who_sees_them_all(
    film: Film, person: str, seen: int
) -> None:
    o = office(film)
    invoice(o)
    invoice(o, TEN, CostLine("2220", "1.00"), number="INV-2")
    with role("web"), acting(film, person):
        assert len(selectors.papers(film.production, ["invoice"])) == seen

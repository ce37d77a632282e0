"""Orders step by step: what a service refuses in words, and the database whatever the road."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import DatabaseError

from access.errors import Invalid, Refused
from purchasing import orders, selectors
from purchasing.models import PurchaseOrder
from purchasing.orders import LinePlan, WrongStep
from tests.factories import Film, acting, role
from tests.ledger.raw_batches import query, words, write_batch
from tests.ledger.test_books import order as stray
from tests.ledger.test_books import ordered
from tests.purchasing.office import DAY, Office, office

ONE = LinePlan("3310", "1", "1000.00")


def amend(o: Office, order: PurchaseOrder, *lines: LinePlan) -> PurchaseOrder:
    with o.acts() as amir:
        return orders.amend_order(actor=amir, order=order, lines=lines, reason="more days")


def void(o: Office, order: PurchaseOrder, reason: str = "not wanted") -> PurchaseOrder:
    with o.acts() as amir:
        return orders.void_order(actor=amir, order=order, day=DAY, reason=reason)


def approve(o: Office, order: PurchaseOrder, person: str) -> PurchaseOrder:
    with o.acts(person) as actor:
        return orders.approve_order(actor=actor, order=order)


def open_(o: Office, order: PurchaseOrder) -> PurchaseOrder:
    with o.acts() as amir:
        return orders.open_order(actor=amir, order=order, day=DAY)


def close(o: Office, order: PurchaseOrder, reason: str = "done") -> PurchaseOrder:
    with o.acts() as amir:
        return orders.close_order(actor=amir, order=order, day=DAY, reason=reason)


def test_orders_are_numbered_one_after_the_other(film: Film) -> None:
    o = office(film)
    assert [o.draft().number for _ in range(3)] == ["PO-0001", "PO-0002", "PO-0003"]


def test_a_line_is_quantity_times_rate_rounded_to_the_coin(film: Film) -> None:
    o = office(film)
    order = o.draft(LinePlan("3310", "2.5", "33.33"), LinePlan("3310", "3", "0.01"))
    with o.acts():
        amounts = [line.amount for line in selectors.lines_of(order, 1)]
    assert amounts == [Decimal("83.33"), Decimal("0.03")]


def test_an_amendment_goes_the_way_of_the_first_version(film: Film) -> None:
    o = office(film)
    order = o.opened(ONE, LinePlan("3310", "1", "50.00"))
    order = amend(o, order, LinePlan("3310", "1", "1200.00"))
    assert (order.state, order.version, order.drafted) == ("draft", 1, 2)
    assert o.standing(order) == [(1000, 0, 1000, 0), (50, 0, 50, 0)], "in force until it is opened"
    order = o.approve_and_open(order)
    assert (order.state, order.version) == ("open", 2)
    assert o.standing(order) == [(1200, 0, 1200, 0), (50, 0, 0, 50)]
    assert o.balances(2) == {("3310", "USD"): 1200, ("0950", "USD"): -1200}
    order = o.approve_and_open(amend(o, order, LinePlan("3310", "1", "900.00")))
    assert o.standing(order) == [(1200, 0, 900, 300), (50, 0, 0, 50)]


def test_an_amendment_is_withdrawn_and_the_order_stays_as_it_was(film: Film) -> None:
    o = office(film)
    order = amend(o, o.opened(ONE), LinePlan("3310", "1", "7.00"))
    with o.acts() as amir:
        order = orders.withdraw_amendment(actor=amir, order=order)
    assert (order.state, order.version) == ("open", 1)
    assert o.standing(order) == [(1000, 0, 1000, 0)]


def test_a_voided_order_leaves_nothing_committed(film: Film) -> None:
    o = office(film)
    order = void(o, o.opened(ONE))
    assert order.state == "void"
    assert o.standing(order) == [(1000, 0, 0, 1000)]
    assert o.balances(2) == {}


def test_what_is_sent_back_is_a_draft_with_the_reason(film: Film) -> None:
    o = office(film)
    order = approve(o, o.draft(), "lena")
    with o.acts("lena") as lena:
        order = orders.send_back(actor=lena, order=order, reason="ask for another offer")
    assert (order.state, order.approved_by, order.reason) == (
        "draft", None, "ask for another offer",
    )  # fmt: skip


Act = Callable[[Office], object]
REFUSED: dict[str, tuple[Act, type[Refused], str]] = {
    "an account there is not": (
        lambda o: o.draft(LinePlan("9999", "1", "1.00")), Invalid, "Line 1: expected an account"),
    "a category": (lambda o: o.draft(LinePlan("3300", "1", "1.00")), Invalid, "only adds up"),
    "a balance-sheet account": (
        lambda o: o.draft(LinePlan("0100", "1", "1.00")), Invalid, "no cost account"),
    "no number for a quantity": (
        lambda o: o.draft(LinePlan("3310", "two", "1.00")), Invalid, "Line 1, quantity"),
    "a quantity of nothing": (
        lambda o: o.draft(LinePlan("3310", "0", "1.00")), Invalid, "above zero"),
    "a rate below zero": (
        lambda o: o.draft(LinePlan("3310", "1", "-1.00")), Invalid, "above zero"),
    "a rate finer than the coin": (
        lambda o: o.draft(LinePlan("3310", "1", "1.005")), Invalid, "more decimals"),
    "the second line at fault": (
        lambda o: o.draft(ONE, LinePlan("", "1", "1.00")), Invalid, "Line 2"),
    "a currency there is not": (lambda o: o.draft(currency="USX"), Invalid, "Currency"),
    "a type there is not": (lambda o: o.draft(kind="loan"), Invalid, "Type"),
    "a rental without days": (lambda o: o.draft(kind="rental"), Invalid, "first and the last day"),
    "approval by who asked": (lambda o: approve(o, o.draft(), "amir"), Refused, "by you"),
    "opening what nobody approved": (lambda o: open_(o, o.draft()), WrongStep, "is draft"),
    "approving twice": (
        lambda o: approve(o, approve(o, o.draft(), "lena"), "lena"), WrongStep, "is approved"),
    "opening twice": (lambda o: open_(o, o.opened()), WrongStep, "is open"),
    "amending what is void": (
        lambda o: amend(o, void(o, o.draft()), ONE), WrongStep, "is void"),
    "voiding twice": (lambda o: void(o, void(o, o.opened())), WrongStep, "is void"),
    "voiding without a reason": (lambda o: void(o, o.opened(), " "), Invalid, "a reason"),
    "closing a draft": (lambda o: close(o, o.draft()), WrongStep, "is draft"),
    "closing what has nothing open": (
        lambda o: close(o, close(o, o.opened())), WrongStep, "closed already"),
    "moving a committed line": (
        lambda o: amend(o, o.opened(ONE), LinePlan("3301", "1", "1000.00")),
        Invalid, "committed on 3310"),
    "withdrawing the first draft": (
        lambda o: orders.withdraw_amendment(actor=o.film.cast["amir"], order=o.draft()),
        WrongStep, "not open yet"),
    "an order somebody else has just changed": (
        lambda o: approve_what_was_voided(o, o.draft()), WrongStep, "somebody else"),
}  # fmt: skip


def approve_what_was_voided(o: Office, order: PurchaseOrder) -> None:
    void(o, order)
    order.state = "draft"  # as it was on Lena's screen
    approve(o, order, "lena")


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_words(film: Film, case: str) -> None:
    act, error, sentence = REFUSED[case]
    with pytest.raises(error, match=sentence):
        act(office(film))


def test_a_refused_order_leaves_no_trace(film: Film) -> None:
    o = office(film)
    o.vendor()
    before = o.traces()
    with pytest.raises(Invalid):
        o.draft(ONE, LinePlan("9999", "1", "1.00"))
    assert o.traces() == before


# Raw SQL against a draft, an approved and an open order, by the accountant's web session.
SET = "UPDATE purchasing_purchaseorder SET {} WHERE number = 'PO-0001'"
RAW = {
    "open a draft": ("draft", SET.format("state = 'open', version = 1"), "cannot become"),
    "open without a version in force": ("draft", SET.format("state = 'open'"), "cannot become"),
    "call it closed": ("open", SET.format("state = 'closed'"), "cannot become"),
    "wake a void one": ("void", SET.format("state = 'draft'"), "cannot become"),
    "approve one's own": (
        "draft", SET.format("state = 'approved', approved_by_id = requested_by_id"),
        "order_four_eyes"),
    "approve in another's name": (
        "draft", SET.format("state = 'approved', approved_by_id = (SELECT max(id) FROM"
        " access_user)"), "in their own name"),
    "change who approved": (
        "approved", SET.format("state = 'open', version = 1, approved_by_id = NULL"),
        "who approved it stays"),
    "skip a version": ("open", SET.format("state = 'draft', drafted = 7"), "versions follow"),
    "another vendor": ("draft", SET.format("vendor_id = vendor_id + 1"), "denied"),
    "another currency": ("draft", SET.format("currency = 'EUR'"), "denied"),
    "a line on an open order": (
        "open", "INSERT INTO purchasing_orderline (production_id, unit_id, order_id, version,"
        " line_no, account_id, cost_center_id, description, quantity, rate, amount)"
        " SELECT production_id, unit_id, order_id, 1, 9, account_id, cost_center_id, '', 1, 1, 1"
        " FROM purchasing_orderline LIMIT 1", "newest draft"),
    "a line changed": ("open", "UPDATE purchasing_orderline SET amount = 1", "denied"),
    "an order removed": ("draft", "DELETE FROM purchasing_purchaseorder", "denied"),
}  # fmt: skip


def in_state(o: Office, state: str) -> None:
    order = o.draft()
    if state == "void":
        void(o, order)
    elif state != "draft":
        order = approve(o, order, "lena")
        if state == "open":
            open_(o, order)


@pytest.mark.parametrize("case", RAW)
def test_raw_sql_is_held_to_the_same_rules(film: Film, case: str) -> None:
    state, statement, sentence = RAW[case]
    o = office(film)
    in_state(o, state)
    before = o.traces()
    with role("web"), pytest.raises(DatabaseError, match=sentence), acting(film, "amir"):
        query(statement)
    assert o.traces() == before


@pytest.mark.parametrize(("person", "rows"), [("lena", 0), ("cho", 0), ("ada", 0), ("otto", 0)])
def test_only_who_may_voids_an_order_even_by_raw_sql(film: Film, person: str, rows: int) -> None:
    o = office(film)
    in_state(o, "draft")
    statement = SET.format("state = 'void'") + " RETURNING 1"
    with role("web"):
        if person == "lena":
            refused = pytest.raises(DatabaseError, match="only who enters orders")
            with refused, acting(film, person):
                query(statement)
        else:
            with acting(film, person):
                assert len(query(statement)) == rows


@pytest.mark.parametrize(("person", "seen"), [("cho", 1), ("ada", 0), ("lena", 1), ("bea", 0)])
def test_a_department_head_sees_the_orders_of_their_own_centre(
    film: Film, person: str, seen: int
) -> None:
    o = office(film)
    order = o.opened()
    with role("web"), acting(film, person):
        assert selectors.orders(film.production).count() == seen
        found = selectors.order_by_number(film.production, order.number)
        assert (found is not None) == bool(seen)


def test_an_amendment_is_not_approved_by_who_saw_the_version_before(film: Film) -> None:
    o = office(film)
    order = o.draft()
    amend(o, order, LinePlan("3310", "1", "9000000.00"))
    with o.acts("lena") as lena, pytest.raises(WrongStep, match="drafted anew since you looked"):
        order.refresh_from_db()
        orders.approve_order(actor=lena, order=order, drafted=1)


def test_nothing_is_committed_without_an_approved_order(film: Film) -> None:
    """Whatever the accountant writes by raw SQL: an order of nobody, and more than was approved."""
    w = words(film)
    o = office(film)
    order = o.opened(LinePlan("3310", "1", "100.00"))
    with o.acts():
        (line,) = selectors.committed_lines(film.production, [order])[order.pk]
    for commitment, sentence in (
        (None, "would have 50.0000 committed, and 0"),
        (line.commitment_id, "would have 150.0000 committed, and 100"),
    ):
        with role("web"), pytest.raises(DatabaseError, match=sentence), acting(film, "amir"):
            named = commitment or stray(w)
            write_batch(w, postings=[ordered(w, named, Decimal(50))])

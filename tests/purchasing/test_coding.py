"""Segments on their way: typed on an order's line, committed, relieved, posted, corrected."""

from decimal import Decimal

import pytest
from django.db import DatabaseError

from access.errors import Invalid
from ledger import coding, corrections
from ledger import selectors as ledger
from ledger.coding import NewSegment
from ledger.corrections import Change, Reissued
from ledger.verify import verify_production
from purchasing import invoices, journals, orders
from purchasing.funds import FundPlan, open_fund, post_envelope
from purchasing.invoices import InvoicePlan
from purchasing.journals import JournalLine, JournalPlan
from purchasing.models import Entry, OrderLine
from purchasing.orders import LinePlan
from purchasing.papers import CostLine
from tests.factories import Film, role
from tests.ledger.raw_batches import query, words, write_batch
from tests.ledger.tampering import tampering
from tests.ledger.test_books import ordered
from tests.purchasing.office import DAY, Office, office

CAFE, NOLA = "set=CAFE", "location=NOLA"
BOTH = f"{NOLA} {CAFE}"


@pytest.fixture
def o(film: Film) -> Office:
    made = office(film)
    made.segment("set", "CAFE")
    made.segment("location", "NOLA")
    return made


def invoice(o: Office, *lines: CostLine, number: str = "INV-1") -> Entry:
    vendor = o.vendor()
    with o.acts() as amir:
        plan = InvoicePlan(o.unit, vendor, number, DAY, "USD", lines)
        return invoices.enter_invoice(actor=amir, production=o.film.production, plan=plan)


def coded(o: Office, book: int) -> dict[str, Decimal]:
    """segments -> the sum of a book's postings to accounts of costs."""
    with role("owner"):
        return dict(
            query(
                "SELECT p.segments, sum(p.amount) FROM ledger_posting p JOIN ledger_account a"
                " ON a.id = p.account_id AND a.statement = 'cost' WHERE p.production_id = %s"
                " AND p.book = %s GROUP BY 1 HAVING sum(p.amount) <> 0",
                o.film.production.pk, book,
            )
        )  # fmt: skip


def moved(o: Office, key: tuple[int, int], *changes: Change) -> tuple[int, int]:
    with o.acts() as amir:
        batch = corrections.change_distribution(
            actor=amir, production=o.film.production, key=key, day=DAY, reason="other set",
            changes=changes,
        )  # fmt: skip
    return batch.pk, 2


def test_an_orders_line_is_committed_and_relieved_as_it_is_coded(o: Office) -> None:
    order = o.opened(LinePlan("3310", "1", "100.00", "", "nola, cafe"))
    with role("owner"):
        assert OrderLine.objects.get(order=order).segments == BOTH
    assert coded(o, 2) == {BOTH: Decimal(100)}
    # What a cost is coded to is what its own line says, whatever was ordered.
    invoice(o, CostLine("3310", "40.00", "", order.number, 1, segments="cafe"))
    assert (coded(o, 1), coded(o, 2)) == ({CAFE: Decimal(40)}, {BOTH: Decimal(60)})
    with o.acts() as amir:
        orders.close_order(actor=amir, order=order, day=DAY, reason="returned early")
    assert coded(o, 2) == {}
    with role("owner"):
        assert verify_production(o.film.production).findings == []


def test_a_committed_line_keeps_its_segments_when_it_is_amended(o: Office) -> None:
    order = o.opened(LinePlan("3310", "1", "100.00", "", "cafe"))
    with (
        o.acts() as amir,
        pytest.raises(Invalid, match="Line 1, segments: it is committed on set=CAFE"),
    ):
        again = (LinePlan("3310", "1", "100.00", "", "nola"),)
        orders.amend_order(actor=amir, order=order, lines=again, reason="other place")
    with o.acts() as amir:
        order.refresh_from_db()
        more = (
            LinePlan("3310", "1", "130.00", "", "cafe"),
            LinePlan("3310", "1", "7.00", "", "nola"),
        )
        order = orders.amend_order(actor=amir, order=order, lines=more, reason="longer")
    o.approve_and_open(order)
    assert coded(o, 2) == {CAFE: Decimal(130), NOLA: Decimal(7)}


def test_a_line_that_was_taken_off_is_there_again_only_as_it_was_committed(o: Office) -> None:
    first, second = LinePlan("3310", "1", "9.00", "", "cafe"), LinePlan("3310", "1", "5.00")
    order = o.opened(first, second)

    def amended(*lines: LinePlan) -> None:
        with o.acts() as amir:
            order.refresh_from_db()
            draft = orders.amend_order(actor=amir, order=order, lines=lines, reason="again")
        o.approve_and_open(draft)

    amended(first)
    assert coded(o, 2) == {CAFE: Decimal(9)}
    with pytest.raises(Invalid, match="Line 2, segments: it is committed on none"):
        amended(first, LinePlan("3310", "1", "5.00", "", "nola"))
    with pytest.raises(Invalid, match="Line 2 is committed on 3310"):
        amended(first, LinePlan("3301", "1", "5.00"))
    # What is over is no order's; that the line is not in force any more is no fault of ours.
    vendor = o.vendor()
    with o.acts() as amir:
        costs = (CostLine("3310", "1.00", "", order.number, 2),)
        plan = InvoicePlan(o.unit, vendor, "INV-1", DAY, "USD", costs, accepts_over=True)
        invoices.enter_invoice(actor=amir, production=o.film.production, plan=plan)
    assert coded(o, 2) == {CAFE: Decimal(9)}
    amended(first, second)
    assert coded(o, 2) == {CAFE: Decimal(9), "": Decimal(5)}


def test_papers_are_coded_line_by_line(o: Office) -> None:
    invoice(o, CostLine("3310", "1.00", segments="cafe"), CostLine("3310", "2.00"))
    with o.acts() as amir:
        production = o.film.production
        legs = (
            JournalLine("3310", debit="4.00", segments="nola"),
            JournalLine("3301", credit="4.00"),
        )
        journals.enter_journal(
            actor=amir, production=production, cost_centers=list(o.centers.values()),
            plan=JournalPlan(o.unit, DAY, "USD", "accrual", legs, "JE-1"),
        )  # fmt: skip
        fund = FundPlan(o.unit, o.centers["CAM"], "card", "Cho", "USD", "1000.00")
        card = open_fund(actor=amir, production=production, plan=fund)
        receipts = (CostLine("3310", "8.00", segments=BOTH),)
        post_envelope(actor=amir, fund=card, number="E-1", day=DAY, lines=receipts)
    assert coded(o, 1) == {
        CAFE: Decimal(1), NOLA: Decimal(4), BOTH: Decimal(8), "": Decimal(2) - Decimal(4),
    }  # fmt: skip


@pytest.mark.parametrize("text", ["bar", "set=bar", "episode=101", "cafe set=other"])
def test_a_line_coded_to_what_there_is_not_is_refused_and_leaves_nothing(
    o: Office, text: str
) -> None:
    o.vendor()
    before = o.traces()
    with pytest.raises(Invalid, match="Line 2, segments: "):
        invoice(o, CostLine("3310", "1.00"), CostLine("3310", "2.00", segments=text))
    with pytest.raises(Invalid, match="Line 1, segments: "):
        o.draft(LinePlan("3310", "1", "1.00", "", text))
    assert o.traces() == before


def test_a_code_that_is_retired_is_named_no_more_and_stays_where_it_is(o: Office) -> None:
    entry = invoice(o, CostLine("3310", "5.00", segments="cafe"))
    with o.acts() as amir:
        cafe = ledger.segments(o.film.production).get(code="CAFE")
        coding.use_segment(actor=amir, segment=cafe, is_active=False)
    with pytest.raises(Invalid, match="set CAFE is not in use any more"):
        invoice(o, CostLine("3310", "1.00", segments="cafe"), number="INV-2")
    with o.acts() as amir:
        corrections.reverse_document(
            actor=amir, production=o.film.production, key=(entry.batch_id, 1), day=DAY, reason="x"
        )
    assert coded(o, 1) == {}


def test_what_carries_a_retired_code_keeps_it_when_it_is_amended_or_moved(o: Office) -> None:
    order = o.opened(LinePlan("3310", "1", "9.00", "", "cafe"))
    entry = invoice(o, CostLine("3310", "5.00", segments="cafe"))
    with o.acts() as amir:
        cafe = ledger.segments(o.film.production).get(code="CAFE")
        coding.use_segment(actor=amir, segment=cafe, is_active=False)
    with o.acts() as amir, pytest.raises(Invalid, match="Line 2, segments: set CAFE is not in use"):
        lines = (LinePlan("3310", "1", "10.00", "", "cafe"),) * 2
        orders.amend_order(actor=amir, order=order, lines=lines, reason="longer")
    with o.acts() as amir:
        order.refresh_from_db()
        order = orders.amend_order(actor=amir, order=order, lines=lines[:1], reason="longer")
    o.approve_and_open(order)
    assert coded(o, 2) == {CAFE: Decimal(10)}
    moved(o, (entry.batch_id, 1), Change(1, "3310", segments="set=cafe nola"))
    assert coded(o, 1) == {BOTH: Decimal(5)}


def test_a_distribution_change_moves_a_cost_to_other_segments_and_nothing_else(o: Office) -> None:
    # In a cost centre that is not the account's own, where it stays.
    with o.acts() as amir:
        legs = (
            JournalLine("3310", debit="9.00", cost_center="ART", segments="cafe"),
            JournalLine("3301", credit="9.00"),
        )
        entry = journals.enter_journal(
            actor=amir, production=o.film.production, cost_centers=list(o.centers.values()),
            plan=JournalPlan(o.unit, DAY, "USD", "accrual", legs, "JE-1"),
        )  # fmt: skip
    key = moved(o, (entry.batch_id, 1), Change(1, "3310", segments="nola"))
    assert coded(o, 1)[NOLA] == 9
    with role("owner"):
        found = query(
            "SELECT c.code, p.segments FROM ledger_posting p JOIN taxonomy_costcenter c"
            " ON c.id = p.cost_center_id WHERE p.batch_id = %s AND p.transaction_number = 2"
            " ORDER BY p.line_no", key[0],
        )  # fmt: skip
    assert found == [("ART", NOLA), ("CAM", "")]
    key = moved(o, key, Change(3, "3310", segments=""))
    assert NOLA not in coded(o, 1)
    with pytest.raises(Invalid, match="every line stays where it was"):
        moved(o, key, Change(3, "3310", segments=" "))


def test_what_is_reissued_is_coded_as_it_was(o: Office) -> None:
    with o.acts() as amir:
        legs = (
            JournalLine("3310", debit="9.00", segments="cafe"),
            JournalLine("3301", credit="9.00"),
        )
        entry = journals.enter_journal(
            actor=amir, production=o.film.production, cost_centers=list(o.centers.values()),
            plan=JournalPlan(o.unit, DAY, "USD", "accrual", legs, "JE-1"),
        )  # fmt: skip
        corrections.reissue_document(
            actor=amir, production=o.film.production, key=(entry.batch_id, 1), day=DAY,
            reason="typo", now=Reissued(description="accrual of week 2"),
        )  # fmt: skip
    assert coded(o, 1)[CAFE] == 9


def test_raw_sql_cannot_commit_or_relieve_what_an_order_is_not_coded_to(o: Office) -> None:
    order = o.opened(LinePlan("3310", "1", "100.00", "", "cafe"))
    w = words(o.film)
    with role("owner"):
        ((commitment, line),) = query(
            "SELECT x.commitment_id, l.id FROM purchasing_ordercommitment x"
            " JOIN purchasing_orderline l ON l.order_id = x.order_id WHERE x.order_id = %s",
            order.pk,
        )
    refused = pytest.raises(DatabaseError, match="segments of the order it names")
    for wrong in ("", NOLA, BOTH):
        relief = {**ordered(w, commitment, Decimal(-5), "relieved"), "segments": wrong}
        with role("web"), refused, o.acts():
            write_batch(w, postings=[relief])
    with role("web"), o.acts():
        right = {**ordered(w, commitment, Decimal(-5), "relieved"), "segments": CAFE}
        write_batch(w, postings=[{"amount": Decimal(5)}, right])
    with role("web"), o.acts(), pytest.raises(DatabaseError, match="denied"):
        query("UPDATE purchasing_orderline SET segments = '' WHERE id = %s", line)


def test_one_row_is_not_read_as_two_whatever_its_segments_say(o: Office) -> None:
    entry = invoice(
        o, CostLine("3310", "1.00", segments="cafe"), CostLine("3310", "2.00", segments="nola")
    )
    with tampering():
        ((first,),) = query(
            "SELECT journal.posting_line(p) FROM ledger_posting p"
            " WHERE batch_id = %s AND line_no = 1", entry.batch_id,
        )  # fmt: skip
        query("ALTER TABLE ledger_posting DROP CONSTRAINT posting_segments_form")
        query("DELETE FROM ledger_posting WHERE batch_id = %s AND line_no = 1", entry.batch_id)
        both = f"{first.removeprefix('P3')}\nP3{NOLA}"
        query("UPDATE ledger_posting SET segments = %s WHERE batch_id = %s", both, entry.batch_id)
        query(
            "UPDATE ledger_batchtotal SET lines = 1, amount = 2 * sign(amount),"
            " base_amount = 2 * sign(amount) WHERE batch_id = %s", entry.batch_id,
        )  # fmt: skip
        found = {f.record for f in verify_production(o.film.production).findings}
    assert found == {f"posting {entry.batch_id}/1", f"posting {entry.batch_id}/2"}


def test_a_row_that_has_no_line_is_not_passed_over(o: Office) -> None:
    entry = invoice(o, CostLine("3310", "1.00"))
    with tampering():
        query("ALTER TABLE ledger_posting ALTER segments DROP NOT NULL")
        query(
            "INSERT INTO ledger_posting SELECT (jsonb_populate_record(p,"
            " '{\"line_no\": 2, \"segments\": null}')).*"
            " FROM ledger_posting p WHERE p.batch_id = %s", entry.batch_id,
        )  # fmt: skip
        query(
            "UPDATE ledger_batchtotal SET lines = 2, amount = 2 * amount,"
            " base_amount = 2 * base_amount WHERE batch_id = %s", entry.batch_id,
        )  # fmt: skip
        found = {f.record for f in verify_production(o.film.production).findings}
    assert f"posting {entry.batch_id}/2" in found


@pytest.mark.parametrize(
    ("kind", "code", "name", "sentence"),
    [
        ("stage", "A", "Stage A", "Line 2, kind: expected one of episode, location"),
        ("set", "", "No code", "Line 2, code: expected up to 16"),
        ("set", "A B", "A space", "Line 2, code: expected up to 16"),
        ("set", "-A", "A dash first", "Line 2, code: expected up to 16"),
        ("set", "A" * 17, "Too long", "Line 2, code: expected up to 16"),
        ("set", "A=B", "A sign", "Line 2, code: expected up to 16"),
        ("set", "ß", "No letter of ours", "Line 2, code: expected up to 16"),
        ("set", "cafe", "There already", "Line 2, code: set CAFE is there already"),
        ("Location", "bar", "Twice", "Line 2, code: location BAR is there already"),
        ("set", "BAR", " ", "Line 2, name: expected 1 to 120 characters, found 0"),
        ("set", "BAR", "x" * 121, "Line 2, name: expected 1 to 120 characters, found 121"),
    ],
)
def test_a_code_that_is_none_is_refused_in_words_and_leaves_nothing(
    o: Office, kind: str, code: str, name: str, sentence: str
) -> None:
    before = o.traces()
    rows = [NewSegment("location", "BAR", "A bar"), NewSegment(kind, code, name)]
    with o.acts() as amir, pytest.raises(Invalid, match=sentence):
        coding.add_segments(actor=amir, production=o.film.production, rows=rows)
    assert o.traces() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_segment SET code = 'BAR'",
        "UPDATE ledger_segment SET kind = 'set'",
        "DELETE FROM ledger_segment",
        "TRUNCATE ledger_segment",
    ],
)
def test_a_code_stays_what_it_was_even_by_raw_sql(o: Office, statement: str) -> None:
    with o.acts(), pytest.raises(DatabaseError, match=r"denied|refused"):
        query(statement)


def test_only_who_enters_costs_adds_or_retires_a_code(o: Office) -> None:
    kept = "SELECT count(*) FROM ledger_segment WHERE is_active"
    with role("owner"):
        before = query(kept)
    with o.acts("cho"):
        query("UPDATE ledger_segment SET is_active = false")
    with o.acts("cho") as cho, pytest.raises(DatabaseError, match="row-level security"):
        rows = [NewSegment("set", "BAR", "Bar")]
        coding.add_segments(actor=cho, production=o.film.production, rows=rows)
    with role("owner"):
        assert query(kept) == before

"""Files of vendor invoices: each entered whole, and what its lines name relieved of its orders."""

from decimal import Decimal
from typing import Any

import pytest

from ingestion.models import ImportBatch
from purchasing import selectors
from purchasing.models import Entry, PurchaseOrder
from purchasing.orders import LinePlan
from tests.factories import Film, import_data, role
from tests.ingestion.books import codes, counts, decide, held, table
from tests.ingestion.test_papers import received_rows, whole
from tests.purchasing.office import Office, office

HEADER = "Invoice #,Vendor,Invoice Date,PO #,PO Line,Final,Account,Description,Amount,Due Date"


@pytest.fixture
def desk(film: Film) -> Office:
    return office(film)


def invoices(film: Film, rows: list[str], **asked: Any) -> ImportBatch:
    return import_data(film, table(HEADER, rows), source="ap-invoices", **asked)


def entered(film: Film) -> list[tuple[str, str, Decimal, str]]:
    """(vendor, number, total, due) of every invoice, in order."""
    rows = Entry.objects.filter(production=film.production, kind="invoice").order_by("pk")
    return [(str(e.vendor), e.number, e.total, str(e.due_on)) for e in rows]


def standing(order: PurchaseOrder) -> list[tuple[Decimal, Decimal, Decimal]]:
    """(relieved, cancelled, open) of each of its lines."""
    with role("owner"):
        lines = selectors.committed_lines(order.production, [order])[order.pk]
    return [(x.standing.relieved, x.standing.cancelled, x.standing.open) for x in lines]


def money(*amounts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, amounts))


def test_an_invoice_file_relieves_the_orders_its_lines_name(film: Film, desk: Office) -> None:
    order = desk.opened(LinePlan("3310", "1", "1000.00"), LinePlan("3301", "1", "400.00"))
    batch = invoices(film, [
        f"INV-1,Panavision,2026-01-14,{order.number},1,,3310,lenses,250.00,2026-02-01",
        f"INV-1,,,{order.number.lower()},,yes,3301,operator,380.00,",  # the one line on its account
        "INV-1,,,,,,3310,freight,20.00,",
        "INV-2,Panavision,2026-01-15,,,,3310,filters,75.50,",
    ])  # fmt: skip
    assert (counts(batch), batch.state) == ((4, 4, 0, 0), "posted")
    assert standing(order) == [money("250", "0", "750"), money("380", "20", "0")]
    assert entered(film) == [
        ("Panavision", "INV-1", Decimal("650.00"), "2026-02-01"),
        ("Panavision", "INV-2", Decimal("75.50"), "2026-02-14"),  # by the vendor's terms
    ]
    assert received_rows(film, "INV-1").count("INV-1") == 3
    assert whole(film)


def test_invoices_sent_again_are_duplicates_and_changed_ones_conflicts(
    film: Film, desk: Office
) -> None:
    order = desk.opened(LinePlan("3310", "1", "1000.00"))
    row = f"INV-1,Panavision,2026-01-14,{order.number},1,,3310,lenses,250.00,"
    assert invoices(film, [row]).posted == 1
    again = invoices(film, [row, "INV-9,Panavision,2026-01-14,,,,3310,gels,5.00,"], name="2.csv")
    assert counts(again) == (2, 1, 1, 0)
    other = invoices(film, [row.replace(",1,,", ",1,yes,")], name="3.csv")
    assert (counts(other), codes(film)) == ((1, 0, 0, 1), {1: ["E_CONFLICT"]})
    assert standing(order) == [money("250", "0", "750")]


def test_two_vendors_may_send_the_same_number_in_one_file(film: Film, desk: Office) -> None:
    for vendor in ("Panavision", "Technicolor"):
        desk.vendor(vendor)
    batch = invoices(film, [
        "1001,Panavision,2026-01-14,,,,3310,lenses,250.00,",
        "1001,Technicolor,2026-01-15,,,,3310,dailies,90.00,",
        "1001,Panavision,,,,,3310,more lenses,10.00,",
    ])  # fmt: skip
    assert counts(batch) == (3, 1, 0, 2), "one vendor's rows stand in two places: held"
    batch = invoices(film, [
        "1001,Panavision,2026-01-14,,,,3310,lenses,250.00,",
        "1001,Technicolor,2026-01-15,,,,3310,dailies,90.00,",
    ], name="2.csv")  # fmt: skip
    assert counts(batch) == (2, 1, 1, 0), held(film)[-1].violations
    assert [e[:3] for e in entered(film)] == [
        ("Technicolor", "1001", Decimal("90.00")), ("Panavision", "1001", Decimal("250.00")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "field", "code", "says"),
    [
        ("I,Nobody Ltd,2026-01-14,,,,3310,x,5.00,", "vendor", "E_VENDOR", "Nobody Ltd"),
        ("I,Panavision,2026-01-14,PO-404,1,,3310,x,5.00,", "row", "E_REFUSED", "PO-404"),
        ("I,Panavision,2026-01-14,{po},first,,3310,x,5.00,", "order_line", "E_LINE", "first"),
        ("I,Panavision,2026-01-14,{po},0,,3310,x,5.00,", "order_line", "E_LINE", "0"),
        ("I,Panavision,2026-01-14,{po},7,,3310,x,5.00,", "row", "E_REFUSED", "no line 7"),
        ("I,Panavision,2026-01-14,{po},,,2220,x,5.00,", "row", "E_REFUSED", "0 lines on 2220"),
        ("I,Panavision,2026-01-14,{po},1,perhaps,3310,x,5.00,", "is_final", "E_KIND", "perhaps"),
        ("I,Panavision,2026-01-14,,2,,3310,x,5.00,", "order", "E_ORDER", ""),
        ("I,Panavision,2026-01-14,{po},1,,3310,x,5.00,soon", "due_on", "E_DATE", "soon"),
        ("I,Panavision,2026-01-14,{po},1,,3310,x,1000.01,", "row", "E_OVER_RELIEF", "1,000.00"),
        (",Panavision,2026-01-14,,,,3310,x,5.00,", "reference", "E_NUMBER", ""),
    ],
)
def test_an_invoice_that_is_not_right_is_held_with_the_reason(
    film: Film, desk: Office, row: str, field: str, code: str, says: str
) -> None:
    order = desk.opened(LinePlan("3310", "1", "1000.00"))
    batch = invoices(film, [row.format(po=order.number)])
    assert counts(batch) == (1, 0, 0, 1)
    (fault,) = held(film)[0].violations
    assert (fault["field"], fault["code"]) == (field, code)
    assert says in fault["found"]
    assert entered(film) == []
    assert standing(order) == [money("0", "0", "1000")]


def test_an_invoice_put_right_at_the_desk_relieves_its_order(film: Film, desk: Office) -> None:
    order = desk.opened(LinePlan("3310", "1", "1000.00"))
    invoices(film, [
        f"INV-1,Panavision,2026-01-14,{order.number},9,,3310,lenses,250.00,",
        f"INV-1,,,{order.number},1,,3310,filters,50.00,",
    ])  # fmt: skip
    wrong, _ = held(film)
    assert decide(film, wrong, values={"order_line": "1"}).outcome == "posted"
    assert standing(order) == [money("300", "0", "700")]
    assert [e[:3] for e in entered(film)] == [("Panavision", "INV-1", Decimal("300.00"))]
    assert whole(film)

"""Invoices, payments and journals on the screen: entered, refused in words, paid, voided."""

import html
from datetime import timedelta
from decimal import Decimal as D

import pytest

from purchasing.orders import LinePlan
from purchasing.screens.fields import today
from tests.factories import Film
from tests.purchasing.desk import (
    HOSTILE,
    Browse,
    Values,
    fault_at,
    lines,
    posted,
    refused,
    text_of,
    url,
    value_of,
)
from tests.purchasing.office import Office, office

COST = {"account": "3310", "amount": "1,000.00", "description": "week 1"}


@pytest.fixture
def o(film: Film) -> Office:
    made = office(film)
    made.vendor("Panavision")
    return made


def invoice(*rows: dict[str, str], **other: str) -> Values:
    form = {
        "vendor": "Panavision", "number": "A-1", "dated": "2026-01-14", "due_on": "",
        "currency": "USD", "unit": "MAIN", "description": "Week 1",
    }  # fmt: skip
    return {**form, **lines(*(rows or (COST,))), **other}


def enter(film: Film, browse: Browse, *rows: dict[str, str], **other: str) -> str:
    return posted(browse("amir").post(url(film, "invoice_new"), invoice(*rows, **other)))


def row_of(film: Film, browse: Browse, query: str = "") -> list[dict[str, str]]:
    rows: list[dict[str, str]] = browse("amir").get(url(film, "invoices") + query).context["papers"]
    return rows


def test_an_invoice_relieves_its_order_and_is_paid_in_two_parts(
    o: Office, film: Film, browse: Browse
) -> None:
    order = o.opened(LinePlan("3310", "1", "1500.00"))
    amir = browse("amir")
    where = enter(film, browse, {**COST, "order": order.number, "order_line": "1"})
    assert o.standing(order) == [(1500, 1000, 500, 0)]
    page = amir.get(where)
    assert page.context["paper"]["status"] == "posted"
    assert amir.get(page.context["document_url"]).status_code == 200
    moves = amir.get(url(film, "order", order.number)).context["moves"]
    assert [(m["what"], m["reference"], m["amount"]) for m in moves] == [
        ("Ordered", order.number, "1,500.00"), ("Relieved", "A-1", "1,000.00"),
    ]  # fmt: skip
    whom = amir.get(url(film, "payment_new")).context["vendors"]
    assert [(v["name"], v["open"]) for v in whom] == [("Panavision", "1,000.00")]
    form = amir.get(whom[0]["url"])
    (row,) = form.context["rows"]
    assert value_of(form, row["field"]["name"]) == "1000.00"
    part = {"number": "W-1", "day": "2026-01-20", row["tick"]: "yes", row["field"]["name"]: "400"}
    paid = posted(amir.post(whom[0]["url"], part))
    assert row_of(film, browse)[0]["status"] == "part paid"
    assert amir.get(paid).context["settled_with"][0]["amount"] == "400.00"
    rest = {**part, "number": "W-2", row["field"]["name"]: "600.00"}
    posted(amir.post(whom[0]["url"], rest))
    assert [r["status"] for r in row_of(film, browse)] == ["paid"]
    assert o.balances() == {("3310", "USD"): D(1000), ("0100", "USD"): D(-1000)}
    refused(amir.post(whom[0]["url"], rest), 409, "Payment W-2 of Panavision was entered by Amir")


def test_a_cost_above_its_order_is_refused_until_the_overage_is_accepted(
    o: Office, film: Film, browse: Browse
) -> None:
    order = o.opened(LinePlan("3310", "1", "800.00"))
    amir, row = browse("amir"), {**COST, "order": order.number, "order_line": "1"}
    assert "Accept the overage" not in text_of(amir.get(url(film, "invoice_new")))
    page = amir.post(url(film, "invoice_new"), invoice(row))
    refused(page, 409, "200.00 USD over")
    assert "over" in fault_at(page, "order-0")
    assert "Accept the overage" in text_of(page)
    assert value_of(page, "amount-0") == "1,000.00"
    where = posted(amir.post(url(film, "invoice_new"), invoice(row, accepts_over="yes")))
    assert amir.get(where).context["paper"]["total"] == "1,000.00"
    assert o.standing(order) == [(800, 800, 0, 0)]


def test_a_final_line_cancels_what_is_left_of_its_order(
    o: Office, film: Film, browse: Browse
) -> None:
    order = o.opened(LinePlan("3310", "1", "1500.00"))
    row = {**COST, "order": order.number.lower(), "order_line": "1", "is_final": "yes"}
    enter(film, browse, row)
    assert o.standing(order) == [(1500, 1000, 0, 500)]
    assert o.status(order) == "closed"


def test_an_invoice_sent_twice_is_posted_once_and_the_first_is_offered(
    o: Office, film: Film, browse: Browse
) -> None:
    where = enter(film, browse)
    before = o.traces()
    page = browse("amir").post(url(film, "invoice_new"), invoice())
    refused(page, 409, "was entered by Amir", "Nothing was posted twice")
    assert f'href="{where}"' in page.content.decode()
    assert "entered by Amir" in fault_at(page, "number")
    assert o.traces() == before


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"vendor": "Nobody"}, "vendor", "found Nobody"),
        ({"number": " "}, "number", "found nothing"),
        ({"number": "9" * 41}, "number", "at most 40"),
        ({"dated": "9999-12-31"}, "dated", "expected a day"),
        ({"due_on": "2026-01-01"}, "due_on", "on or after"),
        ({"currency": "us$"}, "currency", "currency code"),
        ({"account-0": "3300"}, "account-0", "only adds up"),
        ({"amount-0": "10.001"}, "amount-0", ""),
        ({"amount-0": "0"}, "amount-0", "other than zero"),
        ({"amount-0": "9" * 30}, "amount-0", ""),
        ({"order-0": "PO-0009", "order_line-0": "1"}, "order-0", "expected an open order"),
        ({"order-0": "PO-0009"}, "order_line-0", "found nothing"),
        ({"order_line-0": "1"}, "order-0", "found nothing"),
        ({"order_line-0": "one", "order-0": "PO-1"}, "order_line-0", "expected a line number"),
        ({"account-0": ""}, "account-0", "found nothing"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_invoice_is_said_at_its_field(
    o: Office, film: Film, browse: Browse, changed: Values, field: str, words: str
) -> None:
    before = o.traces()
    sent = invoice(**changed)
    page = browse("amir").post(url(film, "invoice_new"), sent)
    refused(page, 422)
    assert words.casefold() in fault_at(page, field).casefold()
    assert o.traces() == before
    for name, value in sent.items():
        if name != "unit":
            assert value_of(page, name) == value


def test_the_fault_of_a_line_stands_at_that_line_though_lines_above_are_empty(
    o: Office, film: Film, browse: Browse
) -> None:
    order = o.opened(LinePlan("3310", "1", "10.00"))
    sent = invoice({}, COST, {}, {**COST, "order": order.number, "order_line": "1"})
    page = browse("amir").post(url(film, "invoice_new"), sent)
    refused(page, 409, "Line 4")
    assert "over" in fault_at(page, "order-3")


def test_ageing_counts_what_is_open_by_days_past_due(o: Office, film: Film, browse: Browse) -> None:
    for number, late in (("A", -5), ("B", 0), ("C", 1), ("D", 30), ("E", 31), ("F", 60), ("G", 61)):
        due = (today() - timedelta(days=late)).isoformat()
        amount = {"amount": f"{10 + late if late > 0 else 10}.00"}
        enter(film, browse, {**COST, **amount}, number=number, due_on=due, dated="2026-01-14")
    page = browse("amir").get(url(film, "invoices"))
    (usd,) = page.context["ageing"]
    assert [f["amount"] for f in usd["figures"]] == ["20.00", "51.00", "111.00", "71.00"]
    assert usd["total"] == "253.00"
    listed = browse("amir").get(usd["figures"][2]["url"]).context["papers"]
    assert [p["number"] for p in listed] == ["F", "E"]
    assert [p["number"] for p in row_of(film, browse, "?status=paid")] == []
    for query in ("?age=90", "?status=lost", "?currency=XXX1", "?from=x", "?vendor=0"):
        assert browse("amir").get(url(film, "invoices") + query).status_code == 404


def test_a_paid_invoice_is_voided_after_its_payment_with_a_reason(
    o: Office, film: Film, browse: Browse
) -> None:
    amir = browse("amir")
    where = enter(film, browse)
    form = amir.get(amir.get(url(film, "payment_new")).context["vendors"][0]["url"])
    (row,) = form.context["rows"]
    pay = {"number": "W-1", "day": "2026-01-20", row["tick"]: "yes",
           row["field"]["name"]: "1000.00"}  # fmt: skip
    paid = posted(amir.post(form.request["PATH_INFO"] + "?" + form.request["QUERY_STRING"], pay))
    sent = {"day": "2026-01-21", "reason": "wrong vendor"}
    page = amir.post(where + "void/", sent)
    refused(page, 409, "is paid (1,000.00 USD): void the payment first")
    assert value_of(page, "reason") == "wrong vendor"
    refused(amir.post(paid + "void/", {**sent, "reason": " "}), 422, "expected why")
    posted(amir.post(paid + "void/", sent))
    posted(amir.post(where + "void/", sent))
    page = amir.get(where)
    assert page.context["paper"]["status"] == "void"
    assert amir.get(page.context["back"]["url"]).status_code == 200
    refused(amir.post(where + "void/", sent), 409, "reversed already")
    assert o.balances() == {}


def test_payments_that_cannot_be_are_refused_with_the_ticks_kept(
    o: Office, film: Film, browse: Browse
) -> None:
    amir = browse("amir")
    enter(film, browse)
    address = amir.get(url(film, "payment_new")).context["vendors"][0]["url"]
    (row,) = amir.get(address).context["rows"]
    pay = {"number": "W-1", "day": "2026-01-20", row["tick"]: "yes", row["field"]["name"]: "1000"}
    page = amir.post(address, {**pay, row["field"]["name"]: "1000.01"})
    refused(page, 422, "has 1,000.00 USD open", "Pay at most what is open")
    assert page.context["rows"][0]["is_ticked"]
    assert value_of(page, "number") == "W-1"
    assert fault_at(amir.post(address, {**pay, row["field"]["name"]: "x"}), row["field"]["name"])
    assert fault_at(amir.post(address, {**pay, "number": ""}), "number")
    refused(amir.post(address, {"number": "W-1", "day": "2026-01-20"}), 422, "Tick at least one")
    refused(amir.post(address, {**pay, "bank": "9999"}), 422)
    assert amir.get(url(film, "payment_new") + "?vendor=999999999").status_code == 404


JOURNAL = ({"account": "3310", "debit": "70.00"}, {"account": "2220", "credit": "70.00"})


def journal(*rows: dict[str, str], **other: str) -> Values:
    form = {"number": "JE-0001", "day": "2026-01-14", "currency": "USD", "unit": "MAIN",
            "description": "Lenses to camera"}  # fmt: skip
    return {**form, **lines(*(rows or JOURNAL)), **other}


def test_a_journal_is_posted_under_the_next_number_and_once(
    o: Office, film: Film, browse: Browse
) -> None:
    amir = browse("amir")
    assert value_of(amir.get(url(film, "journal_new")), "number") == "JE-0001"
    where = posted(amir.post(url(film, "journal_new"), journal()))
    assert o.balances() == {("3310", "USD"): D(70), ("2220", "USD"): D(-70)}
    page = amir.post(url(film, "journal_new"), journal())
    refused(page, 409, "Journal JE-0001 was entered by Amir")
    assert f'href="{where}"' in page.content.decode()
    assert value_of(amir.get(url(film, "journal_new")), "number") == "JE-0002"
    (row,) = amir.get(url(film, "journals")).context["papers"]
    assert (row["number"], row["description"], row["total"]) == (
        "JE-0001", "Lenses to camera", "70.00",
    )  # fmt: skip


def test_a_journal_out_of_balance_is_refused_by_exactly_how_much(
    o: Office, film: Film, browse: Browse
) -> None:
    rows = ({"account": "3310", "debit": "70.00"}, {"account": "2220", "credit": "69.95"})
    page = browse("amir").post(url(film, "journal_new"), journal(*rows))
    refused(page, 422, "found 0.05 USD more debits")
    assert page.context["difference"] == "0.05"
    assert value_of(page, "credit-1") == "69.95"
    page = browse("amir").post(url(film, "journal_new"), journal(*rows, add="lines"))
    assert page.status_code == 200
    assert [c["total"] for c in page.context["grid"]["columns"] if c["is_sum"]] == [
        "70.00", "69.95",
    ]  # fmt: skip
    assert o.balances() == {}


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"debit-0": ""}, "debit-0", "found both or neither"),
        ({"credit-0": "1.00"}, "debit-0", "found both or neither"),
        ({"account-1": "0100"}, "cost_center-1", "Name the cost centre"),
        ({"account-1": "0100", "cost_center-1": "XXX"}, "cost_center-1", "expected a cost centre"),
        ({"description": ""}, "description", "found nothing"),
        ({"account-1": "1"}, "account-1", "expected an account"),
        ({"credit-1": "1.2.3"}, "credit-1", ""),
    ],
)
def test_what_is_wrong_with_a_journal_is_said_at_its_field(
    o: Office, film: Film, browse: Browse, changed: Values, field: str, words: str
) -> None:
    page = browse("amir").post(url(film, "journal_new"), journal(**changed))
    refused(page, 422)
    assert words.casefold() in fault_at(page, field).casefold()
    assert o.balances() == {}


def test_heads_read_the_own_papers_and_no_others(o: Office, film: Film, browse: Browse) -> None:
    camera = enter(film, browse)
    art = enter(film, browse, {**COST, "account": "2220"}, number="A-2")
    both = enter(film, browse, COST, {**COST, "account": "2220"}, number="A-3")
    cho = browse("cho")
    assert [p["number"] for p in cho.get(url(film, "invoices")).context["papers"]] == ["A-1"]
    page = cho.get(camera)
    assert page.status_code == 200
    assert not page.context["may_void"]
    assert cho.get(page.context["document_url"]).status_code == 200
    for where in (art, both):
        assert cho.get(where).status_code == 404
    assert cho.post(camera + "void/").status_code == 404
    assert browse("lena").get(both).status_code == 200
    for person in ("cho", "lena", "otto"):
        for name in ("invoice_new", "payment_new", "journal_new"):
            assert browse(person).get(url(film, name)).status_code == 404
            assert browse(person).post(url(film, name), invoice()).status_code == 404


def test_a_hostile_name_is_text_on_every_page_of_papers(
    o: Office, film: Film, browse: Browse
) -> None:
    o.vendor(HOSTILE)
    amir = browse("amir")
    where = enter(film, browse, {**COST, "description": HOSTILE}, vendor=HOSTILE,
                  number=HOSTILE[:40], description=HOSTILE)  # fmt: skip
    wrong = amir.post(url(film, "invoice_new"), invoice(vendor=HOSTILE + "x"))
    note = posted(amir.post(url(film, "journal_new"), journal(description=HOSTILE)))
    whom = amir.get(url(film, "payment_new"))
    pages = [wrong, amir.get(where), amir.get(url(film, "invoices")), whom,
             amir.get(whom.context["vendors"][0]["url"]), amir.get(url(film, "journals")),
             amir.get(amir.get(where).context["document_url"])]  # fmt: skip
    for page in (*pages, amir.get(note)):
        shown = page.content.decode()
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
    for page in pages:
        assert html.escape(HOSTILE[:30]) in page.content.decode()

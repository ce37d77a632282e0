"""Orders on the screen: drafted, approved by somebody else, opened, amended; and refused."""

import html

import pytest

from purchasing.orders import LinePlan
from tests.factories import Film
from tests.purchasing.desk import (
    HOSTILE,
    Browse,
    Values,
    alert,
    fault_at,
    lines,
    posted,
    refused,
    text_of,
    url,
    value_of,
)
from tests.purchasing.office import Office, office

LINE = {"account": "3310", "quantity": "2", "rate": "1,500.00", "description": "camera, weeks"}


@pytest.fixture
def o(film: Film) -> Office:
    made = office(film)
    made.vendor("Panavision")
    return made


def asked(**other: str) -> Values:
    form = {
        "vendor": "panavision", "cost_center": "CAM", "kind": "purchase", "unit": "MAIN",
        "currency": "USD", "ordered_on": "2026-01-14", "description": "Camera package",
    }  # fmt: skip
    return {**form, **lines(LINE), **other}


def test_an_order_goes_from_the_form_through_approval_to_open(
    o: Office, film: Film, browse: Browse
) -> None:
    amir, lena = browse("amir"), browse("lena")
    page = amir.get(url(film, "order_new"))
    assert value_of(page, "currency") == "USD"
    where = posted(amir.post(url(film, "order_new"), asked()))
    assert where == url(film, "order", "PO-0001")
    page = amir.get(where)
    assert "PO-0001 is drafted" in text_of(page)
    refused(amir.post(url(film, "order_approve", "PO-0001")), 409, "somebody else approves it")
    assert "Approve" in text_of(lena.get(where))
    posted(lena.post(url(film, "order_approve", "PO-0001")))
    step = url(film, "order_step", "PO-0001")
    posted(amir.post(step, {"step": "open", "day": "2026-01-14"}))
    page = amir.get(where)
    assert page.context["lines"][0]["open"] == "3,000.00"
    assert [m["what"] for m in page.context["moves"]] == ["Ordered"]
    opened = amir.get(page.context["moves"][0]["url"])
    assert opened.status_code == 200
    row = amir.get(url(film, "orders")).context["orders"][0]
    assert (row["state"], row["ordered"], row["open"]) == ("open", "3,000.00", "3,000.00")
    assert row["holder"] == "Panavision"
    found = amir.get(url(film, "orders") + "?state=closed").context["orders"]
    assert found == []


def test_an_amendment_shows_was_and_is_and_is_approved_again(
    o: Office, film: Film, browse: Browse
) -> None:
    order = o.opened(LinePlan("3310", "2", "1500.00", "weeks"))
    amir = browse("amir")
    form = amir.get(url(film, "order_amend", order.number))
    assert value_of(form, "rate-0") == "1500.00"
    sent = {**lines({**LINE, "quantity": "3"}, {"account": "3310", "quantity": "1", "rate": "80"}),
            "reason": "one week more"}  # fmt: skip
    posted(amir.post(url(film, "order_amend", order.number), sent))
    page = amir.get(url(film, "order", order.number))
    newest = page.context["versions"][0]
    assert [row["change"] for row in newest["rows"]] == ["Changed", "New"]
    assert (newest["rows"][0]["was"]["amount"], newest["rows"][0]["now"]["amount"]) == (
        "3,000.00", "4,500.00",
    )  # fmt: skip
    assert page.context["lines"][0]["open"] == "3,000.00", "in force until it is opened"
    posted(browse("lena").post(url(film, "order_approve", order.number)))
    back = {"reason": "too dear"}
    posted(browse("lena").post(url(film, "order_send_back", order.number), back))
    posted(amir.post(url(film, "order_step", order.number), {"step": "withdraw"}))
    assert o.status(order) == "open"


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"vendor": "Nobody Ltd"}, "vendor", "found Nobody Ltd"),
        ({"vendor": ""}, "vendor", "found nothing"),
        ({"ordered_on": "14.1.2026"}, "ordered_on", "expected a day such as"),
        ({"currency": "XXY"}, "currency", "expected a currency code"),
        ({"account-0": "9999"}, "account-0", "expected an account of the chart"),
        ({"account-0": "3300"}, "account-0", "only adds up other accounts"),
        ({"account-0": "0300"}, "account-0", "is no cost account"),
        ({"rate-0": "12,34"}, "rate-0", ""),
        ({"rate-0": ""}, "rate-0", "found nothing"),
        ({"rate-0": "-5.00"}, "account-0", "above zero"),
        ({"quantity-0": "two"}, "quantity-0", "expected a number above zero"),
        ({"kind": "rental"}, "rental_starts_on", "expected a day"),
        ({"kind": "rental", "rental_starts_on": "2026-01-20", "rental_ends_on": "2026-01-10"},
         "rental_ends_on", "before it starts"),
        ({"description": "x" * 2001}, "description", "at most 2000 characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_everything_typed_is_kept(
    o: Office, film: Film, browse: Browse, changed: Values, field: str, words: str
) -> None:
    before = o.traces()
    sent = asked(**changed)
    page = browse("amir").post(url(film, "order_new"), sent)
    refused(page, 422)
    assert words.casefold() in fault_at(page, field).casefold()
    assert o.traces() == before
    for name, value in sent.items():
        if name not in ("cost_center", "kind", "unit"):
            assert value_of(page, name) == value
    assert '<option value="CAM" selected>' in page.content.decode()


def test_all_that_is_wrong_is_said_at_once_with_links_to_the_fields(
    o: Office, film: Film, browse: Browse
) -> None:
    sent = asked(vendor="", currency="", **{"account-0": "1", "rate-0": "x"})
    page = browse("amir").post(url(film, "order_new"), sent)
    said = refused(page, 422, "4 fields want your attention", "Line 1, account", "Vendor")
    assert said.count("expected") + said.count("Expected") >= 3
    assert 'href="#f-account-0"' in page.content.decode()


def test_more_lines_are_added_without_a_script_and_nothing_is_posted(
    o: Office, film: Film, browse: Browse
) -> None:
    before = o.traces()
    page = browse("amir").post(url(film, "order_new"), asked(add="lines"))
    assert page.status_code == 200
    assert page.context["grid"]["count"] == 6
    assert value_of(page, "rate-0") == "1,500.00"
    assert o.traces() == before


def test_a_form_sent_twice_drafts_one_order_and_leads_to_it(
    o: Office, film: Film, browse: Browse
) -> None:
    amir = browse("amir")
    posted(amir.post(url(film, "order_new"), asked()))
    page = amir.post(url(film, "order_new"), asked())
    refused(page, 409, "PO-0001 is the very same order")
    assert f'href="{url(film, "order", "PO-0001")}"' in page.content.decode()
    posted(amir.post(url(film, "order_new"), asked(description="Another package")))


def test_a_step_out_of_turn_is_refused_on_the_orders_own_page(
    o: Office, film: Film, browse: Browse
) -> None:
    order = o.draft()
    step = url(film, "order_step", order.number)
    amir = browse("amir")
    refused(amir.post(step, {"step": "open", "day": "2026-01-14"}), 409, "is draft")
    refused(amir.post(step, {"step": "open", "day": "soon"}), 422, "Expected a day")
    page = amir.post(step, {"step": "void", "day": "2026-01-14", "reason": ""})
    refused(page, 422, "expected a reason")
    refused(amir.post(step, {"step": "fly"}), 422, "expected open")
    page = amir.get(url(film, "order", order.number))
    assert 'role="alert"' not in page.content.decode()
    posted(amir.post(step, {"step": "void", "day": "2026-01-14", "reason": "not wanted"}))
    assert o.status(order) == "void"


def test_a_head_reads_the_own_departments_orders_and_changes_none(
    o: Office, film: Film, browse: Browse
) -> None:
    camera = o.opened()
    art = o.opened(LinePlan("2220", "1", "50.00", "paint"), center="ART")
    cho = browse("cho")
    page = cho.get(url(film, "orders"))
    assert [row["number"] for row in page.context["orders"]] == [camera.number]
    assert url(film, "order_new") not in page.content.decode()
    own = cho.get(url(film, "order", camera.number))
    assert own.status_code == 200
    assert not any(own.context["steps"].values())
    assert cho.get(own.context["moves"][0]["url"]).status_code == 200
    for name in ("order", "order_amend"):
        assert cho.get(url(film, name, art.number)).status_code == 404
    assert cho.post(url(film, "order_approve", camera.number)).status_code == 404
    for person in ("otto", "bea"):
        assert browse(person).get(url(film, "orders")).status_code == 404


def test_a_vendor_is_added_once_and_refused_in_words(film: Film, browse: Browse) -> None:
    amir = browse("amir")
    sent = {"name": "Arri Rental", "tax_id": "12-345", "terms_days": "45"}
    posted(amir.post(url(film, "vendors"), sent))
    shown = amir.get(url(film, "vendors"))
    assert [v["terms"] for v in shown.context["vendors"]] == [45]
    again = amir.post(url(film, "vendors"), {**sent, "name": "ARRI rental"})
    refused(again, 422, "is a vendor already")
    assert value_of(again, "tax_id") == "12-345"
    for terms in ("400", "-1", "soon"):
        page = amir.post(url(film, "vendors"), {**sent, "name": "B", "terms_days": terms})
        assert fault_at(page, "terms_days")
    assert amir.post(url(film, "vendors"), {**sent, "name": " "}).status_code == 422
    assert amir.post(url(film, "vendors"), {**sent, "name": "x" * 121}).status_code == 422


def test_a_hostile_name_is_text_on_every_page_of_orders(
    o: Office, film: Film, browse: Browse
) -> None:
    amir = browse("amir")
    posted(amir.post(url(film, "vendors"), {"name": HOSTILE, "terms_days": "30"}))
    posted(amir.post(url(film, "order_new"), asked(vendor=HOSTILE, description=HOSTILE)))
    wrong = amir.post(url(film, "order_new"), asked(vendor=HOSTILE + "x"))
    pages = [amir.get(url(film, "orders")), amir.get(url(film, "order", "PO-0001")),
             amir.get(url(film, "vendors")), amir.get(url(film, "order_new")), wrong]  # fmt: skip
    for page in pages:
        shown = page.content.decode()
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert html.escape(HOSTILE) in shown
    assert "alert(1)" in alert(wrong)


def test_a_zero_character_and_a_huge_grid_are_no_fault_of_ours(
    o: Office, film: Film, browse: Browse
) -> None:
    amir = browse("amir")
    page = amir.post(url(film, "order_new"), asked(description="a\0b", lines="999999"))
    assert page.status_code in (302, 422)
    for count in ("-1", "1e9", "0", ""):
        page = amir.post(url(film, "order_new"), asked(lines=count, add="lines"))
        assert page.status_code == 200
        assert page.context["grid"]["count"] == 10
    assert amir.get(url(film, "orders") + "?state=nothing").status_code == 404
    assert amir.get(url(film, "orders") + "?after=%00").status_code == 200

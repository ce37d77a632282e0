"""Petty cash and cards on the screen: opened, advanced, spent, restored, returned, closed."""

import pytest

from tests.factories import Film
from tests.purchasing.desk import (
    HOSTILE,
    Browse,
    Values,
    fault_at,
    lines,
    posted,
    refused,
    url,
    value_of,
)
from tests.purchasing.office import Office, office

FUND = {
    "custodian": "Cho", "kind": "petty_cash", "cost_center": "CAM", "unit": "MAIN",
    "currency": "USD", "imprest": "500.00", "account": "",
}  # fmt: skip
ADVANCE = {"kind": "advance", "number": "ADV-1", "day": "2026-01-14", "amount": "500.00"}
RECEIPTS = {
    "number": "E-1", "day": "2026-01-15",
    **lines({"account": "3310", "amount": "120.00", "description": "filters"},
            {"account": "2220", "amount": "35.50", "description": "tape"}),
}  # fmt: skip


@pytest.fixture
def o(film: Film) -> Office:
    return office(film)


def opened(film: Film, browse: Browse, **other: str) -> str:
    return posted(browse("amir").post(url(film, "fund_new"), {**FUND, **other}))


def test_a_float_is_advanced_spent_restored_returned_and_closed(
    o: Office, film: Film, browse: Browse
) -> None:
    amir, where = browse("amir"), opened(film, browse)
    posted(amir.post(where + "move/", ADVANCE))
    envelope = posted(amir.post(where + "envelope/", RECEIPTS))
    assert amir.get(envelope).context["paper"]["total"] == "155.50"
    (row,) = amir.get(url(film, "funds")).context["funds"]
    assert (row["imprest"], row["held"], row["to_restore"]) == ("500.00", "344.50", "155.50")
    page = amir.get(where)
    assert [(p["number"], p["change"], p["held"]) for p in page.context["papers"]] == [
        ("E-1", "(155.50)", "344.50"), ("ADV-1", "500.00", "500.00"),
    ]  # fmt: skip
    restore = {**ADVANCE, "kind": "reimbursement", "number": "R-1", "amount": "155.50"}
    posted(amir.post(where + "move/", restore))
    refused(amir.post(where + "close/"), 409, "still holds 500.00 USD")
    posted(amir.post(where + "move/", {**restore, "kind": "return", "amount": "500.00"}))
    posted(amir.post(where + "close/"))
    assert amir.get(where).context["fund"]["state"] == "closed"
    refused(amir.post(where + "move/", {**ADVANCE, "number": "ADV-2"}), 409, "is closed")
    refused(amir.post(where + "close/"), 422, "closed already")


def test_a_move_or_an_envelope_sent_twice_is_posted_once(
    o: Office, film: Film, browse: Browse
) -> None:
    amir, where = browse("amir"), opened(film, browse)
    posted(amir.post(where + "move/", ADVANCE))
    page = amir.post(where + "move/", ADVANCE)
    refused(page, 409, "Advance ADV-1 was entered by Amir")
    assert value_of(page, "number") == "ADV-1"
    first = posted(amir.post(where + "envelope/", RECEIPTS))
    page = amir.post(where + "envelope/", RECEIPTS)
    refused(page, 409, "Envelope E-1 was entered by Amir")
    assert f'href="{first}"' in page.content.decode()
    assert value_of(page, "amount-1") == "35.50"


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"custodian": ""}, "custodian", "who holds it"),
        ({"imprest": "-5"}, "imprest", "above zero"),
        ({"imprest": "much"}, "imprest", ""),
        ({"currency": "dollars"}, "currency", "currency code"),
        ({"account": "3310"}, "account", "is a cost account"),
        ({"account": "77"}, "account", "expected an account of the chart"),
    ],
)
def test_what_is_wrong_with_a_fund_is_said_at_its_field(
    film: Film, browse: Browse, changed: Values, field: str, words: str
) -> None:
    sent = {**FUND, **changed}
    page = browse("amir").post(url(film, "fund_new"), sent)
    refused(page, 422)
    assert words.casefold() in fault_at(page, field).casefold()
    for name in ("custodian", "imprest", "currency", "account"):
        assert value_of(page, name) == sent[name]


def test_more_than_is_held_is_refused_and_the_receipts_are_kept(
    o: Office, film: Film, browse: Browse
) -> None:
    amir, where = browse("amir"), opened(film, browse)
    page = amir.post(where + "envelope/", RECEIPTS)
    refused(page, 409, "Envelope E-1 is 155.50 USD, Cho holds 0.00 USD")
    assert value_of(page, "description-0") == "filters"
    refused(amir.post(where + "move/", {**ADVANCE, "kind": "return"}), 409, "Cho holds 0.00 USD")
    page = amir.post(where + "move/", {**ADVANCE, "amount": "-5"})
    assert "above zero" in fault_at(page, "amount")
    for name, value in (("number", ""), ("day", "x"), ("amount", ""), ("kind", "gift")):
        page = amir.post(where + "move/", {**ADVANCE, name: value})
        assert fault_at(page, name)
    card = opened(film, browse, kind="card")
    posted(amir.post(card + "envelope/", RECEIPTS))
    assert amir.get(card).context["fund"]["held"] == "(155.50)"
    again = amir.post(url(film, "fund_new"), FUND)
    refused(again, 409, "Cho holds such a fund already")


def test_heads_see_the_own_funds_and_change_none(o: Office, film: Film, browse: Browse) -> None:
    camera = opened(film, browse)
    art = opened(film, browse, custodian=HOSTILE, cost_center="ART")
    cho = browse("cho")
    assert [f["custodian"] for f in cho.get(url(film, "funds")).context["funds"]] == ["Cho"]
    assert cho.get(camera).status_code == 200
    assert cho.get(art).status_code == 404
    for address in (camera + "move/", camera + "close/", camera + "envelope/"):
        assert cho.post(address, ADVANCE).status_code == 404
    shown = browse("lena").get(url(film, "funds")).content.decode()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert" in shown
    assert browse("lena").post(url(film, "fund_new"), FUND).status_code == 404

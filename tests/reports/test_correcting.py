"""Corrections on a document's page: taken back, reissued, moved; linked both ways; refused."""

import re

import pytest

from budgets.selectors import crossings
from ledger.models import Transaction
from purchasing.orders import LinePlan
from tests.budgets.films import budget_film, locked
from tests.factories import Cast, Film, acting, cost_line, cost_lines, import_data, role
from tests.purchasing.desk import (
    HOSTILE,
    Browse,
    alert,
    lines,
    posted,
    refused,
    text_of,
    url,
    value_of,
)
from tests.purchasing.office import Office, office

DAY = {"day": "2026-01-21", "reason": "wrong account"}


@pytest.fixture
def o(film: Film) -> Office:
    made = office(film)
    made.vendor("Panavision")
    return made


def imported(film: Film, **row: str) -> str:
    """The address of the document that one imported cost became."""
    batch = import_data(film, cost_lines([cost_line(1, **row)]))
    with role("web"), acting(film, "amir"):
        found = Transaction.objects.get(document_id=batch.document_id)
    return url(film, "transaction", f"{found.batch_id}-{found.number}")


def line_of(browse: Browse, where: str) -> int:
    number: int = browse("amir").get(where).context["corrections"]["lines"][0]["line_no"]
    return number


def labels(browse: Browse, where: str, person: str = "amir") -> list[str]:
    page = browse(person).get(where)
    assert page.status_code == 200
    return [link["label"] for link in page.context["corrections"]["links"]]


def test_a_document_is_reversed_once_and_both_pages_say_so(
    o: Office, film: Film, browse: Browse
) -> None:
    where, amir = imported(film), browse("amir")
    back = posted(amir.post(where + "reverse/", DAY))
    assert labels(browse, where) == ["Reversed by"]
    assert labels(browse, back) == ["Reverses"]
    assert amir.get(back).context["corrections"]["links"][0]["url"] == where
    assert not amir.get(where).context["corrections"]["may"]
    assert not amir.get(back).context["corrections"]["may"]
    refused(amir.post(where + "reverse/", DAY), 409, "was reversed already")
    refused(amir.post(back + "reverse/", DAY), 409, "takes another document back")
    assert o.balances() == {}


def test_a_cost_is_moved_and_was_and_is_stand_on_every_page_of_it(
    o: Office, film: Film, browse: Browse
) -> None:
    where, amir = imported(film), browse("amir")
    line = line_of(browse, where)
    sent = {**DAY, f"account-{line}": "2220", f"center-{line}": ""}
    now = posted(amir.post(where + "redistribute/", sent))
    assert labels(browse, where) == ["Reversed by", "Is"]
    assert labels(browse, now) == ["Was"]
    back = amir.get(where).context["corrections"]["links"][0]["url"]
    assert labels(browse, back) == ["Reverses", "Is"]
    for page in (where, now, back):
        (row,) = amir.get(page).context["corrections"]["was_is"]
        assert (row["was"], row["now"]) == ("3310 Camera package rental, CAM",
                                            "2220 Art supplies, ART")  # fmt: skip
    assert "Was 3310" not in text_of(browse("ada").get(now))
    assert labels(browse, where, "cho") == ["Reversed by"], "what it became is another's"
    assert browse("cho").get(now).status_code == 404


def test_a_document_is_reissued_with_other_amounts_and_words(
    o: Office, film: Film, browse: Browse
) -> None:
    where, amir = imported(film), browse("amir")
    line = line_of(browse, where)
    assert value_of(amir.get(where), f"amount-{line}") == "125.00"
    sent = {**DAY, "reference": "TX-9", "vendor": "ARRI", f"amount-{line}": "120.00"}
    now = posted(amir.post(where + "reissue/", sent))
    page = amir.get(now)
    assert page.context["transaction"]["vendor"] == "ARRI"
    assert page.context["legs"][0]["debit"] == "120.00"
    assert labels(browse, where) == ["Reversed by", "Reissued as"]
    assert labels(browse, now) == ["Was"]
    assert {str(v) for v in o.balances().values()} == {"120.0000", "-120.0000"}


@pytest.mark.parametrize(
    ("what", "changed", "words"),
    [
        ("reverse", {"day": "x"}, "expected a day"),
        ("reverse", {"reason": " "}, "expected why"),
        ("reverse", {"reason": "x" * 501}, "at most 500"),
        ("redistribute", {}, "every line stays where it was"),
        ("redistribute", {"account-{n}": "9999"}, "expected an account of the chart"),
        ("redistribute", {"account-{n}": "2220", "center-{n}": "XX"}, "expected a cost centre"),
        ("reissue", {}, "nothing differs"),
        ("reissue", {"amount-{n}": "1.2.3"}, "Line 1"),
        ("reissue", {"amount-{n}": "0"}, "other than zero"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_with_what_was_typed(
    o: Office, film: Film, browse: Browse, what: str, changed: dict[str, str], words: str
) -> None:
    where = imported(film)
    line = line_of(browse, where)
    sent = DAY | {name.replace("{n}", str(line)): value for name, value in changed.items()}
    before = o.traces()
    page = browse("amir").post(f"{where}{what}/", sent)
    assert page.status_code == 422
    assert words in alert(page)
    assert f'value="{sent["reason"]}"' in page.content.decode()
    for name, value in sent.items():
        if name.startswith(("account", "amount")):
            assert value_of(page, name) == value
    opened = re.search(r'<details class="step" open><summary>([^<]*)', page.content.decode())
    assert opened is not None
    assert o.traces() == before


def test_a_posted_invoice_is_moved_and_stands_on_as_an_invoice(
    o: Office, film: Film, browse: Browse
) -> None:
    order = o.opened(LinePlan("3310", "1", "300.00"))
    amir = browse("amir")
    form = {
        "vendor": "Panavision", "number": "A-1", "dated": "2026-01-14", "currency": "USD",
        "unit": "MAIN",
        **lines({"account": "3310", "amount": "200.00", "order": order.number, "order_line": "1"}),
    }  # fmt: skip
    paper = posted(amir.post(url(film, "invoice_new"), form))
    where = amir.get(paper).context["document_url"]
    assert amir.get(where).context["corrections"]["paper"]["url"] == paper
    assert not amir.get(where).context["corrections"]["may_reissue"]
    refused(amir.post(where + "reissue/", {**DAY, "vendor": "B"}), 409, "enter it again")
    line = line_of(browse, where)
    now = posted(amir.post(where + "redistribute/", {**DAY, f"account-{line}": "3399"}))
    assert o.standing(order) == [(300, 200, 100, 0)]
    newest, was = amir.get(url(film, "invoices")).context["papers"]
    assert [(p["number"], p["status"], p["open"]) for p in (newest, was)] == [
        ("A-1", "posted", "200.00"), ("A-1", "void", "0.00"),
    ]  # fmt: skip
    assert amir.get(newest["url"]).context["document_url"] == now
    whom = amir.get(url(film, "payment_new")).context["vendors"][0]["url"]
    (row,) = amir.get(whom).context["rows"]
    pay = {"number": "W-1", "day": "2026-01-20", row["tick"]: "yes", row["field"]["name"]: "200"}
    posted(amir.post(whom, pay))
    refused(amir.post(now + "reverse/", DAY), 409, "void the payment first")
    again = {**DAY, f"account-{line_of(browse, now)}": "3310"}
    refused(amir.post(now + "redistribute/", again), 409, "is paid (200.00 USD)")


def test_only_who_enters_may_correct(o: Office, film: Film, browse: Browse) -> None:
    where = imported(film, vendor=HOSTILE.replace(",", "").replace('"', ""))
    for person in ("lena", "cho"):
        page = browse(person).get(where)
        assert not page.context["corrections"]["may"]
        assert "Distribution change" not in text_of(page)
        for what in ("reverse", "reissue", "redistribute"):
            assert browse(person).post(f"{where}{what}/", DAY).status_code == 404
    for person in ("ada", "otto"):
        assert browse(person).get(where).status_code == 404
    shown = browse("amir").get(where).content.decode()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert" in shown


def test_a_move_across_the_frozen_boundary_is_refused_in_words_and_kept(
    cast: Cast, browse: Browse
) -> None:
    film = budget_film(cast)
    where = imported(film)
    locked(film)
    line = line_of(browse, where)
    amir = browse("amir")
    answer = amir.post(where + "redistribute/", {**DAY, f"account-{line}": "1401"})
    assert (answer.status_code, answer.headers["Location"]) == (302, where)
    assert "froze that boundary when it was locked" in amir.get(where).content.decode()
    with role("web"), acting(film, "amir"):
        assert [c.would_be for c in crossings(film.production)] == ["1401"]
    assert labels(browse, where) == []

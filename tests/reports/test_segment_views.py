"""Segments on the screens: added, typed in a grid, added up, drilled into and corrected."""

from typing import Any

import pytest

from purchasing.orders import LinePlan
from tests.factories import Film
from tests.purchasing.desk import (
    HOSTILE,
    Browse,
    fault_at,
    lines,
    posted,
    refused,
    text_of,
    url,
    value_of,
)
from tests.purchasing.office import Office, office

LINE = {"account": "3310", "amount": "40.00", "description": "lens"}


@pytest.fixture
def o(film: Film) -> Office:
    made = office(film)
    made.vendor("Panavision")
    return made


def add(o: Office, browse: Browse, kind: str, code: str, name: str = "Café, interior") -> Any:
    sent = lines({"kind": kind, "code": code, "name": name})
    return browse("amir").post(url(o.film, "segment_change"), sent)


def invoice(*rows: dict[str, str], number: str = "INV-1") -> dict[str, str]:
    return {"vendor": "Panavision", "number": number, "dated": "2026-01-14", "currency": "USD",
            "unit": "MAIN", **lines(*rows)}  # fmt: skip


def rows_of(page: Any) -> dict[str, dict[str, Any]]:
    """code -> its row on the screen of segments."""
    return {row["code"]: row for kind in page.context["kinds"] for row in kind["rows"]}


def test_the_first_code_brings_the_column_and_its_costs_add_up(o: Office, browse: Browse) -> None:
    film, amir = o.film, browse("amir")
    here = url(film, "segments")
    assert "carry no segments" in text_of(amir.get(here))
    assert "segments-0" not in amir.get(url(film, "invoice_new")).content.decode()
    assert posted(add(o, browse, "set", "cafe")) == here
    posted(add(o, browse, "location", "NOLA", "New Orleans"))
    assert "segments-0" in amir.get(url(film, "invoice_new")).content.decode()

    order = {"vendor": "Panavision", "cost_center": "CAM", "kind": "purchase", "unit": "MAIN",
             "currency": "USD", "ordered_on": "2026-01-14"}  # fmt: skip
    ordered = {"account": "3310", "quantity": "1", "rate": "100.00", "segments": "cafe"}
    posted(amir.post(url(film, "order_new"), {**order, **lines(ordered)}))
    posted(browse("lena").post(url(film, "order_approve", "PO-0001")))
    posted(amir.post(url(film, "order_step", "PO-0001"), {"step": "open", "day": "2026-01-14"}))
    coded = {**LINE, "segments": "nola cafe", "order": "PO-0001", "order_line": "1"}
    where = posted(amir.post(url(film, "invoice_new"), invoice(coded, LINE)))
    assert "location=NOLA set=CAFE" in text_of(amir.get(where))
    assert "set=CAFE" in text_of(amir.get(url(film, "order", "PO-0001")))

    rows = rows_of(amir.get(here))
    assert (rows["CAFE"]["actual"], rows["CAFE"]["commitments"]) == ("40.00", "60.00")
    assert (rows["NOLA"]["actual"], rows["NOLA"]["commitments"]) == ("40.00", "0.00")
    for code, figure, count in (("CAFE", "actual", 1), ("CAFE", "commitments", 2)):
        page = amir.get(rows[code][f"{figure}_url"])
        assert page.context["total"] == f"{rows[code][figure]} USD"
        assert len(page.context["lines"]) == page.context["count"] == count
        assert "set=CAFE" in page.context["filters_label"]
        assert all("set=CAFE" in line["segments"] for line in page.context["lines"])
    document = amir.get(page.context["lines"][0]["url"])
    assert "set=CAFE" in text_of(document)
    assert "History of segment set=CAFE" in text_of(amir.get(rows["CAFE"]["history_url"]))
    # A department head sees what stands on a set of their own costs.
    assert rows_of(browse("cho").get(here))["CAFE"]["actual"] == "40.00"
    assert rows_of(browse("ada").get(here))["CAFE"]["actual"] == "0.00"


def test_a_code_there_is_not_is_named_at_its_cell(o: Office, browse: Browse) -> None:
    posted(add(o, browse, "set", "CAFE"))
    page = browse("amir").post(
        url(o.film, "invoice_new"),
        invoice({**LINE, "segments": "cafe"}, {**LINE, "segments": "bar"}),
    )
    assert page.status_code == 422
    assert "found 'bar'" in fault_at(page, "segments-1")
    assert value_of(page, "segments-0") == "cafe"
    page = browse("amir").post(
        url(o.film, "journal_new"),
        {"number": "JE-1", "day": "2026-01-14", "currency": "USD", "unit": "MAIN",
         "description": "accrual", **lines(
            {"account": "3310", "debit": "1.00", "segments": "set=bar"},
            {"account": "3301", "credit": "1.00"})},
    )  # fmt: skip
    assert "found 'BAR'" in fault_at(page, "segments-0")


def test_a_cost_is_moved_to_another_set_and_shows_was_and_is(o: Office, browse: Browse) -> None:
    film, amir = o.film, browse("amir")
    posted(add(o, browse, "set", "CAFE"))
    posted(add(o, browse, "set", "BAR"))
    where = posted(amir.post(url(film, "invoice_new"), invoice({**LINE, "segments": "cafe"})))
    document = amir.get(where).context["document_url"].rstrip("/").rpartition("/")[2]
    change = url(film, "redistribute", document)
    sent = {"day": "2026-01-14", "reason": "shot on another set", "account-1": "3310"}
    refused(amir.post(change, {**sent, "segments-1": "set=CAFE"}), 422, "every line stays")
    refused(amir.post(change, {**sent, "segments-1": "pub"}), 422, "found 'pub'")
    page = amir.get(posted(amir.post(change, {**sent, "segments-1": "bar"})))
    (line,) = page.context["corrections"]["was_is"]
    assert (line["was"], line["now"]) == (
        "3310 Camera package rental, CAM, set=CAFE", "3310 Camera package rental, CAM, set=BAR",
    )  # fmt: skip
    rows = rows_of(amir.get(url(film, "segments")))
    assert (rows["CAFE"]["actual"], rows["BAR"]["actual"]) == ("0.00", "40.00")


def test_a_code_is_retired_and_used_again_by_who_may(o: Office, browse: Browse) -> None:
    posted(add(o, browse, "set", "CAFE"))
    film, amir = o.film, browse("amir")
    change = url(film, "segment_change")
    code = rows_of(amir.get(url(film, "segments")))["CAFE"]["id"]
    assert browse("cho").post(change, {"retire": code}).status_code == 404
    posted(amir.post(change, {"retire": code}))
    assert not rows_of(amir.get(url(film, "segments")))["CAFE"]["is_active"]
    page = amir.post(url(film, "invoice_new"), invoice({**LINE, "segments": "cafe"}))
    assert "not in use any more" in fault_at(page, "segments-0")
    posted(amir.post(change, {"use": code}))
    posted(amir.post(url(film, "invoice_new"), invoice({**LINE, "segments": "cafe"})))
    for wrong in ("", "x", "0", "9" * 30, str(code + 1_000_000)):
        assert amir.post(change, {"retire": wrong}).status_code == 404


def test_an_order_keeps_a_retired_code_through_the_form_that_amends_it(
    o: Office, browse: Browse
) -> None:
    posted(add(o, browse, "set", "CAFE"))
    o.opened(LinePlan("3310", "1", "9.00", "", "cafe"))
    amir, change = browse("amir"), url(o.film, "segment_change")
    code = rows_of(amir.get(url(o.film, "segments")))["CAFE"]["id"]
    posted(amir.post(change, {"retire": code}))
    form = url(o.film, "order_amend", "PO-0001")
    assert value_of(amir.get(form), "segments-0") == "set=CAFE"
    line = {"account": "3310", "quantity": "1", "rate": "12.00", "segments": "set=CAFE"}
    page = amir.post(form, {"reason": "longer", **lines(line, line)})
    assert "not in use any more" in fault_at(page, "segments-1")
    posted(amir.post(form, {"reason": "longer", **lines(line)}))


def test_a_segments_lines_are_asked_for_by_what_there_is(o: Office, browse: Browse) -> None:
    posted(add(o, browse, "set", "CAFE"))
    here = url(o.film, "account_lines", "all")
    for segment, status in (("set=CAFE", 200), ("set=BAR", 404), ("CAFE", 404), ("=", 404)):
        found = browse("amir").get(here, {"upto": "12", "segment": segment})
        assert found.status_code == status, segment


def test_a_wrong_or_hostile_code_is_refused_at_its_field_and_shown_as_text(
    o: Office, browse: Browse
) -> None:
    page = add(o, browse, "set", HOSTILE[:16])
    assert page.status_code == 422
    assert "Expected up to 16 letters" in fault_at(page, "code-0")
    posted(add(o, browse, "set", "CAFE", HOSTILE))
    page = browse("amir").get(url(o.film, "segments")).content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_codes_are_added_from_a_sheet_all_or_none(o: Office, browse: Browse) -> None:
    film, amir = o.film, browse("amir")
    change = url(film, "segment_change")
    asked = {"lines": "3", "add": "lines", "code-1": "DECK"}
    page = amir.post(change, asked)
    assert (page.status_code, value_of(page, "code-1")) == (200, "DECK")
    assert 'name="code-7"' in page.content.decode()
    rows = [{"kind": "Set", "code": f"s{n}", "name": f"Set {n}"} for n in range(7)]
    wrong = [*rows, {"kind": "Sett", "code": "X", "name": "X"}]
    page = amir.post(change, lines(*wrong))
    assert page.status_code == 422
    assert "expected one of episode" in fault_at(page, "kind-7").lower()
    assert rows_of(amir.get(url(film, "segments"))) == {}
    assert "7 codes can be named" in text_of(amir.post(change, lines(*rows), follow=True))
    assert len(rows_of(amir.get(url(film, "segments")))) == 7
    refused(amir.post(change, {"lines": "3"}), 422, "expected a code, found none")

"""The camera department's head sees the camera's costs, and of the others not even a trace."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def test_a_department_head_lands_on_the_own_costs_and_nothing_else(visit: Visit) -> None:
    page = visit("camera", "/")
    expect(page).to_have_url(re.compile("/p/NF/cost-report/$"))
    expect(page.locator(".facts")).to_contain_text("Camera (CAM), all units")
    assert page.get_by_role("navigation", name="Screens").get_by_role("link").all_inner_texts() == [
        "Cost report", "Requests", "Questions", "Cost codes", "Segments", "Orders", "Invoices",
        "Payments", "Petty cash", "Bible", "Audit",
    ]  # fmt: skip
    codes = page.locator("tbody.category .twist").all_inner_texts()
    assert codes == ["1400", "3300"], "the crane that was coded to the cast, and the camera"
    page.locator("tfoot td a").nth(1).click()  # to date
    assert set(page.locator("table.lines tbody td:nth-child(7)").all_inner_texts()) == {"CAM"}


def test_another_departments_document_and_the_desk_are_not_there(
    visit: Visit, complaints: Any
) -> None:
    complaints.expect("status of 404")
    theirs = visit("accountant", "/p/NF/accounts/2200/?upto=7")
    foreign = theirs.locator("table.lines tbody th a").first.get_attribute("href")
    assert foreign is not None
    page = visit("camera", "/p/NF/cost-report/")
    for address in (foreign, "/p/NF/transactions/999999-1/", "/p/NF/imports/", "/p/NF/quarantine/"):
        answer = page.goto(address)
        assert answer is not None and answer.status == 404, address
        expect(page.get_by_role("main")).to_contain_text("Not found, or outside your cost centre.")
    # The sheet stands where a page begins, not below the fold.
    box = page.locator(".sheet").bounding_box()
    assert box is not None and box["y"] < 300


def test_an_own_document_shows_its_row_but_offers_no_file_of_all_departments(
    visit: Visit,
) -> None:
    page = visit("camera", "/p/NF/accounts/3300/?upto=7")
    page.locator("table.lines tbody th a").first.click()
    expect(page.locator("pre.bytes")).not_to_be_empty()
    assert page.locator('a[href*="/sources/"]').count() == 0


@pytest.mark.parametrize("person", ["bond", "studio"])
def test_who_waits_for_what_is_published_is_told_so(visit: Visit, person: str) -> None:
    page = visit(person, "/")
    expect(page.get_by_role("main")).to_contain_text("Nothing has been published for you yet")

"""An invoice written otherwise: held on the screen, released as none, and taken back again."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accountant import drop

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PHONE = {"width": 390, "height": 844}
TWICE = (
    "Vendor,Invoice Number,Invoice Date,Account Number,Amount,Currency,Cost Center\n"
    "Brightline Rentals,BR-00417,2026-08-10,3355,420.00,USD,CAM\n"
    '"BrightLine Rental, Inc.",BR 417,2026-08-11,3355,420.00,USD,CAM\n'
)


def test_a_near_duplicate_is_released_with_a_reason_and_undone(visit: Visit) -> None:
    page = visit("accountant", "/p/NF/imports/")
    page.get_by_label("Source").select_option("vendor-invoices")
    drop(page, "twice.csv", TWICE)
    page.get_by_role("button", name="Receive").click()
    page.wait_for_url(re.compile(r"/imports/\d+/"))
    expect(page.locator("#batch-status")).to_contain_text("Posted with quarantine")
    batch = re.findall(r"/imports/(\d+)/", page.url)[0]
    page.goto(f"/p/NF/quarantine/?batch={batch}")
    expect(page.get_by_text("Probably posted already, written otherwise").first).to_be_visible()
    page.locator("table.held tbody th a").first.click()
    expect(page.get_by_text("stands in row 1 of this file").first).to_be_visible()
    row = page.url
    page.get_by_label("Reason").fill("the second body, billed apart")
    page.get_by_role("button", name="Not a duplicate: post it").click()
    page.wait_for_load_state()
    for _ in range(60):
        page.goto(row)
        if page.get_by_role("button", name="Undo the posting").count():
            break
        page.wait_for_timeout(250)
    page.get_by_label("Why it is taken back").fill("it was the same after all")
    page.get_by_role("button", name="Undo the posting").click()
    for _ in range(60):
        page.goto(row)
        if page.get_by_text("Reversed in the ledger").count():
            break
        page.wait_for_timeout(250)
    expect(page.get_by_text("Reversed in the ledger")).to_be_visible()
    expect(page.locator(".facts .state")).to_have_text("Posted, then reversed")
    phone = visit("accountant", row, viewport=PHONE)
    expect(phone.get_by_text("Reversed in the ledger")).to_be_visible()

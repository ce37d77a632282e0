"""A payroll log whose gross wages have another name: decided, tried and posted in a browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.keyboard import press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PHONE = {"width": 390, "height": 844}
HEADER = (
    "Worker Name,Position/Title,Work Date,Earnings Type,GROSS PAY,Department or Cost Code,"
    "Payroll Run Date,Shelf"
)


def payroll() -> bytes:
    """Three workers; the account of the last is in no chart."""
    rows = [
        f"Mapped {n},Grip,2026-01-1{n},REG,{n}00.00,{account},2026-01-20,B"
        for n, account in enumerate(("3355", "3355", "9999"), 1)
    ]
    return "\n".join([HEADER, *rows, ""]).encode()


def test_a_renamed_column_is_decided_tried_and_accepted(visit: Visit) -> None:
    page = visit("accountant", "/p/NF/imports/")
    file = {"name": "renamed.csv", "mimeType": "text/csv", "buffer": payroll()}
    page.get_by_label("Files").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_label("Source").select_option("wrapbook-payroll")
    page.get_by_role("button", name="Receive").click()
    page.wait_for_url(re.compile(r"/imports/\d+/$"))
    expect(page.locator(".progress-line .state")).to_have_text("Mapping needed")
    page.get_by_role("link", name="Say what its columns are").click()
    page.wait_for_url("**/mapping/")
    expect(page.get_by_label("GROSS PAY")).to_have_value("amount")
    expect(page.locator("tr", has_text="GROSS PAY")).to_contain_text("New, holds money")
    page.get_by_role("button", name="Dry run only").click()
    expect(page.locator("#effect .figures")).to_contain_text("300.00 USD")
    phone = visit("accountant", page.url.partition("#")[0], viewport=PHONE, is_mobile=True)
    width = phone.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], f"the wizard is {width} px wide on a phone"
    page.get_by_label("Reason stays").first.fill("they renamed it")
    press(page, "Control+Enter")
    page.wait_for_url(re.compile(r"/imports/\d+/$"))
    expect(page.locator(".progress-line .state")).to_have_text("Posted with quarantine")
    page.goto("/p/NF/mappings/")
    expect(page.locator("tr", has_text="GROSS PAY").first).to_contain_text("GROSS PAY")
    page.get_by_role("button", name="Leave Shelf out from now on").first.click()
    expect(page.get_by_role("button", name="Leave Shelf out from now on")).to_have_count(0)

"""The accountant's desk by keyboard: an order pasted, approved, opened, invoiced and paid."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.keyboard import paste, press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PHONE = {"width": 390, "height": 844}
VENDOR = "Desk & Daughters <b>Ltd</b>"
PASTED = '3355\t2\t1,500.00\tcamera, weeks\r\n3355\t1\t800.00\tlenses\r\n3360\t4\t"25.50"\ttape\r\n'
PAGES = (
    "orders/", "orders/new/", "vendors/", "invoices/", "invoices/new/", "payments/",
    "payments/new/", "journals/", "journals/new/", "funds/", "funds/new/",
    "bible/?account=3300", "bible/?account=3355", "bible/?period=3",
    "trial-balance/", "periods/", "periods/1/close/",
)  # fmt: skip


def order_by_keyboard(visit: Visit) -> str:
    """Add the vendor and draft the order; where the order stands."""
    page = visit("accountant", "/p/NF/vendors/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("Name").fill(VENDOR)
    press(page, "Control+Enter")
    expect(page.get_by_role("link", name=VENDOR)).to_be_visible()
    press(page, "Escape g o")
    page.wait_for_url("**/orders/")
    page.get_by_role("link", name="New order").click()
    page.wait_for_url("**/orders/new/")
    page.get_by_label("Vendor", exact=True).fill(VENDOR)
    page.get_by_label("Department").select_option("CAM")
    page.get_by_label("Account, line 1").focus()
    paste(page, PASTED)
    expect(page.get_by_label("Rate, line 3")).to_have_value("25.50")
    expect(page.get_by_label("Description, line 2")).to_have_value("lenses")
    expect(page.locator("output[data-sum]")).to_have_text("3,902.00")
    press(page, "Enter")
    expect(page.get_by_label("Account, line 2")).to_be_focused()
    press(page, "Shift+Enter")
    expect(page.get_by_label("Account, line 1")).to_be_focused()
    page.get_by_label("Account, line 5").fill("3355")
    press(page, "Enter")
    expect(page.get_by_label("Account, line 6")).to_be_focused()
    page.get_by_label("Account, line 5").fill("")
    press(page, "Control+Enter")
    page.wait_for_url(re.compile(r"/orders/PO-\d+/$"))
    expect(page.locator(".notice")).to_contain_text("is drafted")
    return page.url


def test_an_order_is_pasted_approved_opened_invoiced_and_paid(
    visit: Visit, complaints: Any
) -> None:
    complaints.expect("status of 409")  # the overage is refused once
    where = order_by_keyboard(visit)
    number = where.rstrip("/").rpartition("/")[2]
    producer = visit("producer", where, viewport=PHONE, has_touch=True, is_mobile=True)
    producer.get_by_role("button", name="Approve").tap()
    expect(producer.locator(".page-head .state")).to_have_text("Approved")
    page = visit("accountant", where)
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.locator(".page-head .state")).to_have_text("Open")

    page.goto("/p/NF/invoices/new/")
    page.get_by_label("Vendor", exact=True).fill(VENDOR)
    page.get_by_label("Invoice number").fill("D-77")
    page.get_by_label("Account, line 1").fill("3355")
    page.get_by_label("Amount, line 1").fill("3500")
    page.get_by_label("Order, line 1").fill(number)
    page.get_by_label("Line, line 1").fill("1")
    page.get_by_role("checkbox", name="Final, line 1").check()
    press(page, "Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("500.00 USD over")
    expect(page.get_by_label("Amount, line 1")).to_have_value("3500")
    page.get_by_label("Amount, line 1").fill("2500")
    press(page, "Control+Enter")
    page.wait_for_url(re.compile(r"/papers/\d+/$"))
    page.goto(where)
    expect(page.locator(".page-head .state")).to_have_text("Partly relieved")

    page.goto("/p/NF/payments/new/")
    page.get_by_role("link", name=VENDOR).click()
    page.get_by_label("Check or wire number").fill("W-77")
    page.get_by_label("Pay invoice D-77").check()
    expect(page.locator("[data-ticked]")).to_have_text("2,500.00")
    press(page, "Control+Enter")
    page.wait_for_url(re.compile(r"/papers/\d+/$"))
    page.goto("/p/NF/invoices/?status=paid")
    expect(page.get_by_role("link", name="D-77")).to_be_visible()


def test_a_journal_shows_by_how_much_it_is_out_before_it_is_sent(visit: Visit) -> None:
    page = visit(
        "accountant", "/p/NF/journals/new/", permissions=["clipboard-read", "clipboard-write"]
    )
    page.get_by_label("Account, line 1").focus()
    paste(page, "3355\t70.00\n3360\t\t69.95\n")
    difference = page.locator("[data-difference]")
    expect(difference).to_have_text("0.05")
    expect(difference).to_have_class("off")
    page.get_by_label("Credit, line 2").fill("70.00")
    expect(difference).to_have_text("0.00")
    page.get_by_label("What for").fill("Tape to camera")
    press(page, "Control+Enter")
    page.wait_for_url(re.compile(r"/papers/\d+/$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Journal JE-")


def test_a_cost_is_coded_to_a_set_and_found_by_it(visit: Visit, complaints: Any) -> None:
    complaints.expect("status of 422")  # a set there is not
    page = visit("accountant", "/p/NF/segments/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_text("Add codes").click()
    page.get_by_label("Segment, line 1").focus()
    paste(page, "set\tbridge\tBridge, exterior\r\nset\thold\tHold\r\n")
    expect(page.get_by_label("Name, line 2")).to_have_value("Hold")
    press(page, "Control+Enter")
    expect(page.get_by_role("cell", name="Bridge, exterior")).to_be_visible()
    page.goto("/p/NF/journals/new/")
    page.get_by_label("What for").fill("Paint to the bridge")
    for line, account, side in ((1, "3355", "Debit"), (2, "3360", "Credit")):
        page.get_by_label(f"Account, line {line}").fill(account)
        page.get_by_label(f"{side}, line {line}").fill("12.50")
    page.get_by_label("Segments, line 1").fill("brigde")
    press(page, "Control+Enter")
    expect(page.get_by_text("found 'brigde'").first).to_be_visible()
    page.get_by_label("Segments, line 1").fill("bridge")
    press(page, "Control+Enter")
    page.wait_for_url(re.compile(r"/papers/\d+/$"))
    expect(page.get_by_role("main")).to_contain_text("set=BRIDGE")
    page.goto("/p/NF/segments/")
    row = page.get_by_role("row").filter(has_text="Bridge, exterior")
    row.get_by_role("link", name="12.50").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("All costs")
    expect(page.locator("table.lines tbody tr")).to_have_count(1)
    expect(page.locator("table.lines tbody tr")).to_contain_text("set=BRIDGE")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_desk_fits_desk_and_phone_in_light_and_dark(visit: Visit, path: str) -> None:
    for scheme, more in (("light", {}), ("dark", {}),
                         ("light", {"viewport": PHONE, "is_mobile": True})):  # fmt: skip
        page = visit("accountant", f"/p/NF/{path}", color_scheme=scheme, **more)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_load_state("networkidle")
        too_wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide == 0, (path, more)


def test_an_order_can_be_drafted_without_scripts(visit: Visit, complaints: Any) -> None:
    complaints.expect("status of 422")
    page = visit("accountant", "/p/NF/orders/new/", java_script_enabled=False)
    page.get_by_label("Vendor", exact=True).fill("Nobody at all")
    for _ in range(2):
        page.get_by_role("button", name="Add lines").click()
    expect(page.get_by_label("Account, line 15")).to_be_visible()
    page.get_by_label("Account, line 15").fill("3355")
    page.get_by_role("button", name=re.compile("Draft the order")).click()
    expect(page.get_by_role("alert")).to_contain_text("vendor of this film")
    expect(page.get_by_label("Account, line 15")).to_have_value("3355")


def held_file(rows: int) -> str:
    """Costs of camera in a currency nobody has heard of."""
    head = "transaction_id,account_code,cost_center,amount,currency,jurisdiction,"
    lines = [f"DK{n:03},3355,CAM,{n + 1}.50,Dollars,NON-UNION,2026-09-02,Desk" for n in range(rows)]
    return "\n".join([head + "transaction_date,vendor", *lines, ""])


def test_a_whole_cause_is_fixed_and_a_department_asked(visit: Visit, complaints: Any) -> None:
    complaints.expect("status of 422")
    page = visit("accountant", "/p/NF/imports/")
    page.get_by_label("Source").select_option("cost-lines")
    page.locator('input[type="file"]').first.set_input_files(
        {"name": "dollars.csv", "mimeType": "text/csv", "buffer": held_file(27).encode()}
    )
    page.get_by_role("button", name="Receive").click()
    expect(page.locator("#batch-status")).to_contain_text("Posted with quarantine")
    page.locator("#batch-status dd a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Quarantine")
    cause = page.locator("details.cause", has_text="Dollars").first
    cause.get_by_role("link", name="1", exact=True).click()
    whom = page.get_by_label("Ask a department")
    whom.select_option(whom.locator("option", has_text="sees the row").first.get_attribute("value"))
    page.get_by_label("Question").fill("Canadian or US dollars?")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url(re.compile(r"/questions/\d+/$"))
    head = visit("camera", page.url)
    expect(head.get_by_role("main")).to_contain_text("Dollars")
    head.get_by_label("Answer").fill("US dollars")
    press(head, "Control+Enter")
    expect(head.get_by_role("main")).to_contain_text("Answered")
    page.goto("/p/NF/quarantine/")
    cause = page.locator("details.cause", has_text="Dollars").first
    cause.get_by_label("Currency of all 27").fill("USD")
    apply = cause.get_by_role("button", name="Apply and resubmit all 27")
    apply.click()
    expect(page.get_by_role("alert")).to_contain_text("type how many rows")
    page.get_by_label("Type 27").fill("27")
    page.get_by_role("button", name="Apply and resubmit all 27").click()
    page.wait_for_url(re.compile(r"/quarantine/acts/\d+/$"))
    expect(page.locator("#act-status .state")).to_have_text("Done")
    expect(page.locator("#act-status")).to_contain_text("Posted")
    assert page.locator("[hx-get]").count() == 0, "it is still asking"

"""Every page, in light and dark, on a desk and on a phone, with scripts and without."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from demo import film
from tests.browser.keyboard import press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PHONE = {"width": 390, "height": 844}

# What there is of pages: an address, or how to find one.
PAGES = {
    "productions": "/?all=1",
    "cost report": "/p/NF/cost-report/",
    "an empty week": "/p/NF/cost-report/?period=12&unit=OFFICE",
    "all lines": "/p/NF/accounts/all/?upto=7",
    "euros": "/p/NF/accounts/all/?upto=7&currency=EUR",
    "without a rate": "/p/NF/accounts/all/?upto=7&currency=CAD",
    "a balance sheet account": "/p/NF/accounts/0310/?upto=7",
    "document": "/p/NF/accounts/3300/?upto=7 > table.lines tbody th a",
    "budget": "/p/NF/budget/",
    "budget version": "/p/NF/budget/1/?against=1",
    "budget change": "/p/NF/budget/changes/3/",
    "estimate": "/p/NF/forecast/3355/?period=7",
    "estimates of a category": "/p/NF/forecast/3300/?period=7",
    "imports": "/p/NF/imports/",
    "import": "/p/NF/imports/ > table.batches tbody th a",
    "quarantine": "/p/NF/quarantine/",
    "held row": "/p/NF/quarantine/ > details[open] tbody th a",
    "mappings": "/p/NF/mappings/",
    "dead letters": "/p/NF/dead-letters/",
    "alerts": "/p/NF/alerts/",
    "feeds": "/p/NF/feeds/",
    "questions": "/p/NF/questions/",
    "bank": "/p/NF/bank/",
    "fx register": "/p/NF/fx/",
    "cost codes": "/p/NF/cost-tree/",
    "segments": "/p/NF/segments/",
    "a segment's lines": "/p/NF/accounts/all/?upto=7&segment=set%3DGALLEY",
    "cost node": "/p/NF/cost-tree/ > .tree li li a",
}
READING = (
    "cost report",
    "budget",
    "budget version",
    "budget change",
    "estimate",
    "all lines",
    "document",
    "imports",
    "import",
    "quarantine",
    "held row",
)


def open_page(visit: Visit, name: str, **options: Any) -> Page:
    path, _, link = PAGES[name].partition(" > ")
    page = visit("accountant", path, **options)
    if link:
        page.goto(page.locator(link).first.get_attribute("href") or "")
    return page


def nameless(page: Page) -> list[str]:
    """Links and buttons that a screen reader could only call by their address."""
    found: list[str] = page.locator("a[href], button, summary").evaluate_all(
        "all => all.filter(one => !one.textContent.trim() && !one.ariaLabel)"
        ".map(one => one.outerHTML)"
    )
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_to_its_policy_and_fits_the_desk(visit: Visit, name: str, scheme: str) -> None:
    page = open_page(visit, name, color_scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert too_wide(page) == 0
    assert nameless(page) == []
    # A click on what opens in place, so that what only then is drawn is watched as well.
    # The last first: what is opened is no longer counted among the closed.
    for summary in reversed(page.locator("details:not([open]) > summary").all()[:3]):
        summary.click()
    press(page, "?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone_and_its_screens_stand_along_the_bottom(
    visit: Visit, name: str
) -> None:
    page = open_page(visit, name, viewport=PHONE, has_touch=True, is_mobile=True)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert too_wide(page) == 0
    if name == "productions":
        return
    menu = page.get_by_role("navigation", name="Screens").bounding_box()
    assert menu is not None and menu["y"] + menu["height"] == PHONE["height"]
    # Nothing of the page lies for good under the menu.
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    last = page.locator("main").evaluate(
        "main => Math.max(...[...main.children].map(e => e.getBoundingClientRect().bottom))"
    )
    assert last <= menu["y"]


def too_wide(page: Page) -> int:
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


@pytest.mark.parametrize("name", ["cost report", "all lines"])
def test_thirty_rows_and_more_stand_on_a_desk_without_scrolling(visit: Visit, name: str) -> None:
    page = open_page(visit, name)
    visible = page.locator("table[data-rows] tr").evaluate_all(
        "rows => rows.filter(r => r.getBoundingClientRect().bottom <= innerHeight).length"
    )
    assert visible >= 30


def test_the_sign_in_page_and_a_page_that_is_not_there_keep_to_their_policy(
    visit: Visit, complaints: Any
) -> None:
    complaints.expect("status of 404")
    page = visit(None, "/login/")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.goto("/no/such/page/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")


def test_a_form_kept_open_in_another_tab_past_its_token_is_refused_on_a_page_of_ours(
    visit: Visit, complaints: Any
) -> None:
    complaints.expect("status of 403")
    page = visit(None, "/login/")
    page.context.clear_cookies()
    page.get_by_label("E-mail").fill("camera@nightferry.example")
    page.get_by_label("Password").fill(film.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("Go back, reload the page and try again")


@pytest.mark.parametrize("name", READING)
def test_a_reading_screen_says_the_same_without_scripts(visit: Visit, name: str) -> None:
    shown = []
    for scripts in (True, False):
        page = open_page(visit, name, java_script_enabled=scripts)
        cells = page.locator("main :is(tbody :is(td, th), dl dd)")
        assert cells.filter(visible=True).count() > 5
        texts = [" ".join(text.split()) for text in cells.all_text_contents()]
        shown.append([text.removesuffix("Copy") for text in texts])
    assert shown[0] == shown[1] != []


def test_a_file_can_be_handed_in_without_scripts(visit: Visit) -> None:
    page = visit("accountant", "/p/NF/imports/", java_script_enabled=False)
    rows = film.file_to_try().data.decode().splitlines()[:2]
    page.get_by_label("Files").set_input_files(
        {"name": "plain.csv", "mimeType": "text/csv",
         "buffer": "\n".join([rows[0], rows[1].replace("INV-", "PLAIN-"), ""]).encode()}
    )  # fmt: skip
    page.get_by_label("Source").select_option("vendor-invoices")
    page.get_by_role("button", name="Receive").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("plain.csv")
    for _ in range(240):
        if page.locator(".progress-line .state").inner_text() == "Posted":
            break
        page.wait_for_timeout(250)
        page.reload()
    expect(page.locator(".progress-line .state")).to_have_text("Posted")


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "javascript:alert(3)",
    "'-alert(4)-'",
    "<svg/onload=alert(5)>",
    "{{constructor.constructor('alert(6)')()}}",
    '=HYPERLINK("http://evil.example")',
)


def test_no_text_of_a_file_runs_on_any_page(visit: Visit) -> None:
    header = (
        "transaction_id,account_code,cost_center,amount,currency,jurisdiction,"
        "transaction_date,vendor,description\n"
    )
    rows = []
    for n, text in enumerate(HOSTILE):
        quoted = '"' + text.replace('"', '""') + '"'
        rows.append(f"XSS-{n},3355,CAM,1.00,USD,NON-UNION,2026-08-25,{quoted},{quoted}\n")
        rows.append(f"XSS-H{n},{quoted},CAM,1.00,USD,NON-UNION,2026-08-25,{quoted},{quoted}\n")
    page = visit("accountant", "/p/NF/imports/")
    page.get_by_label("Files").set_input_files(
        {"name": "<img src=x onerror=alert(7)>.csv", "mimeType": "text/csv",
         "buffer": (header + "".join(rows)).encode()}
    )  # fmt: skip
    expect(page.locator("#file-list")).to_contain_text("<img src=x onerror=alert(7)>.csv")
    page.get_by_label("Source").select_option("cost-lines")
    page.get_by_role("button", name="Receive").click()
    page.wait_for_url(re.compile(r"/imports/\d+/"))
    expect(page.locator("#batch-status")).to_contain_text("Posted with quarantine")
    expect(page.get_by_role("heading", level=1)).to_have_text("<img src=x onerror=alert(7)>.csv")
    page.goto("/p/NF/imports/")
    page.goto("/p/NF/accounts/3355/?period=9")
    assert page.locator("table.lines tbody tr").count() == len(HOSTILE)
    addresses = [a.get_attribute("href") for a in page.locator("table.lines tbody th a").all()]
    page.goto("/p/NF/quarantine/")
    for text in HOSTILE:
        expect(page.locator("details.cause", has_text=text).first).to_be_visible()
    held = page.locator("details.cause tbody th a").evaluate_all("all => all.map(a => a.href)")
    for address in [*addresses, *held[: len(HOSTILE) + 3]]:
        page.goto(address or "")
    # The complaints fixture fails this test for any dialog, error or refused script.

"""The accountant's first ten minutes: a file dropped, a row fixed, a figure opened to its bytes."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from demo import film
from tests.browser.keyboard import press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]

_DROP = """([form, name, text]) => {
  const files = new DataTransfer();
  files.items.add(new File([text], name, {type: "text/csv"}));
  for (const type of ["dragenter", "dragover", "drop"])
    form.dispatchEvent(new DragEvent(type, {dataTransfer: files, bubbles: true, cancelable: true}));
}"""


def drop(page: Page, name: str, text: str) -> None:
    """Let a file fall on the form, as a hand does."""
    form = page.locator("form[data-upload]").element_handle()
    page.evaluate(_DROP, [form, name, text])
    expect(page.locator("#file-list")).to_contain_text(name)


def figure(page: Page, label: str) -> str:
    """The value beside a label."""
    value = page.locator("dt", has_text=re.compile(f"^{label}$")).locator("xpath=following::dd[1]")
    return value.inner_text().removesuffix("Copy").strip()


def look_again_until(page: Page, state: str) -> None:
    """Follow the page's own link until the checks have run."""
    shown = page.locator(".facts .state")
    expect(
        page.get_by_text("Resubmitted: the checks are running").or_(
            shown.get_by_text(state, exact=True)
        )
    ).to_be_visible()
    for _ in range(240):
        if shown.inner_text() == state:
            return
        page.get_by_role("link", name="Look again").click()
        page.wait_for_timeout(250)
    expect(shown).to_have_text(state)


def drop_and_follow(page: Page, file: film.DemoFile) -> None:
    """Drop a file of invoices and see its import end on a page that is never loaded again."""
    page.get_by_label("Source").select_option("vendor-invoices")
    drop(page, file.name, file.data.decode())
    page.get_by_role("button", name="Receive").click()
    page.wait_for_url(re.compile(r"/imports/\d+/"))
    page.evaluate("window.untouched = true")
    expect(page.locator("#batch-status")).to_contain_text("Posted with quarantine")
    assert page.evaluate("window.untouched") is True, "the page was loaded again"
    assert page.locator("[hx-get]").count() == 0, "it is still asking"


def test_a_dropped_file_is_followed_to_its_end_fixed_posted_and_opened_to_its_bytes(
    visit: Visit,
) -> None:
    file = film.file_to_try()
    lines = file.data.decode().splitlines(keepends=True)
    row = 1 + next(i for i, line in enumerate(lines[1:]) if ",US$," in line)
    vendor, reference, _, account, _, amount, *_ = lines[row].split(",")

    page = visit("accountant", "/")
    expect(page).to_have_url(re.compile("/p/NF/imports/$"))
    drop_and_follow(page, file)
    expect(page.locator(".notes")).to_contain_text("Read as UTF-8")
    assert figure(page, "Rows in file") == str(len(lines) - 1)
    assert figure(page, "Posted") == str(len(lines) - 4)
    assert figure(page, "SHA-256 of the file") == hashlib.sha256(file.data).hexdigest()

    page.locator("#batch-status").get_by_role("link", name="3", exact=True).click()
    expect(page.get_by_role("heading", name="Quarantine")).to_be_visible()
    assert page.locator("details.cause").count() == 3
    page.locator("details.cause", has_text="US$").get_by_role("link", name=str(row), exact=True
    ).click()  # fmt: skip
    page.wait_for_url(re.compile(r"/quarantine/\d+/\?"))
    press(page, "e")
    currency = page.get_by_label("Currency")
    expect(currency).to_be_focused()
    currency.fill("USD")
    press(page, "Control+Enter")
    page.get_by_role("link", name="See what became of it").click()
    look_again_until(page, "Posted")
    expect(page.get_by_role("table").last).to_contain_text("Currency: USD")
    press(page, "g c")
    page.wait_for_url("**/cost-report/")
    expect(page.locator(".stepper summary")).to_contain_text("Wk 8")
    of_account = page.locator("tr", has=page.locator(f'th:text-is("{account}")'))
    of_account.locator("td.num a").first.click()
    expect(page.get_by_role("heading", name=account)).to_be_visible()
    of_document = page.locator("tr", has_text=reference).filter(has_text=f"{float(amount):,.2f}")
    of_document.locator("th a").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{reference} {vendor}")
    assert page.locator("pre.bytes").text_content() == lines[row]
    raw = lines[row].encode()
    assert figure(page, "SHA-256 of the row") == hashlib.sha256(raw).hexdigest()
    assert figure(page, "SHA-256 of the file") == hashlib.sha256(file.data).hexdigest()
    start = file.data.index(raw)
    assert figure(page, "Bytes") == f"{start} to {start + len(raw)}"
    assert figure(page, "Line of the file") == str(row + 1)

    with page.expect_download() as received:
        page.locator("dd.hash a").first.click()
    assert received.value.path().read_bytes() == file.data


def cost_lines(first: int, count: int) -> str:
    """A file long enough to be watched; its first row is held."""
    header = (
        "transaction_id,account_code,cost_center,amount,currency,jurisdiction,"
        "transaction_date,vendor\n"
    )
    held = f"W{first},3355,CAM,1.00,US$,NON-UNION,2026-08-18,Watched\n"
    rows = "".join(
        f"W{n},3355,CAM,1.{n % 100:02d},USD,NON-UNION,2026-08-18,Watched\n"
        for n in range(first + 1, first + count)
    )
    return header + held + rows


def test_focus_stays_where_it_was_while_the_progress_is_asked_for(visit: Visit) -> None:
    page = visit("accountant", "/p/NF/imports/")
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.url.endswith("/status/") else None)
    page.get_by_label("Source").select_option("cost-lines")
    drop(page, "watched.csv", cost_lines(1_000_000, 60_000))
    page.get_by_role("button", name="Receive").click()
    page.wait_for_url(re.compile(r"/imports/\d+/"))
    link = page.locator("#batch-status dd a")
    expect(link).to_have_text("1")
    link.focus()
    before = len(asked)
    expect(page.locator(".progress-line .state")).to_have_text(
        "Posted with quarantine", timeout=120_000
    )
    assert len(asked) > before, "the progress was not asked for while the link had the focus"
    expect(link).to_be_focused()
    seen = len(asked)
    page.wait_for_timeout(2_500)
    assert len(asked) == seen, "a finished import is asked for again and again"


def test_a_form_without_a_file_says_so_in_place(visit: Visit, complaints: Any) -> None:
    complaints.expect("status of 422")
    page = visit("accountant", "/p/NF/imports/")
    page.evaluate("window.untouched = true")
    page.locator("form[data-upload]").evaluate("form => { form.noValidate = true; }")
    page.get_by_role("button", name="Receive").click()
    expect(page.get_by_role("alert")).to_contain_text("choose the file the vendor sent")
    assert page.evaluate("window.untouched") is True
    expect(page.get_by_role("button", name="Receive")).to_be_enabled()

"""A receipt is attached on a document's page and looked at, and nothing in it runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_pages import open_page
from tests.ledger.exhibits import HTML, PDF, SCRIPT, png

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def attach(page: Page, name: str, data: bytes) -> None:
    """Fill the form at the foot of a document's page, and open the card of what was attached."""
    page.locator("#attach-file").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": data}
    )
    page.get_by_role("button", name="Attach", exact=True).click()
    page.locator("#attachments").get_by_role("link", name=name).last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_picture_is_shown_on_its_card(visit: Visit, scripts: bool) -> None:
    page = open_page(visit, "document", java_script_enabled=scripts)
    attach(page, "lens.png", png(SCRIPT))
    picture = page.locator("img.exhibit")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 1


def test_html_in_a_pictures_name_is_a_download(visit: Visit, tmp_path: Path) -> None:
    page = open_page(visit, "document")
    attach(page, "page.png", HTML)
    expect(page.locator(".exhibit")).to_have_count(0)
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Download").click()
    assert Path(fetched.value.path()).read_bytes() == HTML


def test_a_pdf_stands_in_a_frame_without_rights(visit: Visit) -> None:
    page = open_page(visit, "document")
    attach(page, "memo.pdf", PDF)
    frame = page.locator("iframe.exhibit")
    expect(frame).to_be_hidden()
    page.get_by_text("Show the pages in a sandbox").click()
    expect(frame).to_be_visible()
    assert frame.get_attribute("sandbox") == ""

"""The accountant looks at the pages of a head of department, and stops; at a desk and by phone."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
SHOTS = os.environ.get("PRODACCT_SHOTS", "")
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def _shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png")


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_the_accountant_views_as_a_head_and_stops(visit: Visit, complaints: Any, size: str) -> None:
    complaints.expect("status of 403")
    page = visit("accountant", "/p/NF/view-as/", viewport=DESK if size == "desk" else PHONE)
    page.get_by_label("Whose pages").select_option(label="Kari Lind, Department head (CAM)")
    page.get_by_label("Why").fill("She asks where the lenses are")
    _shot(page, f"view-as-{size}")
    page.get_by_role("button", name="View as").click()
    banner = page.locator(".viewing")
    expect(banner).to_contain_text("You view as Kari Lind, Department head, to read only, until")
    expect(page.get_by_role("navigation", name="Screens")).not_to_contain_text("Trial balance")
    _shot(page, f"view-as-report-{size}")
    page.goto("/me/keys/")
    expect(page.get_by_role("main")).to_contain_text("This page is each person's own")
    _shot(page, f"view-as-refused-{size}")
    page.get_by_role("button", name="Stop viewing").click()
    expect(banner).to_have_count(0)
    first = page.get_by_role("table", name="Who viewed as whom").locator("tbody tr").first
    expect(first).to_contain_text("as Kari Lind")
    expect(first).to_contain_text("it was stopped")
    _shot(page, f"view-as-list-{size}")

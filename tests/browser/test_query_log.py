"""A bond representative looks, and finds what they looked at; an administrator what was refused."""

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
SHOTS = os.environ.get("PRODACCT_SHOTS", "")


def _shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def test_what_the_bond_representative_opens_stands_in_the_query_log(visit: Visit) -> None:
    page = visit("bond", "/p/NF/overrides/")
    page.get_by_role("navigation", name="Screens").get_by_role("link", name="Query log").click()
    expect(page.locator("tbody th").first).to_contain_text("Overrides")
    expect(page.locator("tbody th").first).to_contain_text("GET /p/NF/overrides/")
    _shot(page, "query-log-bond")
    with page.expect_download() as download:
        page.get_by_role("link", name="XLSX").click()
    assert re.fullmatch(r"NF-query-log-\d{8}-\d{4}\.xlsx", download.value.suggested_filename)
    page = visit("accountant", "/p/NF/query-log/")
    page.get_by_label("Person").select_option(label="Beatrix Voss")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody th").first).to_contain_text("Query log export")
    _shot(page, "query-log-accountant")


def test_an_administrator_sees_what_was_refused(visit: Visit, complaints: Any) -> None:
    complaints.expect("status of 404")
    visit("camera", "/p/NF/cost-report/").goto("/p/NF/imports/")
    page = visit("admin", "/p/NF/attempts/")
    first = page.locator("tbody tr").filter(has_text="Kari Lind").first
    expect(first).to_contain_text("Not there, or not theirs")
    expect(first).to_contain_text("GET Imports")
    _shot(page, "refused")

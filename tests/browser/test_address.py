"""A head of department asks for another address, and opens the letter; by phone and at a desk."""

import os
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LETTERS

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
SHOTS = os.environ.get("PRODACCT_SHOTS")
PHONE = {"width": 390, "height": 844}
NEW = "kari.lind@nightferry.example"


def _shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png")


def _link() -> str:
    """The path in the letter to the new address, once the worker has sent it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for letter in LETTERS.glob("*") if LETTERS.exists() else []:
            text = letter.read_text()
            found = re.search(r"http://[^/\s]+(/me/address/\S+)", text)
            if f"To: {NEW}" in text and found:
                return found[1]
        time.sleep(0.5)
    raise AssertionError("no letter came")


def test_another_address_is_asked_for_and_waits_for_a_click(visit: Visit) -> None:
    page = visit("camera", "/me/address/", viewport=PHONE)
    page.get_by_label("New address").fill("kari lind")
    _shot(page, "address-phone")
    page.get_by_label("New address").fill(NEW)
    page.get_by_role("button", name="Send the letter").click()
    expect(page.get_by_role("main")).to_contain_text(f"{NEW} waits to be confirmed until")
    _shot(page, "address-waits-phone")
    desk = visit("camera", _link())
    expect(desk).to_have_url(re.compile("/me/address/confirm/$"))
    expect(desk.get_by_role("main")).to_contain_text(f"From now on you sign in with {NEW}")
    expect(desk.get_by_role("button", name="Confirm")).to_be_visible()
    _shot(desk, "address-confirm-desk")

"""An administrator invites somebody, who comes by the letter, and whose place is then ended."""

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
GUEST = "gaffer@nightferry.example"


def shot(page: Page, name: str) -> None:
    """A picture to look at, where PRODACCT_SHOTS names a folder for it."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def link_to(email: str) -> str:
    """The path in the letter to an address, once the worker has sent it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for letter in sorted(LETTERS.glob("*")) if LETTERS.exists() else []:
            text = letter.read_text()
            found = re.search(r"http://[^/\s]+(/p/NF/join/\S+)", text)
            if f"To: {email}" in text and found:
                return found[1]
        time.sleep(0.5)
    raise AssertionError("no letter came")


def test_somebody_is_invited_comes_by_the_letter_and_is_ended(
    visit: Visit, code_of: Callable[[str], str]
) -> None:
    page = visit("admin", "/")
    expect(page).to_have_url(re.compile("/p/NF/people/$"))
    page.get_by_role("link", name="Invite somebody").click()
    if "/me/again/" in page.url:
        page.get_by_label("Code").fill(code_of("admin"))
        page.get_by_role("main").get_by_role("button").first.click()
    page.get_by_label("E-mail", exact=True).fill(GUEST)
    page.get_by_label("Role", exact=True).select_option("department_head")
    page.locator("input[value=LIG]").check()
    shot(page, "invite")
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_role("table", name="Invitations")).to_contain_text(GUEST)

    guest = visit(None, link_to(GUEST), viewport={"width": 390, "height": 844})
    expect(guest.get_by_role("main")).to_contain_text(f"invites {GUEST} as Department head")
    guest.get_by_label("Your name").fill("Gil Gaffer")
    guest.get_by_label("A password").fill("long enough for a set")
    guest.get_by_label("The same again").fill("long enough for a set")
    shot(guest, "join")
    guest.get_by_role("button", name="Take your place").click()
    expect(guest).to_have_url(re.compile("/me/keys/$"))
    expect(guest.get_by_role("main")).to_contain_text("Your role asks for a second factor")

    page.reload()
    shot(page, "people")
    page.get_by_role("link", name="Gil Gaffer").click()
    page.get_by_label(re.compile("Why the place ends")).fill("wrapped early")
    shot(page, "person")
    page.get_by_role("button", name="End the place").click()
    expect(page.get_by_role("row", name=re.compile("Gil Gaffer"))).to_contain_text("over")
    guest.goto("/me/keys/")
    expect(guest).to_have_url(re.compile("/login/"))

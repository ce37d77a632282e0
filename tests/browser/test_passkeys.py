"""A passkey in a real browser: set up, used instead of a password, used as the second factor.

The device is Chromium's own virtual authenticator; its owner can fail to be who they are.
"""

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from demo import film

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
SHOTS = os.environ.get("PRODACCT_SHOTS")


class Device:
    """A phone's own authenticator, with a finger on it or not."""

    def __init__(self, page: Page) -> None:
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable", {"enableUI": False})
        made = self.cdp.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                    "hasUserVerification": True, "isUserVerified": True,
                    "automaticPresenceSimulation": True,
                }
            },
        )  # fmt: skip
        self.id = made["authenticatorId"]

    def recognises_its_owner(self, yes: bool) -> None:
        self.cdp.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": yes}
        )

    def keys(self) -> list[dict[str, Any]]:
        found = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(found["credentials"])


def shot(page: Page, name: str) -> None:
    """A picture to look at, where PRODACCT_SHOTS names a folder for it."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def sign_in(page: Page, person: str, code: str) -> None:
    page.get_by_label("E-mail").fill(f"{person}@nightferry.example")
    page.get_by_label("Password").fill(film.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Code of your authenticator app").fill(code)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(re.compile("/p/NF/"))


def takes_the_passkey_away(page: Page, url: str) -> None:
    page.goto(f"{url}/me/keys/")
    page.get_by_role("link", name="Remove Her telephone").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("row", name=re.compile("Her telephone"))).to_have_count(0)
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator(".notice")).to_contain_text("is not right")


def test_a_passkey_is_set_up_and_signs_in_alone_and_after_the_password(
    visit: Visit, complaints: Any, code_of: Callable[[str], str]
) -> None:
    complaints.url = complaints.url.replace("127.0.0.1", "localhost")
    page = visit(None, "about:blank", viewport={"width": 390, "height": 844})
    page.goto(f"{complaints.url}/login/")
    device = Device(page)
    sign_in(page, "costume", code_of("costume"))
    page.goto(f"{complaints.url}/me/keys/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Her telephone")
    shot(page, "passkey-add")
    device.recognises_its_owner(False)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("No passkey was given")
    assert device.keys() == []
    device.recognises_its_owner(True)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile("Recovery codes|Your keys")
    )
    (key,) = device.keys()
    assert key["isResidentCredential"] and key["rpId"] == "localhost"
    page.goto(f"{complaints.url}/me/keys/")
    expect(page.get_by_role("row", name=re.compile("Her telephone"))).to_be_visible()
    shot(page, "keys")
    page.get_by_role("link", name="Where you are signed in").click()
    expect(page.get_by_role("row", name=re.compile("this one"))).to_be_visible()
    shot(page, "sessions")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Sign out", exact=True).click()
    shot(page, "sign-in")
    # Instead of everything else.
    page.goto(f"{complaints.url}/login/?next=/p/NF/cost-report/%3Fperiod%3D3")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(re.compile(r"/p/NF/cost-report/\?period=3"))
    page.get_by_role("button", name="Sign out", exact=True).click()
    # After the password; a device that does not know its owner opens nothing.
    page.get_by_label("E-mail").fill("costume@nightferry.example")
    page.get_by_label("Password").fill(film.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    device.recognises_its_owner(False)
    shot(page, "second-factor")
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("No passkey was given")
    device.recognises_its_owner(True)
    page.get_by_role("button", name="Use your passkey").click()
    page.wait_for_url(re.compile("/p/NF/"))
    takes_the_passkey_away(page, complaints.url)

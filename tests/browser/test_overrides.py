"""An override from the founding to its execution: three people, three devices, three taps."""

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_passkeys import Device, shot, sign_in

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PHRASE = "seven lamps over quiet water"
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def desks(
    visit: Visit, complaints: Any, code_of: Callable[[str], str]
) -> Callable[[str], tuple[Page, Device]]:
    """Somebody at a device of their own, signed in where passkeys work."""
    complaints.url = complaints.url.replace("127.0.0.1", "localhost")
    # Chromium advises RSA keys beside ES256; what plain Python cannot check is not asked for.
    complaints.expect("pubKeyCredParams is missing")

    def desk(person: str) -> tuple[Page, Device]:
        page = visit(None, "about:blank", viewport=PHONE)
        page.goto(f"{complaints.url}/login/")
        device = Device(page)
        sign_in(page, person, code_of(person))
        page.set_default_timeout(30_000)
        page.goto(f"{complaints.url}/p/NF/overrides/signers/")
        return page, device

    return desk


def confirms(page: Page, *numbers: int) -> None:
    for number in numbers:
        page.reload()
        page.get_by_role("button", name=f"Confirm mandate {number}", exact=True).click()
        expect(page.locator(".notice").first).to_contain_text("Confirmed")


def makes_a_key(page: Page) -> None:
    page.reload()
    page.get_by_role("button", name="Make my key").click()
    expect(page.locator(".notice").first).to_contain_text("Your key is proposed")


def asks(page: Page, base: str, amount: str) -> None:
    page.goto(f"{base}/new/")
    page.get_by_label("Kind").select_option("over_budget")
    page.get_by_label("Lines").fill(f"3310 {amount}")
    page.get_by_label("Why").fill("The water tank failed on day 31; the second unit moves inside")
    page.get_by_label("Signed document").set_input_files(
        {"name": "tank.txt", "mimeType": "text/plain", "buffer": b"signed by all"}
    )
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".notice").first).to_contain_text("waits for its signers")


def a_department_asks(page: Page, url: str, code: str) -> None:
    """The head of camera asks that a cost be moved to the art department."""
    page.goto(f"{url}/login/")
    sign_in(page, "camera", code)
    page.goto(f"{url}/p/NF/accounts/3300/?upto=7")
    page.locator("table.lines tbody th a").first.click()
    page.get_by_role("link", name="Ask that it be moved").click()
    line = page.locator("table.grid tbody th").first.inner_text()
    shot(page, "department-asks")
    page.get_by_label("Day").fill("2026-07-15")
    page.get_by_label("Lines").fill(f"{line} 2250")
    page.get_by_label("Why").fill("The crane stood on the art department's set")
    page.get_by_label("Signed document").set_input_files(
        {"name": "crane.txt", "mimeType": "text/plain", "buffer": b"it was ours, the art head"}
    )
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".notice").first).to_contain_text("waits for its signers")
    shot(page, "department-request")
    page.get_by_role("link", name="Requests").first.click()
    expect(page.get_by_role("main").get_by_role("link", name="OVR-")).to_have_count(1)
    shot(page, "department-requests")
    page.set_viewport_size(PHONE)
    shot(page, "department-requests-phone")


def waits_until_carried_out(page: Page, url: str) -> None:
    for _ in range(30):
        page.goto(url)
        if "carried out" in page.get_by_role("main").inner_text():
            break
        page.wait_for_timeout(2_000)
    expect(page.get_by_role("main")).to_contain_text("carried out")


def fresh(code_of: Callable[[str], str], used: list[str]) -> str:
    """What the executive's telephone shows, once it is none that was given already."""
    until = time.monotonic() + 60
    while (code := code_of("studio")) in used:
        assert time.monotonic() < until, "an app shows another code every half minute"
        time.sleep(1)
    used.append(code)
    return code


def gives(page: Page, code: str) -> None:
    page.get_by_label("Code of your authenticator app").fill(code)
    page.get_by_label("Pass phrase of your fallback key").fill(PHRASE)


def signs_without_a_passkey(
    page: Page, code_of: Callable[[str], str], base: str, others: Sequence[Page]
) -> None:
    """An executive whose device has none enrols a fallback key, is confirmed, and approves."""
    used = [code_of("studio")]
    page.goto(f"{base}/signers/")
    page.get_by_text("No passkey on your device?").click()
    gives(page, fresh(code_of, used))
    page.get_by_label("The pass phrase again").fill(PHRASE)
    shot(page, "fallback-enrol")
    page.get_by_role("button", name="Make my fallback key").click()
    expect(page.locator(".notice").first).to_contain_text("Your fallback key is proposed")
    shot(page, "fallback-proposed")
    for other in others:
        other.goto(f"{base}/signers/")
        expect(other.get_by_role("main")).to_contain_text("A fallback key for Evan Stone")
        shot(other, "fallback-confirm")
        confirms(other, 5)
    page.goto(f"{base}/")
    page.get_by_role("link", name="OVR-0002").click()
    gives(page, "000000")
    page.get_by_role("button", name="Approve by fallback").click()
    expect(page.locator(".notice.bad")).to_contain_text("The code or the pass phrase is not right")
    gives(page, fresh(code_of, used))
    shot(page, "fallback-approve")
    page.get_by_role("button", name="Approve by fallback").click()
    expect(page.locator(".notice").first).to_contain_text("Signed: OVR-0002 approved")
    page.goto(f"{base}/2/")
    expect(page.get_by_role("table", name="Signature tree")).to_contain_text("fallback key 5")
    shot(page, "fallback-tree")
    others[0].goto(f"{base}/")
    expect(others[0].get_by_role("main")).to_contain_text("signed by Evan Stone (fallback)")
    shot(others[0], "fallback-inbox")


def founds(accountant: Page, producer: Page, guarantor: Page) -> None:
    """Signing rules that take fallback signatures, and three passkeys."""
    accountant.get_by_label("Take fallback signatures").check()
    accountant.get_by_role("button", name="Propose the standard rules").click()
    expect(accountant.locator(".notice").first).to_contain_text("The rules are proposed")
    confirms(producer, 1)
    confirms(guarantor, 1)
    for page in (accountant, producer, guarantor):
        makes_a_key(page)
    confirms(producer, 2, 4)
    confirms(guarantor, 2, 3)
    shot(guarantor, "override-signers")
    confirms(accountant, 3, 4)


def test_an_override_is_signed_in_three_taps_on_a_telephone_and_carried_out(
    desks: Callable[[str], tuple[Page, Device]], complaints: Any, visit: Visit,
    code_of: Callable[[str], str],
) -> None:  # fmt: skip
    accountant, _ = desks("accountant")
    producer, device = desks("producer")
    guarantor, _ = desks("bond")
    base = f"{complaints.url}/p/NF/overrides"
    founds(accountant, producer, guarantor)
    asks(accountant, base, "1,500.00")
    asks(accountant, base, "2,500.00")
    shot(accountant, "override-asked")
    producer.goto(f"{base}/")
    shot(producer, "override-inbox")
    producer.get_by_role("link", name="OVR-0001").click()  # the first tap
    shot(producer, "override-approve")
    device.recognises_its_owner(False)
    producer.get_by_role("button", name="Approve").click()
    expect(producer.get_by_role("alert").filter(visible=True)).to_contain_text("No passkey")
    device.recognises_its_owner(True)
    producer.get_by_role("button", name="Approve").click()  # the second; the device is the third
    expect(producer.locator(".notice").first).to_contain_text("Signed: OVR-0001 approved")
    expect(producer.get_by_role("heading", level=1)).to_contain_text("OVR-0002")
    guarantor.goto(f"{base}/1/")
    guarantor.get_by_role("button", name="Approve").click()
    expect(guarantor.locator(".notice").first).to_contain_text("now approved")
    complaints.expect("409 ")
    signs_without_a_passkey(desks("studio")[0], code_of, base, (accountant, guarantor))
    guarantor.goto(f"{base}/2/")
    guarantor.get_by_text("Reject…").click()
    guarantor.get_by_label("Reason").fill("Which stage?")
    guarantor.get_by_role("button", name="Go on to sign").click()
    guarantor.get_by_role("button", name="Sign the rejection").click()
    expect(guarantor.locator(".notice").first).to_contain_text("rejected")
    waits_until_carried_out(accountant, f"{base}/1/")
    shot(accountant, "override-tree")
    accountant.get_by_role("button", name="Ratify").click()
    expect(accountant.locator(".notice").first).to_contain_text(re.compile("ratified, now"))
    accountant.set_viewport_size({"width": 1440, "height": 900})
    accountant.goto(f"{base}/")
    shot(accountant, "override-list")
    a_department_asks(visit(None, "about:blank"), complaints.url, code_of("camera"))

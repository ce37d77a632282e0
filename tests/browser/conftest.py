"""A real Chromium against the whole house: server, worker and beat, with the demo film in it.

The house has a home of its own, made anew for each run. Whatever a page does that its policy or
its console complains of, or that asks another site, fails the test that visited it.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from demo import film

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".local" / "browser"
LETTERS = HOME / "letters"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
expect.set_options(timeout=30_000)  # two cores may have other work
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
START_SECONDS = 120
FAILED = pytest.StashKey[bool]()

Visit = Callable[..., Page]


def _environment(port: int) -> dict[str, str]:
    """The tests' own role and server are not the house's."""
    kept = {k: v for k, v in os.environ.items()
            if k not in ("PRODACCT_ROLE", "DATABASE_URL", "BROKER_URL")}  # fmt: skip
    return {**kept, "PRODACCT_HOME": str(HOME), "PRODACCT_PORT": str(port),
            "PRODACCT_MAIL": f"file://{LETTERS}"}  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/login/", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="session")
def house() -> Iterator[str]:
    """The address of a running house with Night Ferry loaded."""
    port = _free_port()
    environment = _environment(port)

    def run(*command: str) -> None:
        subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=True)

    run("-m", "prodacct.local", "remove")
    run("manage.py", "demo")
    url = f"http://127.0.0.1:{port}"
    with (HOME / "house.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "prodacct.supervise"],
            cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(url):
                assert process.poll() is None and time.monotonic() < deadline, (
                    HOME / "house.log"
                ).read_text()
                time.sleep(0.2)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Complaints:
    """Everything a page should never do, as it is heard."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: list[str] = []
        self.expected: list[str] = []

    def expect(self, pattern: str) -> None:
        """Let what matches pass: a page that is asked for because it is refused."""
        self.expected.append(pattern)

    def listen(self, context: BrowserContext) -> None:
        context.expose_binding("complain", lambda _, said: self.heard.append(f"policy: {said}"))
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', (event) =>"
            " window.complain(`${event.violatedDirective} ${event.blockedURI}`))"
        )
        context.on("request", self._request)
        context.on("page", self._page)

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.url + "/", "data:", "about:")):
            self.heard.append(f"elsewhere: {request.url}")

    def _page(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.heard.append(f"script: {error}"))
        page.on("dialog", self._dialog)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.heard.append(f"console: {message.text}")

    def _dialog(self, dialog: Any) -> None:
        self.heard.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    @property
    def unexpected(self) -> list[str]:
        return [said for said in self.heard if not any(re.search(e, said) for e in self.expected)]


@pytest.fixture
def complaints(house: str) -> Iterator[Complaints]:
    kept = Complaints(house)
    yield kept
    assert kept.unexpected == []


@pytest.fixture(scope="session")
def signed_in_as(house: str, chromium: Browser) -> Callable[[str], Any]:
    """The cookies of a person of the film; each signs in once a session, by the form."""
    known: dict[str, Any] = {}

    def cookies(person: str) -> Any:
        if person not in known:
            context = chromium.new_context(base_url=house)
            page = context.new_page()
            page.goto("/login/")
            page.get_by_label("E-mail").fill(f"{person}@nightferry.example")
            page.get_by_label("Password").fill(film.PASSWORD)
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.get_by_label("Code of your authenticator app").fill(_code_of(person))
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url(re.compile(r"/p/NF/"))
            known[person] = context.storage_state()
            context.close()
        return known[person]

    return cookies


@pytest.fixture(scope="session")
def code_of(house: str) -> Callable[[str], str]:
    """code_of("camera") is what the person's telephone shows now."""
    return _code_of


def _code_of(person: str) -> str:
    """The code that somebody of the film has on their telephone now."""
    said = subprocess.run(
        [sys.executable, "manage.py", "demo", "--codes"],
        cwd=ROOT, env=_environment(0), check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    (line,) = [line for line in said.splitlines() if f" {person}@" in line]
    return line.split()[0]


def _tell(page: Page) -> None:
    """Where a page stood when its test failed: what a wait that ran out does not say."""
    said = page.locator("[role=alert], .fault, .notice, [role=status]").all_inner_texts()
    focused = page.evaluate("document.activeElement?.outerHTML.slice(0, 200)")
    print(f"at {page.url} ({page.title()}), focus in {focused}, says {said}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture
def visit(
    request: pytest.FixtureRequest,
    house: str,
    chromium: Browser,
    complaints: Complaints,
    signed_in_as: Callable[[str], Any],
) -> Iterator[Visit]:
    """visit("camera", "/p/NF/") opens a page as Kari Lind; None is nobody."""
    opened: list[BrowserContext] = []

    def open_page(person: str | None, path: str = "/", **options: Any) -> Page:
        options.setdefault("viewport", DESK)
        if person:
            options["storage_state"] = signed_in_as(person)
        context = chromium.new_context(base_url=house, **options)
        context.set_default_timeout(30_000)
        opened.append(context)
        complaints.listen(context)
        page = context.new_page()
        page.goto(path)
        return page

    yield open_page
    if FAILED in request.node.stash:
        for page in (page for context in opened for page in context.pages):
            _tell(page)
        print((HOME / "house.log").read_text()[-2000:])
    for context in opened:
        context.close()

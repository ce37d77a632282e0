"""Large files: a cut connection, a closed page, the same file again, and a change of mind."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser
MIB = 1024 * 1024


def large_file(folder: Path, word: str, size: int) -> Path:
    """A file of cost lines that is held by its first row alone: the rest is one long remark."""
    head = (
        "transaction_id,account_code,cost_center,amount,currency,jurisdiction,"
        "transaction_date,vendor,description\n"
    )
    row = f"{word}-%d,3355,CAM,1.00,USD,NON-UNION,2026-08-18,Sent in pieces,{word * 20}\n"
    path = folder / f"{word}.csv"
    with path.open("w") as file:
        file.write(head)
        n = 0
        while file.tell() < size:
            n += 1
            file.write(row % n)
    return path


def choose(page: Page, path: Path) -> None:
    page.get_by_label("Files").set_input_files(path)
    page.get_by_label("Source").select_option("cost-lines")
    page.get_by_role("button", name="Receive").click()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def batches_named(page: Page, name: str) -> int:
    page.goto("/p/NF/imports/")
    return page.locator("#batches tbody tr", has_text=name).count()


def test_a_cut_connection_is_waited_for_and_the_file_arrives_once(
    visit: Visit, complaints: Any, tmp_path: Path
) -> None:
    complaints.expect("ERR_FAILED")
    path = large_file(tmp_path, "cut", 14 * MIB)
    page = visit("accountant", "/p/NF/imports/")
    offsets: list[str] = []

    def cut(route: Route) -> None:
        offsets.append(route.request.headers["upload-offset"])
        if len(offsets) in (2, 3):
            route.abort()
        else:
            route.continue_()

    page.route(re.compile(r"/imports/upload/\d+/$"), cut)
    choose(page, path)
    page.wait_for_url(re.compile(r"/imports/\d+/"), timeout=60_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("cut.csv")
    expect(page.locator("main")).to_contain_text(digest(path))
    piece = 4 * MIB
    assert offsets == [str(n) for n in (0, piece, piece, piece, 2 * piece, 3 * piece)]
    expect(page.locator(".progress-line .state")).to_have_text("Posted", timeout=180_000)
    assert batches_named(page, "cut.csv") == 1


def test_a_closed_page_costs_nothing_that_had_arrived(
    visit: Visit, complaints: Any, tmp_path: Path
) -> None:
    complaints.expect("ERR_FAILED")
    path = large_file(tmp_path, "closed", 10 * MIB)
    page = visit("accountant", "/p/NF/imports/")
    sent: list[str] = []

    def stop(route: Route) -> None:
        sent.append(route.request.headers["upload-offset"])
        if len(sent) == 1:
            route.continue_()
        else:
            route.abort()

    page.route(re.compile(r"/imports/upload/\d+/$"), stop)
    choose(page, path)
    expect(page.locator("#file-list")).to_contain_text("Waiting for the connection", timeout=60_000)
    page.close()

    page = visit("accountant", "/p/NF/imports/")
    expect(page.get_by_role("heading", name="Unfinished uploads")).to_be_visible()
    left = page.locator(".unfinished li", has_text="closed.csv")
    expect(left).to_contain_text("4.0\xa0MB of 10.0\xa0MB arrived (39 %)")
    again: list[str] = []
    page.on("request", lambda r: again.append(r.headers.get("upload-offset", "")))
    choose(page, path)
    page.wait_for_url(re.compile(r"/imports/\d+/"), timeout=60_000)
    expect(page.locator("main")).to_contain_text(digest(path))
    assert [at for at in again if at] == [str(4 * MIB), str(8 * MIB)]
    assert batches_named(page, "closed.csv") == 1
    expect(page.locator(".unfinished li", has_text="closed.csv")).to_have_count(0)


def test_a_file_that_is_here_is_answered_without_being_sent(visit: Visit, tmp_path: Path) -> None:
    path = large_file(tmp_path, "twice", MIB)
    page = visit("accountant", "/p/NF/imports/")
    choose(page, path)
    page.wait_for_url(re.compile(r"/imports/\d+/$"))
    page.goto("/p/NF/imports/")
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.headers.get("upload-offset", "")))
    choose(page, path)
    page.wait_for_url(re.compile(r"/imports/\d+/\?repeat=1"))
    expect(page.locator("main")).to_contain_text("nothing posted twice")
    assert not any(sent)


def test_an_upload_can_be_given_up(visit: Visit, complaints: Any, tmp_path: Path) -> None:
    complaints.expect("ERR_FAILED")
    path = large_file(tmp_path, "given-up", 5 * MIB)
    page = visit("accountant", "/p/NF/imports/")
    held = re.compile(r"/imports/upload/\d+/$")
    page.route(held, lambda route: route.abort())
    choose(page, path)
    expect(page.get_by_label("Progress of given-up.csv")).to_be_visible()
    expect(page.locator("#file-list")).to_contain_text("Waiting for the connection", timeout=60_000)
    page.get_by_role("button", name="Cancel the upload of given-up.csv").click()
    expect(page.locator("#file-list")).to_contain_text("Cancelled; nothing of it was kept.")
    expect(page.get_by_role("button", name="Receive")).to_be_enabled()
    assert batches_named(page, "given-up.csv") == 0
    expect(page.locator(".unfinished li", has_text="given-up.csv")).to_have_count(0)

"""Everything a hand on the keyboard can do. The map is pinned: a key learnt stays what it is."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.keyboard import press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]

ON_THE_COST_REPORT = [
    ("g c", "Go to the cost report"),
    ("g b", "Go to the budget"),
    ("g i", "Go to import"),
    ("g q", "Go to quarantine"),
    ("g t", "Go to the cost codes"),
    ("g o", "Go to orders"),
    ("g n", "Go to invoices"),
    ("g y", "Go to payments"),
    ("g j", "Go to journals"),
    ("g h", "Go to petty cash and cards"),
    ("g v", "Go to vendors"),
    ("g k", "Go to the bible"),
    ("g l", "Go to the trial balance"),
    ("g p", "Go to the periods"),
    ("g a", "Go to the audit"),
    ("f p", "Choose the period"),
    ("j", "Next row"),
    ("k", "Previous row"),
    ("Enter", "Open the row"),
    ("[", "Previous record, page or period"),
    ("]", "Next record, page or period"),
    ("Esc", "Leave the field, close what is open"),
    ("p", "Print"),
    ("?", "Show these keys"),
]


def row_in_focus(page: Page) -> int:
    return int(
        page.evaluate(
            "[...document.querySelectorAll('table[data-rows] tbody tr')]"
            ".indexOf(document.activeElement.closest('tr'))"
        )
    )


def test_the_keys_go_where_the_list_says(visit: Visit) -> None:
    page = visit("accountant", "/p/NF/imports/")
    for keys, path in (("g c", "cost-report"), ("g q", "quarantine"), ("g i", "imports")):
        press(page, keys)
        page.wait_for_url(f"**/p/NF/{path}/")


def test_j_and_k_walk_the_rows_and_enter_opens_the_one_in_focus(visit: Visit) -> None:
    page = visit("accountant", "/p/NF/accounts/3300/?upto=7")
    seen = []
    for key in ("j", "j", "j", "k"):
        press(page, key)
        seen.append(row_in_focus(page))
    assert seen == [0, 1, 2, 1]
    press(page, "k k k")
    assert row_in_focus(page) == 0, "above the first row there is none"
    reference = page.evaluate("document.activeElement.textContent")
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(reference)
    press(page, "u")
    page.wait_for_url(re.compile("/accounts/"))


def test_brackets_step_through_the_periods(visit: Visit) -> None:
    page = visit("camera", "/p/NF/cost-report/?period=5")
    press(page, "]")
    page.wait_for_url("**period=6*")
    press(page, "[")
    page.wait_for_url("**period=5*")


def test_the_question_mark_lists_the_keys_of_the_page(visit: Visit) -> None:
    page = visit("accountant", "/p/NF/cost-report/?period=5")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_hidden()
    press(page, "?")
    expect(dialog).to_be_visible()
    listed = [
        (" ".join(row.locator("kbd").all_inner_texts()), row.locator("td").inner_text())
        for row in dialog.locator("tbody tr").all()
    ]
    assert listed == ON_THE_COST_REPORT
    press(page, "Escape")
    expect(dialog).to_be_hidden()


def test_a_letter_typed_in_a_field_is_a_letter(visit: Visit) -> None:
    page = visit("accountant", "/p/NF/quarantine/")
    page.locator("details[open] tbody th a").first.click()
    page.get_by_label("Reason").fill("")
    page.get_by_label("Reason").press_sequentially("g c ? j")
    expect(page.get_by_label("Reason")).to_have_value("g c ? j")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_single_letter_keys_can_be_switched_off(visit: Visit) -> None:
    page = visit("camera", "/p/NF/cost-report/")
    press(page, "?")
    page.get_by_label("Single-letter keys").uncheck()
    press(page, "Escape")
    page.reload()
    press(page, "j")
    assert row_in_focus(page) == -1
    press(page, "?")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_folded_category_stays_folded_when_the_page_is_loaded_again(visit: Visit) -> None:
    page = visit("camera", "/p/NF/cost-report/")
    row = page.locator("tr", has=page.locator('th:text-is("3310")'))
    expect(row).to_be_visible()
    page.get_by_role("button", name="3300").press("Enter")
    expect(row).to_be_hidden()
    page.reload()
    expect(row).to_be_hidden()
    page.get_by_role("button", name="Collapse all").click()
    page.get_by_role("button", name="Expand all").click()
    expect(row).to_be_visible()

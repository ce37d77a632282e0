"""Keys, pressed once the page they are meant for listens: its scripts run when it has loaded."""

from playwright.sync_api import Page


def press(page: Page, keys: str) -> None:
    """Press keys one after the other: `g c`, `Control+Enter`."""
    page.wait_for_load_state("load")
    for key in keys.split():
        page.keyboard.press(key)


def paste(page: Page, text: str) -> None:
    """Press the keys that paste, with a spreadsheet's rows on the clipboard."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    press(page, "Control+v")

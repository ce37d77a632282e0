"""One door to every budget format: what the bytes are decides, not the file's name."""

from budgets.formats import json_file, tab_file
from budgets.formats.stated import Fault, Reading

MOST_BYTES = 8_000_000


def read(data: bytes, assumed: str) -> Reading:
    """The rows a budget file states, or its faults; `assumed` is its currency if it states none."""
    if len(data) > MOST_BYTES:
        fix = "Export accounts only."
        wrong = Fault(0, "file", f"at most {MOST_BYTES:,} bytes", f"{len(data):,}", fix)
        return Reading((), "", (wrong,))
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"["):
        return json_file.read(data, assumed)
    return tab_file.read(data, assumed)

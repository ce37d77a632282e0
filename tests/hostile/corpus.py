"""The corpus of bad files, and what every reader owes each of them."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from ingestion.formats.records import Dialect, Span

MADE = Path(__file__).parent / "made"
COST_LINE = [
    "transaction_id",
    "account_code",
    "cost_center",
    "amount",
    "currency",
    "jurisdiction",
    "transaction_date",
    "vendor",
]
# The codes a reader of bytes gives; the others in the corpus belong to mapping and schema.
FORMAT_ROW_CODES = {
    "E_ENCODING_ROW",
    "E_QUOTE",
    "E_FIELD_COUNT",
    "E_FIELD_TOO_LONG",
    "E_HEADER_REPEAT",
    "E_SUSPECT_SWALLOW",
    "E_TOO_WIDE",
    "E_TOTAL_ROW",
    "E_FORMULA_NO_CACHED_VALUE",
}
DECLARED = {"enc/06_cp1252.csv": Dialect(encoding="cp1252")}

EXPECTED: dict[str, Any] = json.loads((MADE / "expected.json").read_text())
FILE_NAMES: list[str] = EXPECTED.pop("_filenames")


def recognise(header: list[str]) -> bool:
    """Whether a record names the eight columns of a cost line, spelling aside."""
    return {re.sub(r"[^a-z0-9]+", "_", name.strip().lower()) for name in header} >= set(COST_LINE)


def cut(data: bytes, size: int = 65_536) -> Iterator[bytes]:
    """The bytes of a file in pieces."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


def expected_row_codes(verdict: dict[str, Any]) -> dict[int, str]:
    """Which rows the corpus says a reader must quarantine by itself."""
    outcomes = {int(row): outcome.partition(":") for row, outcome in verdict["rows"].items()}
    return {
        row: code
        for row, (outcome, _, code) in outcomes.items()
        if outcome == "quarantine" and code in FORMAT_ROW_CODES
    }


def assert_cover(spans: list[Span], size: int) -> None:
    """Every byte of the file belongs to exactly one span."""
    assert spans[0].start == 0
    assert spans[-1].end == size
    assert all(one.end == two.start for one, two in pairwise(spans))
    assert all(span.start < span.end for span in spans)

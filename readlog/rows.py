"""How many rows an answer shows, as well as can be told from what was sent. Pure."""

import csv
import json
import re

_TABLE_BODY = re.compile(rb"<tbody\b.*?</tbody>", re.DOTALL)
_ROW = re.compile(rb"<tr\b")


def rows_in(content_type: str, body: bytes) -> int | None:
    """Rows in tables of a page, records of a CSV under its header, members of a JSON list.

    None for anything else: a received file or a picture has no rows that can be counted.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/html":
        return sum(len(_ROW.findall(part)) for part in _TABLE_BODY.findall(body))
    if kind == "text/csv":
        records = sum(1 for _ in csv.reader(body.decode("utf-8", "replace").splitlines()))
        return max(records - 1, 0)
    if kind == "application/json":
        return _members(body)
    return None


def rows_worth(content_type: str, body: bytes) -> int:
    """How much an answer counts as read: its rows, or what its bytes are worth of them.

    Counted fast, for it is done for every answer. A line of a spreadsheet takes about a hundred
    bytes packed; of a received file, a picture or a PDF two thousand count as one row.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/html":
        return body.count(b"<tr")
    if kind == "text/csv":
        return body.count(b"\n")
    if kind == "application/json":
        return _members(body) or 1
    return len(body) // (100 if "spreadsheet" in kind else 2_000)


def _members(body: bytes) -> int | None:
    try:
        said = json.loads(body)
    except ValueError:
        return None
    if isinstance(said, dict):
        said = said.get("rows", said.get("results"))
    return len(said) if isinstance(said, list) else None

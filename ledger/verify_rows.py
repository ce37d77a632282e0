"""The records beside the journal (nodes, orders, papers …) against what their log entries say.

The database writes every state of an audited row into its unit's log (sql/audit.sql), so a row
that is not as its last entry says was changed behind the database's back.
"""

import json
from collections.abc import Iterator
from typing import Any

from ledger.findings import Finding, parsed, rows

_APPENDED = """
SELECT n.id, n.code, n.actor_id IS NOT NULL, n.flag <> '' OR n.reason = '',
    n.branch_id IS NOT DISTINCT FROM
        CASE WHEN n.flag = 'OVERRIDE' THEN n.id ELSE p.branch_id END,
    n.actor_id IS NOT NULL OR n.flag = '', journal.node_data(n)
FROM taxonomy_costnode n
LEFT JOIN taxonomy_costnode p ON p.id = n.parent_id AND p.production_id = n.production_id
WHERE n.production_id = %s ORDER BY n.id
"""


def verify_appended(production_id: int) -> Iterator[Finding]:
    """What digests do not cover of a node: who appended it and why, and the branch it is in."""
    told: dict[str, dict[str, Any]] = {}
    for unit_id, seq, line in rows(
        "SELECT unit_id, seq, convert_to(line, 'UTF8') FROM ledger_logentry"
        " WHERE production_id = %s AND type = 'node' ORDER BY unit_id, seq",
        [production_id],
    ):
        entry = parsed(bytes(line))
        if entry is not None:  # a line that does not parse is found with the log
            told[str(entry["data"].get("node"))] = {**entry["data"], "at": f"{unit_id}#{seq}"}
    for node_id, code, is_appended, is_plain, in_branch, has_actor, data in rows(
        _APPENDED, [production_id]
    ):
        name = f"cost node {node_id}, {code}"
        entry = told.pop(str(node_id), None)
        if not in_branch:
            yield Finding(name, "it is not in the branch its parent is in")
        if not is_plain or not has_actor:
            yield Finding(name, "it gives a reason, or a flag, that nobody gave it")
        if entry is None:
            if is_appended:
                yield Finding(name, "no log entry tells of it")
            continue
        said = {k: v for k, v in entry.items() if k != "at"}
        for field, value in json.loads(data).items():
            if said.get(field) != value:
                yield Finding(name, f"{field} was logged as {said.get(field)!r}, is {value!r}")
    for node, entry in told.items():
        yield Finding(f"cost node {node}, {entry.get('code')}", "it was logged, and is gone")


def verify_audited(production_id: int) -> Iterator[Finding]:
    """Every row whose states the database logs, held against the last state that was logged."""
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for _, _, line in rows(
        "SELECT unit_id, seq, convert_to(line, 'UTF8') FROM ledger_logentry"
        " WHERE production_id = %s AND type = 'row' ORDER BY unit_id, seq",
        [production_id],
    ):
        entry = parsed(bytes(line))
        row = entry["data"].get("row") if entry else None
        if entry is not None and isinstance(row, dict):  # what does not parse is found with the log
            told[str(entry["data"].get("table")), str(row.get("id"))] = row
    for table, row_id, image in rows("SELECT * FROM journal.audited_rows(%s)", [production_id]):
        name, was, now = _record(table, row_id), told.pop((table, row_id), None), json.loads(image)
        if was is None:
            yield Finding(name, "no log entry tells of it")
            continue
        for field in sorted(set(was) | set(now)):
            # A column that came later was empty in every row there was.
            before, after = was.get(field, ""), now.get(field, "")
            if before != after:
                yield Finding(name, f"{field} was logged as {before!r}, is {after!r}")
    for table, row_id in told:
        yield Finding(_record(table, row_id), "it was logged, and is gone")


def _record(table: str, row_id: str) -> str:
    """An audited row as people call it: attachment 7."""
    return f"{table.partition('_')[2]} {row_id}"

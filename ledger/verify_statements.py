"""The lines of bank statements against what the log says of them.

The database logs, as lines come, of each statement: which numbers, how many, what they come to and
their digest (sql/statements.sql). A line that was altered, added or removed does not come to that.
"""

import hashlib
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ledger.findings import Finding, parsed, rows, rows_in_turn

_COUNT = re.compile(r"[0-9]{1,18}", re.ASCII)
_LINES = """
SELECT l.statement_id::text, l.number, l.amount::text, journal.statement_leaf(l),
    (l.production_id, l.bank_account_id) IS NOT DISTINCT FROM (s.production_id, s.bank_account_id)
FROM ledger_statementline l LEFT JOIN ledger_bankstatement s ON s.id = l.statement_id
WHERE l.production_id = %s ORDER BY l.statement_id, l.number
"""


def verify_statements(production_id: int) -> Iterator[Finding]:
    """Every line of every statement, held against the entries that tell of it."""
    told: dict[str, list[dict[str, Any]]] = {}
    for (line,) in rows(
        "SELECT convert_to(line, 'UTF8') FROM ledger_logentry"
        " WHERE production_id = %s AND type = 'statement' ORDER BY unit_id, seq",
        [production_id],
    ):
        entry = parsed(bytes(line))
        if entry is not None:  # a line that does not parse is found with the log
            told.setdefault(str(entry["data"].get("statement")), []).append(entry["data"])
    statement = ""
    leaves: dict[int, bytes] = {}
    total: dict[int, str] = {}
    for statement_id, number, amount, leaf, is_whole in rows_in_turn(_LINES, [production_id]):
        if statement_id != statement:
            yield from _compared(statement, told.pop(statement, []), leaves, total)
            statement, leaves, total = statement_id, {}, {}
        if not is_whole:
            yield Finding(f"bank statement {statement_id}", f"line {number} is not of its account")
        leaves[number], total[number] = bytes(leaf), amount
    yield from _compared(statement, told.pop(statement, []), leaves, total)
    for gone, entries in told.items():
        yield from _compared(gone, entries, {}, {})


def _compared(
    statement: str,
    entries: list[dict[str, Any]],
    leaves: dict[int, bytes],
    amounts: dict[int, str],
) -> Iterator[Finding]:
    name = f"bank statement {statement}"
    untold = set(leaves)
    for entry in entries:
        said = [str(entry.get(word, "")) for word in ("first", "last", "lines")]
        if not all(map(_COUNT.fullmatch, said)):  # of an altered entry, which is found with the log
            yield Finding(name, "an entry does not say which of its lines it tells of")
            continue
        first, last, lines = map(int, said)
        numbers = sorted(n for n in leaves if first <= n <= last)
        untold.difference_update(numbers)
        stretch = f"lines {first} to {last}"
        if len(numbers) != lines:
            yield Finding(name, f"{stretch}: {lines} were logged, {len(numbers)} are there")
            continue
        digest = hashlib.sha256(b"".join(leaves[n] for n in numbers)).hexdigest()
        if digest != entry.get("digest"):
            come_to = sum((Decimal(amounts[n]) for n in numbers), Decimal(0))
            yield Finding(
                name,
                f"{stretch} do not hash to what was logged; they came to {entry.get('total')}, "
                f"and come to {come_to}",
            )
    if untold:
        yield Finding(name, f"no log entry tells of line {min(untold)}")

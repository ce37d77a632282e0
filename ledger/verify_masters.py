"""What figures are read by and converted with: accounts, periods, rates, and filled holes.

No leaf covers these rows; they are held against what does not change with them. An account and a
period are as their history's last version says; a closed period was closed in the office's log; a
conversion is of the sheet it names, which is audited; a document that fills a hole puts back that
hole's lines. That a posted account is the one of the cost node in the posting's own leaf is seen
where postings are grouped for their totals.
"""

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import chain

from ledger.findings import Finding, parsed, rows

# Row and last version side by side, without what a version says of itself.
_VERSIONS = """
SELECT coalesce(x.id, h.id), x.row, h.row FROM (
    SELECT id, to_jsonb(m) AS row FROM {master} m WHERE production_id = %(p)s) x
FULL JOIN (
    SELECT DISTINCT ON (v.id) v.id, v.history_type, to_jsonb(v) - ARRAY['history_id',
        'history_date', 'history_type', 'history_user_id', 'history_change_reason'] AS row
    FROM {history} v WHERE v.production_id = %(p)s ORDER BY v.id, v.history_id DESC) h
ON h.id = x.id
WHERE x.row IS DISTINCT FROM h.row ORDER BY 1
"""
_OFF_THE_TREE = """
SELECT a.id, a.code, a.line FROM ledger_account a
WHERE a.production_id = %(p)s AND a.is_postable AND NOT EXISTS (
    SELECT 1 FROM taxonomy_costnode n WHERE n.production_id = a.production_id
        AND n.kind = 'account' AND n.code = a.code AND n.line = a.line)
    AND NOT EXISTS (  -- a bank account comes later than the chart, and holds no cost
        SELECT 1 FROM ledger_bankaccount k WHERE k.production_id = a.production_id
            AND k.account_id = a.id)
ORDER BY a.id
"""
_CLOSINGS = """
SELECT convert_to(line, 'UTF8') FROM ledger_logentry
WHERE production_id = %(p)s AND type = 'period.close'
"""
_PERIODS = """
SELECT id, number::text, starts_on::text, ends_on::text, state = 'closed' FROM ledger_period
WHERE production_id = %(p)s ORDER BY id
"""
# What a batch says it converted, beside what it did. Batches that take documents back carry the
# value those had, so their lines are not counted.
_CONVERSIONS = """
SELECT coalesce(c.batch_id, u.batch_id), coalesce(c.currency, u.currency),
    coalesce(c.day, u.day)::text, c.day IS NOT NULL,
    coalesce(c.day BETWEEN s.published_on AND s.published_on + 7, false),
    c.numerator::text, CASE WHEN f.currency = 'EUR' THEN '1' ELSE s.rates ->> f.currency END,
    c.denominator::text, CASE WHEN c.currency = 'EUR' THEN '1' ELSE s.rates ->> c.currency END,
    c.lines, coalesce(u.lines, 0), r.batch_id IS NOT NULL
FROM (SELECT * FROM ledger_conversion WHERE production_id = %(p)s) c
FULL JOIN (
    SELECT p.batch_id, p.currency, t.effective_date AS day, count(*) AS lines
    FROM ledger_posting p
    JOIN access_production f ON f.id = p.production_id
    JOIN ledger_transaction t ON t.production_id = p.production_id AND t.batch_id = p.batch_id
        AND t.number = p.transaction_number
    WHERE p.production_id = %(p)s AND p.currency <> f.currency AND p.base_amount IS NOT NULL
      AND (p.amount <> 0 OR p.component = 'fx_unrealised')
    GROUP BY p.batch_id, p.currency, t.effective_date) u
ON u.batch_id = c.batch_id AND u.currency = c.currency AND u.day = c.day
JOIN access_production f ON f.id = %(p)s
LEFT JOIN (SELECT DISTINCT batch_id FROM ledger_transaction
    WHERE production_id = %(p)s AND reverses_batch_id IS NOT NULL) r
ON r.batch_id = coalesce(c.batch_id, u.batch_id)
LEFT JOIN ledger_ratesheet s ON s.id = c.sheet_id AND s.production_id = c.production_id
ORDER BY 1, 2, 3
"""
_LINES = """p.book, p.account_id, p.counter_account_id, p.cost_center_id, p.node_id, p.component,
    p.line, p.rule, p.currency, p.amount, p.commitment_id, p.segments"""
_HOLES = f"""
WITH wanted AS (
    SELECT f.batch_id, f.number, {_LINES} FROM ledger_filledhole f
    LEFT JOIN ledger_posting p ON p.production_id = f.production_id
        AND p.batch_id = f.hole_batch_id AND p.transaction_number = f.hole_number
        AND p.base_amount IS NULL
    WHERE f.production_id = %(p)s),
found AS (
    SELECT p.batch_id, p.transaction_number, {_LINES}
    FROM ledger_batch b JOIN ledger_posting p
        ON p.production_id = b.production_id AND p.batch_id = b.id
    WHERE b.production_id = %(p)s AND b.kind = 'fx_convert'
      AND p.base_amount IS NOT NULL AND p.component <> 'fx_rounding')
SELECT DISTINCT batch_id, number FROM (
    (SELECT * FROM wanted EXCEPT ALL SELECT * FROM found)
    UNION ALL (SELECT * FROM found EXCEPT ALL SELECT * FROM wanted)) x ORDER BY 1, 2
"""  # noqa: S608 - the columns stand above


def verify_masters(production_id: int) -> Iterator[Finding]:
    """Accounts, periods, conversions and filled holes of a production."""
    return chain(
        _verify_versions(production_id, "account"),
        _verify_versions(production_id, "period"),
        _verify_accounts(production_id),
        _verify_closings(production_id),
        _verify_conversions(production_id),
        _verify_holes(production_id),
    )


def _verify_versions(production_id: int, word: str) -> Iterator[Finding]:
    sql = _VERSIONS.format(master=f"ledger_{word}", history=f"ledger_historical{word}")
    for row_id, live, last in rows(sql, {"p": production_id}):
        now, was = (json.loads(row) if row else None for row in (live, last))
        name = f"{word} {row_id}"
        if now is None:
            yield Finding(name, "its history has it, and it is gone")
        elif was is None:
            yield Finding(name, "no history tells of it")
        else:
            for field in sorted(f for f in now if now[f] != was.get(f)):
                yield Finding(name, f"{field} was {was.get(field)!r}, is {now[field]!r}")


def _verify_accounts(production_id: int) -> Iterator[Finding]:
    for account_id, code, line in rows(_OFF_THE_TREE, {"p": production_id}):
        yield Finding(f"account {account_id}", f"the cost tree has no {code} that is {line}")


def _verify_closings(production_id: int) -> Iterator[Finding]:
    told = set()
    for (line,) in rows(_CLOSINGS, {"p": production_id}):
        entry = parsed(bytes(line))
        if entry is not None:  # a line that does not parse is found with the log
            data = entry["data"]
            told.add(
                (str(data.get("period")), str(data.get("starts_on")), str(data.get("ends_on")))
            )
    for period_id, *said, is_closed in rows(_PERIODS, {"p": production_id}):
        if is_closed != (tuple(said) in told):
            was = "open" if is_closed else "closed"
            yield Finding(f"period {period_id}", f"wk {said[0]} is {was} by the log, and is not")


def _verify_conversions(production_id: int) -> Iterator[Finding]:
    for row in rows(_CONVERSIONS, {"p": production_id}):
        batch, currency, day, is_kept, is_of_sheet, *rates, lines, used, takes_back = row
        name = f"conversion of batch {batch}, {currency} {day}"
        if not is_kept:
            if not takes_back:
                yield Finding(name, "lines were converted, and no rate of theirs is kept")
        elif not is_of_sheet:
            yield Finding(name, "its sheet is not of that day or the week before it")
        elif not (_same(*rates[:2]) and _same(*rates[2:])):
            yield Finding(name, f"its rate is {rates[0]}/{rates[2]}, published were "
                          f"{rates[1]}/{rates[3]}")  # fmt: skip
        elif lines != used and not takes_back:
            yield Finding(name, f"it says {lines} lines, and {used} were converted")


def _same(kept: str, published: str | None) -> bool:
    """Whether two spellings are one rate: 1.6 and 1.60000000. What is no number is none."""
    try:
        return published is not None and Decimal(kept) == Decimal(published)
    except InvalidOperation:
        return False


def _verify_holes(production_id: int) -> Iterator[Finding]:
    for batch, number in rows(_HOLES, {"p": production_id}):
        yield Finding(
            f"filled hole {batch}/{number}", "it does not put back the lines it takes out"
        )

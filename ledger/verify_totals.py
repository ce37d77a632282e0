"""The postings grouped once: what they add up to, and whether what they name is there."""

from collections.abc import Iterator

from ledger.findings import Finding, rows

# What postings (x) name, and that some of it is not there.
_OWNERS = """
LEFT JOIN ledger_account a ON a.id = x.account_id AND a.production_id = %(p)s
LEFT JOIN ledger_account k ON k.id = x.counter_account_id AND k.production_id = %(p)s
LEFT JOIN taxonomy_costcenter c ON c.id = x.cost_center_id AND c.production_id = %(p)s
LEFT JOIN taxonomy_costnode n ON n.id = x.node_id AND n.production_id = %(p)s
LEFT JOIN ledger_period e ON e.id = x.period_id AND e.production_id = %(p)s
"""
_GONE = "a.id IS NULL OR k.id IS NULL OR c.id IS NULL OR n.id IS NULL OR e.id IS NULL"
# Both legs of the postings, the totals taken away from them: what remains must be nothing. The
# postings are grouped once before their legs are; both together are grouped once more. What has no
# value is summed apart from what has one. What postings name is looked up a group at a time: one by
# one, a million postings are joined with five tables.
_TOTALS = f"""
WITH moved AS MATERIALIZED (
    SELECT batch_id, unit_id, book, account_id, counter_account_id, cost_center_id, currency,
           period_id, node_id, base_amount IS NOT NULL AS is_converted, sum(amount) AS amount,
           sum(base_amount) AS base_amount, count(*) AS lines
    FROM ledger_posting WHERE production_id = %(p)s AND batch_id BETWEEN %(first)s AND %(last)s
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
), both_sides AS (
    SELECT batch_id, unit_id, book, account_id, cost_center_id, currency, period_id,
           amount, base_amount, lines, is_converted, false AS is_kept
    FROM moved
    UNION ALL
    SELECT batch_id, unit_id, book, counter_account_id, cost_center_id, currency, period_id,
           -amount, -base_amount, lines, is_converted, false
    FROM moved
    UNION ALL
    SELECT batch_id, unit_id, book, account_id, cost_center_id, currency, period_id,
           -amount, -base_amount, -lines, base_amount IS NOT NULL, true
    FROM ledger_batchtotal
    WHERE production_id = %(p)s AND batch_id BETWEEN %(first)s AND %(last)s
)
(SELECT batch_id, account_id, -sum(amount) FILTER (WHERE is_kept),
       sum(amount) FILTER (WHERE NOT is_kept), true AS is_of_total
FROM both_sides
GROUP BY batch_id, unit_id, book, account_id, cost_center_id, currency, period_id, is_converted
HAVING sum(amount) <> 0 OR sum(base_amount) <> 0 OR sum(lines) <> 0
ORDER BY 1, 2 LIMIT 100)
UNION ALL
(SELECT x.batch_id, x.account_id, 0, 0, false
FROM moved x
{_OWNERS}
WHERE ({_GONE}
    OR n.code <> a.code) LIMIT 1)
"""  # noqa: S608 - what is put in stands above
# What is grouped at a time stays in the memory a statement has: all at once it is sorted on disk,
# which takes half as long again.
_POSTINGS_AT_A_TIME = 20_000
_STRETCHES = """
SELECT max(id) FROM (
    SELECT id, sum(greatest(line_count, 0)) OVER (ORDER BY id) AS lines
    FROM ledger_batch WHERE production_id = %(p)s) b
GROUP BY div(lines, %(most)s) ORDER BY 1
"""
_OWNERLESS = f"""
SELECT x.batch_id, x.line_no FROM ledger_posting x
{_OWNERS}
WHERE x.production_id = %(p)s
    AND ({_GONE})
LIMIT 100
"""  # noqa: S608 - what is put in stands above
_OF_ANOTHER_NODE = """
SELECT used.batch_id, used.line_no, a.id, a.code, n.code FROM (
    SELECT p.account_id, p.node_id, min(p.batch_id) AS batch_id, min(p.line_no) AS line_no
    FROM ledger_posting p WHERE p.production_id = %(p)s GROUP BY 1, 2) used
JOIN ledger_account a ON a.id = used.account_id
JOIN taxonomy_costnode n ON n.id = used.node_id
WHERE n.code <> a.code ORDER BY 1, 2
"""


def verify_totals(production_id: int) -> Iterator[Finding]:
    """The totals kept of every batch against the sums of its postings; and that the accounts,
    cost centers, nodes and weeks of postings are there, each account that of its node."""
    asked = {"p": production_id, "most": _POSTINGS_AT_A_TIME}
    first, all_there = -(2**63), True
    # The last stretch takes in what belongs to a batch that is not there.
    for last in [*(end for (end,) in rows(_STRETCHES, asked)), 2**63 - 1]:
        stretch = {"p": production_id, "first": first, "last": last}
        for batch_id, account_id, kept, computed, is_of_total in rows(_TOTALS, stretch):
            if is_of_total:
                yield Finding(
                    f"total of batch {batch_id}, account {account_id}",
                    f"it says {kept}, the postings add up to {computed}",
                )
            else:
                all_there = False
        first = last + 1
    if not all_there:
        yield from _name_postings(production_id)


def _name_postings(production_id: int) -> Iterator[Finding]:
    """The postings one by one, once some are known to name what is not so."""
    for batch_id, line_no in rows(_OWNERLESS, {"p": production_id}):
        yield Finding(f"posting {batch_id}/{line_no}", "what it belongs to is gone")
    for batch, line_no, account_id, code, of_node in rows(_OF_ANOTHER_NODE, {"p": production_id}):
        yield Finding(
            f"account {account_id}", f"it is {code}, and posting {batch}/{line_no} was sealed on "
            f"the cost node of {of_node}"
        )  # fmt: skip

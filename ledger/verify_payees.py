"""The words behind payroll documents, held against the tokens that were sealed with them."""

from collections.abc import Iterator

from ledger.findings import Finding, rows

_OTHER_WORDS = """
SELECT y.token FROM ledger_payee y WHERE y.production_id = %s
AND y.token <> journal.payee_token(y.salt, y.name, y.description) ORDER BY 1
"""
# Who may read a name goes by its cost centre, which is that of the document it was posted with.
_ELSEWHERE = """
SELECT y.token FROM ledger_payee y WHERE y.production_id = %(p)s AND NOT EXISTS (
    SELECT 1 FROM ledger_transaction t WHERE t.production_id = %(p)s AND t.vendor = y.token
        AND t.cost_center_id = y.cost_center_id) ORDER BY 1
"""
_NO_WORDS = """
SELECT DISTINCT ON (t.vendor) t.batch_id, t.number FROM ledger_transaction t
WHERE t.production_id = %(p)s AND journal.is_payee(t.vendor) AND NOT EXISTS (
    SELECT 1 FROM ledger_payee y WHERE y.production_id = %(p)s AND y.token = t.vendor)
ORDER BY t.vendor, t.batch_id, t.number
"""


def verify_payees(production_id: int) -> Iterator[Finding]:
    """Names that are not as they were posted, and documents whose names are gone."""
    for (token,) in rows(_OTHER_WORDS, [production_id]):
        yield Finding(f"payee {token[:22]}", "its words are not those that were sealed")
    for (token,) in rows(_ELSEWHERE, {"p": production_id}):
        yield Finding(f"payee {token[:22]}", "no document of its cost centre was posted with it")
    for batch_id, number in rows(_NO_WORDS, {"p": production_id}):
        yield Finding(f"document {batch_id}-{number}", "the name it was posted with is gone")

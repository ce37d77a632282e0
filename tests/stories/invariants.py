"""What is true of the books after every act, as SQL that looks for what breaks it."""

# Each answers with the rows that break what it says; none is allowed to.
INVARIANTS = {
    "every document is zero in clearing, by book and currency": (
        "SELECT p.batch_id, p.transaction_number FROM ledger_posting p JOIN ledger_account a"
        " ON a.id IN (p.account_id, p.counter_account_id) AND a.clearing_role = 'journal_clearing'"
        " WHERE p.production_id = %(p)s GROUP BY 1, 2, p.book, p.currency"
        " HAVING sum(CASE WHEN p.account_id = a.id THEN p.amount ELSE -p.amount END) <> 0"),
    "the trial balance is zero, by book and currency": (
        "SELECT book, currency FROM ledger_batchtotal WHERE production_id = %(p)s"
        " GROUP BY 1, 2 HAVING sum(amount) <> 0"),
    "totals are the sums of postings": (
        "SELECT account_id FROM (SELECT account_id, book, currency, amount FROM ledger_batchtotal"
        " WHERE production_id = %(p)s UNION ALL SELECT account_id, book, currency, -amount"
        " FROM ledger_posting WHERE production_id = %(p)s UNION ALL SELECT counter_account_id,"
        " book, currency, amount FROM ledger_posting WHERE production_id = %(p)s) x"
        " GROUP BY account_id, book, currency HAVING sum(amount) <> 0"),
    "nothing is relieved or cancelled beyond what was ordered": (
        "SELECT commitment_id FROM ledger_posting WHERE production_id = %(p)s"
        " AND commitment_id IS NOT NULL GROUP BY 1 HAVING sum(amount) < 0"
        " OR sum(amount) FILTER (WHERE component = 'relieved') > 0"
        " OR sum(amount) FILTER (WHERE component = 'cancelled') > 0"),
    "a reversal and what it takes back come out at zero": (
        "SELECT t.batch_id FROM ledger_transaction t JOIN ledger_posting p"
        " ON p.production_id = t.production_id AND ((p.batch_id, p.transaction_number)"
        " IN ((t.batch_id, t.number), (t.reverses_batch_id, t.reverses_number)))"
        " WHERE t.production_id = %(p)s AND t.reverses_batch_id IS NOT NULL"
        " GROUP BY t.batch_id, t.number, p.book, p.account_id, p.counter_account_id, p.currency"
        " HAVING sum(p.amount) <> 0"),
    "nothing is taken back twice": (
        "SELECT reverses_batch_id FROM ledger_transaction WHERE production_id = %(p)s"
        " AND reverses_batch_id IS NOT NULL GROUP BY 1, reverses_number HAVING count(*) > 1"),
    "every log is without gaps": (
        "SELECT unit_id FROM ledger_logentry WHERE production_id = %(p)s GROUP BY 1"
        " HAVING max(seq) + 1 <> count(*)"),
    "every batch is sealed by one entry": (
        "SELECT b.id FROM ledger_batch b LEFT JOIN ledger_logentry e ON e.batch_id = b.id"
        " WHERE b.production_id = %(p)s GROUP BY 1 HAVING count(e.seq) <> 1"),
    "budget and forecast are costs that stand against the one control account": (
        "SELECT p.batch_id FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id"
        " JOIN ledger_account k ON k.id = p.counter_account_id WHERE p.production_id = %(p)s"
        " AND p.book IN (3, 4) AND (a.statement <> 'cost' OR k.clearing_role <> 'book_control')"),
    "an account's forecast is what its last EFC entry says": (
        "SELECT account_id FROM (SELECT DISTINCT ON (account_id) account_id, efc_after"
        " FROM budgets_efcentry WHERE production_id = %(p)s ORDER BY account_id, number DESC) e"
        " FULL JOIN (SELECT t.account_id, sum(t.amount) AS forecast FROM ledger_batchtotal t"
        " JOIN ledger_account a ON a.id = t.account_id AND a.statement = 'cost'"
        " WHERE t.production_id = %(p)s AND t.book = 4 GROUP BY 1) f USING (account_id)"
        " WHERE forecast IS DISTINCT FROM efc_after"),
    "no correction moves a cost across the frozen boundary": (
        "SELECT b.id FROM ledger_batch b JOIN ledger_batchtotal t ON t.batch_id = b.id"
        " JOIN ledger_account a ON a.id = t.account_id AND a.line = 'ATL'"
        " WHERE b.production_id = %(p)s AND b.kind = 'was_is' AND t.book = 1"
        " GROUP BY 1 HAVING sum(t.amount) <> 0"),
    "what has a value is zero in dollars too, by book": (
        "SELECT book FROM ledger_batchtotal WHERE production_id = %(p)s"
        " GROUP BY 1 HAVING sum(base_amount) <> 0"),
    "what waits for a rate is given its value once": (
        "SELECT hole_batch_id FROM ledger_filledhole WHERE production_id = %(p)s"
        " GROUP BY 1, hole_number HAVING count(*) > 1"),
    "money given a value and money taken back leave none without a value behind": (
        "SELECT p.account_id FROM ledger_posting p JOIN ledger_filledhole f"
        " ON f.production_id = p.production_id AND (f.hole_batch_id, f.hole_number)"
        " = (p.batch_id, p.transaction_number)"
        " WHERE p.production_id = %(p)s AND p.base_amount IS NULL AND NOT EXISTS ("
        " SELECT 1 FROM ledger_posting t WHERE t.production_id = p.production_id"
        " AND (t.batch_id, t.transaction_number) = (f.batch_id, f.number)"
        " AND t.account_id = p.account_id AND t.amount = -p.amount AND t.base_amount IS NULL)"),
    "no invoice is paid beyond its total": (
        "SELECT i.id FROM purchasing_entry i WHERE i.production_id = %(p)s AND i.kind = 'invoice'"
        " AND abs(purchasing.paid(i.id)) > abs(i.total)"),
    "no custodian holds less than nothing": (
        "SELECT a.id FROM ledger_batchtotal t JOIN ledger_account a ON a.id = t.account_id"
        " AND a.clearing_role = 'petty_cash' WHERE t.production_id = %(p)s AND t.book = 1"
        " GROUP BY 1 HAVING sum(t.amount) < 0"),
}  # fmt: skip

DROP TRIGGER rates ON ledger_batch;
DROP FUNCTION journal.check_rates() CASCADE;
DROP FUNCTION journal.check_values(public.ledger_batch, text, boolean);
DROP FUNCTION journal.is_carried(public.ledger_batch, public.ledger_posting);
DROP FUNCTION journal.check_sheet() CASCADE;
DROP FUNCTION journal.check_conversion() CASCADE;
DROP FUNCTION journal.rate_day(bigint, bigint, int);
DROP FUNCTION journal.quote(jsonb, text);
DROP FUNCTION journal.coin(text);
CREATE OR REPLACE FUNCTION journal.add_totals(b public.ledger_batch) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
    WITH sums AS MATERIALIZED (
        SELECT p.book, p.account_id, p.counter_account_id, p.cost_center_id, p.currency,
               p.period_id, sum(p.amount) AS amount, sum(p.base_amount) AS base_amount,
               count(*)::int AS lines
        FROM journal.postings_of(b.production_id, b.id) p GROUP BY 1, 2, 3, 4, 5, 6)
    INSERT INTO ledger_batchtotal (production_id, batch_id, unit_id, book, account_id,
        cost_center_id, currency, period_id, amount, base_amount, lines)
    SELECT b.production_id, b.id, b.unit_id, legs.* FROM (
        SELECT s.book, s.account_id, s.cost_center_id, s.currency, s.period_id,
               sum(s.amount), sum(s.base_amount), sum(s.lines)::int
        FROM sums s GROUP BY 1, 2, 3, 4, 5
        UNION ALL
        SELECT s.book, s.counter_account_id, s.cost_center_id, s.currency, s.period_id,
               -sum(s.amount), -sum(s.base_amount), sum(s.lines)::int
        FROM sums s GROUP BY 1, 2, 3, 4, 5) legs
$$;

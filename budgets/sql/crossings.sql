-- The frozen boundary is crossed by what an override was signed for, and by nothing else. Which that
-- is, is known above (overrides/sql/crossings.sql); here nothing is.
CREATE FUNCTION journal.batch_may_cross(b public.ledger_batch) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$ SELECT false $$;
CREATE FUNCTION journal.change_may_cross(c public.budgets_budgetchange) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$ SELECT false $$;
REVOKE ALL ON FUNCTION journal.batch_may_cross(public.ledger_batch),
    journal.change_may_cross(public.budgets_budgetchange) FROM PUBLIC;

-- As before, but for a transfer that may.
CREATE OR REPLACE FUNCTION journal.check_change(c public.budgets_budgetchange) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE r record;
BEGIN
    IF c.takes_back_id IS NOT NULL THEN
        IF NOT EXISTS (SELECT 1 FROM budgets_budgetchange o WHERE o.id = c.takes_back_id
                AND o.production_id = c.production_id AND o.state = 'approved'
                AND o.kind = c.kind AND o.takes_back_id IS NULL)
           OR EXISTS (
            SELECT 1 FROM (SELECT account_id, cost_center_id, amount FROM budgets_budgetchangeline
                           WHERE change_id = c.takes_back_id) was
            FULL JOIN (SELECT account_id, cost_center_id, amount FROM budgets_budgetchangeline
                       WHERE change_id = c.id AND production_id = c.production_id) now_is
                USING (account_id, cost_center_id)
            WHERE was.amount IS DISTINCT FROM -now_is.amount) THEN
            RAISE EXCEPTION 'budget change % takes back an approved one of its kind: every line '
                'of it, and nothing else', c.number USING ERRCODE = '23514';
        END IF;
        RETURN;
    END IF;
    SELECT count(*) AS lines, coalesce(sum(l.amount), 0) AS net,
           coalesce(sum(l.amount) FILTER (WHERE a.line = 'ATL'), 0) AS above,
           count(*) FILTER (WHERE a.line = 'CONT') AS contingency,
           count(*) FILTER (WHERE a.line = 'CONT' AND l.amount > 0) AS given_to_contingency,
           count(*) FILTER (WHERE a.line <> 'CONT' AND l.amount < 0) AS taken_from_others,
           count(*) FILTER (WHERE a.id IS NULL) AS strange
    INTO r FROM budgets_budgetchangeline l
    LEFT JOIN ledger_account a ON a.id = l.account_id AND a.production_id = c.production_id
        AND a.is_postable AND a.statement = 'cost'
        AND a.cost_center_id IS NOT DISTINCT FROM l.cost_center_id
    WHERE l.change_id = c.id AND l.production_id = c.production_id;
    IF r.strange > 0 OR (CASE c.kind
        WHEN 'transfer' THEN r.lines >= 2 AND r.net = 0 AND (r.above = 0
            OR journal.change_may_cross(c)) AND r.contingency = 0
        WHEN 'draw' THEN r.net = 0 AND r.contingency > 0 AND r.lines > r.contingency
            AND r.given_to_contingency = 0 AND r.taken_from_others = 0
        ELSE r.lines > 0 AND r.contingency = 0 AND r.taken_from_others = 0 END) IS NOT TRUE THEN
        RAISE EXCEPTION 'budget change %: a % of % lines that net to % is none: the total is '
            'conserved, and each side of the line keeps its own', c.number, c.kind, r.lines,
            r.net USING ERRCODE = '23514';
    END IF;
END $$;

-- As before, but for a batch that may.
CREATE OR REPLACE FUNCTION journal.check_boundary(b public.ledger_batch) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE r record;
BEGIN
    SELECT count(t.reverses_batch_id) AS taken_back, count(*) AS documents INTO r
    FROM journal.transactions_of(b.production_id, b.id) t;
    IF r.taken_back = 0 OR r.taken_back = r.documents THEN RETURN; END IF;
    SELECT s.currency, sum(s.amount) FILTER (WHERE s.line = 'ATL') AS above,
           sum(s.amount) FILTER (WHERE s.line <> 'ATL') AS below INTO r
    FROM (SELECT t.currency, a.line, t.amount FROM ledger_batchtotal t
          JOIN ledger_account a ON a.id = t.account_id AND a.statement = 'cost'
          WHERE t.batch_id = b.id AND t.book = 1) s
    GROUP BY s.currency
    HAVING sum(s.amount) FILTER (WHERE s.line = 'ATL') * sum(s.amount) FILTER
        (WHERE s.line <> 'ATL') < 0 LIMIT 1;
    IF NOT FOUND AND b.kind = 'was_is' THEN
        SELECT was.code AS was_code, now_is.code AS now_code INTO r FROM (
            SELECT a.code, a.line, row_number() OVER (ORDER BY p.line_no) AS place
            FROM journal.postings_of(b.production_id, b.id) p
            JOIN journal.transactions_of(b.production_id, b.id) t ON t.number = p.transaction_number
            JOIN ledger_account a ON a.id = p.account_id AND a.statement = 'cost'
            WHERE t.reverses_batch_id IS NOT NULL AND p.book = 1) was
        JOIN (
            SELECT a.code, a.line, row_number() OVER (ORDER BY p.line_no) AS place
            FROM journal.postings_of(b.production_id, b.id) p
            JOIN journal.transactions_of(b.production_id, b.id) t ON t.number = p.transaction_number
            JOIN ledger_account a ON a.id = p.account_id AND a.statement = 'cost'
            WHERE t.reverses_batch_id IS NULL AND p.book = 1) now_is USING (place)
        WHERE (was.line = 'ATL') <> (now_is.line = 'ATL') LIMIT 1;
    END IF;
    IF FOUND AND NOT journal.batch_may_cross(b) THEN
        RAISE EXCEPTION 'CostCodeBoundaryViolation: batch % would move a cost between above and '
            'below the line, and the locked budget froze that boundary', b.id
            USING ERRCODE = '23514';
    END IF;
END $$;

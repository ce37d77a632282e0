-- What may cross the line after the lock: the clock's posting of an approved move, to the cent and in
-- the name of whoever asked; and what takes it back once its time to be ratified is over.
CREATE FUNCTION journal.lines_signed(o public.overrides_override, way int)
RETURNS TABLE (account text, center text, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT l ->> 'account', l ->> 'cost_center', (l ->> 'amount')::numeric * way
    FROM jsonb_array_elements(o.proposed -> 'lines') l
$$;
-- Which way a move is to be posted now: 1, -1 to take it back, 0 for not at all.
CREATE FUNCTION journal.due_way(o public.overrides_override) RETURNS int
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN session_user <> 'prodacct_worker' OR o.kind <> 'atl_btl' THEN 0
        WHEN o.state = 'approved' AND clock_timestamp() <= o.expires_at THEN 1
        WHEN o.state = 'executed' AND clock_timestamp() > o.ratify_by THEN -1 ELSE 0 END
$$;
CREATE OR REPLACE FUNCTION journal.batch_may_cross(b public.ledger_batch) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM overrides_override o
        WHERE o.production_id = b.production_id AND o.requested_by_id = b.actor_id
          AND journal.due_way(o) <> 0 AND NOT EXISTS (
            SELECT 1 FROM (
                SELECT a.code AS account,
                       CASE a.statement WHEN 'cost' THEN c.code ELSE '' END AS center,
                       sum(t.amount) AS amount
                FROM ledger_batchtotal t JOIN ledger_account a ON a.id = t.account_id
                JOIN taxonomy_costcenter c ON c.id = t.cost_center_id
                WHERE t.batch_id = b.id AND a.clearing_role <> 'book_control'
                GROUP BY 1, 2 HAVING sum(t.amount) <> 0) posted
            FULL JOIN journal.lines_signed(o, journal.due_way(o)) meant USING (account, center)
            WHERE posted.amount IS DISTINCT FROM meant.amount))
$$;
CREATE OR REPLACE FUNCTION journal.change_may_cross(c public.budgets_budgetchange) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM overrides_override o
        WHERE o.production_id = c.production_id AND o.requested_by_id = c.requested_by_id
          AND journal.due_way(o) = 1 AND NOT EXISTS (
            SELECT 1 FROM (
                SELECT a.code AS account, k.code AS center, l.amount
                FROM budgets_budgetchangeline l JOIN ledger_account a ON a.id = l.account_id
                JOIN taxonomy_costcenter k ON k.id = l.cost_center_id
                WHERE l.change_id = c.id) said
            FULL JOIN journal.lines_signed(o, 1) meant USING (account, center)
            WHERE said.amount IS DISTINCT FROM meant.amount))
$$;
REVOKE ALL ON FUNCTION journal.lines_signed(public.overrides_override, int),
    journal.due_way(public.overrides_override) FROM PUBLIC;

-- A move across the line is asked for as one: it nets to zero, and something changes sides.
CREATE FUNCTION journal.crossing_asked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    IF (SELECT coalesce(sum(l.amount), 1) <> 0 OR bool_or(a.id IS NULL OR a.line = 'CONT')
            OR coalesce(sum(l.amount) FILTER (WHERE a.line = 'ATL'), 0) = 0
        FROM journal.lines_signed(NEW, 1) l LEFT JOIN ledger_account a
            ON a.production_id = NEW.production_id AND a.code = l.account
            AND a.statement = 'cost') THEN
        RAISE EXCEPTION 'a move across the line takes costs or budget from one side and gives as '
            'much to the other' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER across_the_line BEFORE INSERT ON overrides_override
    FOR EACH ROW WHEN (NEW.kind = 'atl_btl') EXECUTE FUNCTION journal.crossing_asked();
REVOKE ALL ON FUNCTION journal.crossing_asked() FROM PUBLIC;

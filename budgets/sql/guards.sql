-- What a budget promises, kept by the database: who may take it which step, that it is whole, that
-- what the journal has of it is exactly what was approved, and that the boundary stays frozen.
ALTER TABLE budgets_budgetversion ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE budgets_budgetchange ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE TRIGGER a_stamp_xid BEFORE INSERT ON budgets_budgetversion
    FOR EACH ROW EXECUTE FUNCTION journal.stamp_xid();
CREATE TRIGGER a_stamp_xid BEFORE INSERT ON budgets_budgetchange
    FOR EACH ROW EXECUTE FUNCTION journal.stamp_xid();

CREATE FUNCTION journal.budget_is_locked(production bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM budgets_budgetversion v
                   WHERE v.production_id = production AND v.state = 'locked')
$$;

-- draft > approved > lock asked for > locked, each step by the person who asks, and no two steps
-- that need two people by one. What is not locked may be superseded; nothing else ever changes.
CREATE FUNCTION journal.budget_version_steps() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
DECLARE
    me bigint := sec.user_id();
    steps CONSTANT text[] := ARRAY['state', 'approved_by_id', 'approved_at', 'lock_asked_by_id',
        'lock_asked_at', 'locked_by_id', 'locked_at', 'typed_total', 'batch_id'];
    was jsonb;
    now_is jsonb := to_jsonb(NEW);
    step text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' OR NEW.made_by_id IS DISTINCT FROM me OR NEW.approved_by_id IS NOT NULL
           OR NEW.lock_asked_by_id IS NOT NULL OR NEW.locked_by_id IS NOT NULL
           OR NEW.batch_id IS NOT NULL OR NEW.typed_total IS NOT NULL THEN
            RAISE EXCEPTION 'budget v% begins as a draft of the person who makes it', NEW.number
                USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
    END IF;
    was := to_jsonb(OLD);
    step := OLD.state || '>' || NEW.state;
    IF was - steps IS DISTINCT FROM now_is - steps THEN
        RAISE EXCEPTION 'budget v%: its lines, total and file never change; import a new version',
            OLD.number USING ERRCODE = '55000';
    END IF;
    IF (CASE step
        WHEN 'draft>approved' THEN NEW.approved_by_id IS NOT DISTINCT FROM me
            AND NEW.approved_by_id <> OLD.made_by_id AND NEW.approved_at IS NOT NULL
            AND was - ARRAY['state', 'approved_by_id', 'approved_at']
                = now_is - ARRAY['state', 'approved_by_id', 'approved_at']
        WHEN 'approved>approved' THEN OLD.lock_asked_by_id IS NULL
            AND NEW.lock_asked_by_id IS NOT DISTINCT FROM me AND NEW.lock_asked_at IS NOT NULL
            AND was - ARRAY['lock_asked_by_id', 'lock_asked_at']
                = now_is - ARRAY['lock_asked_by_id', 'lock_asked_at']
        WHEN 'approved>locked' THEN NEW.locked_by_id IS NOT DISTINCT FROM me
            AND NEW.locked_by_id <> OLD.lock_asked_by_id AND NEW.locked_at IS NOT NULL
            AND NEW.typed_total = OLD.total AND NEW.batch_id IS NOT NULL
            AND was - ARRAY['state', 'locked_by_id', 'locked_at', 'typed_total', 'batch_id']
                = now_is - ARRAY['state', 'locked_by_id', 'locked_at', 'typed_total', 'batch_id']
        WHEN 'draft>superseded' THEN was - 'state' = now_is - 'state'
        WHEN 'approved>superseded' THEN was - 'state' = now_is - 'state'
        ELSE false END) IS NOT TRUE THEN
        RAISE EXCEPTION 'budget v%: the step % is not taken so: another person approves what one '
            'made, and two people lock, the second with the exact total', OLD.number, step
            USING ERRCODE = '55000';
    END IF;
    IF step = 'approved>locked' THEN
        PERFORM journal.own_budget_batch(NEW.production_id, NEW.batch_id, 'budget');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER steps BEFORE INSERT OR UPDATE ON budgets_budgetversion
    FOR EACH ROW EXECUTE FUNCTION journal.budget_version_steps();

CREATE FUNCTION journal.budget_version_whole() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE r record;
BEGIN
    SELECT count(*) AS lines, coalesce(sum(l.amount), 0) AS total,
           count(*) FILTER (WHERE a.id IS NULL) AS strange INTO r
    FROM budgets_budgetline l
    LEFT JOIN ledger_account a ON a.id = l.account_id AND a.production_id = NEW.production_id
        AND a.is_postable AND a.statement = 'cost' AND a.line = l.line
        AND a.cost_center_id IS NOT DISTINCT FROM l.cost_center_id
    WHERE l.version_id = NEW.id AND l.production_id = NEW.production_id;
    IF r.lines = 0 OR r.lines <> NEW.line_count OR r.total <> NEW.total OR r.strange > 0 THEN
        RAISE EXCEPTION 'budget v% has % lines of %, % of %, and % not on a cost account of this '
            'production with its own cost centre and line', NEW.number, r.lines, NEW.line_count,
            r.total, NEW.total, r.strange USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER whole AFTER INSERT ON budgets_budgetversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal.budget_version_whole();
-- And at each step, since the check above can be called before the last line is there.
CREATE TRIGGER whole_again AFTER UPDATE ON budgets_budgetversion FOR EACH ROW
    WHEN (NEW.state IN ('approved', 'locked')) EXECUTE FUNCTION journal.budget_version_whole();

-- Lines belong to what this transaction made: nothing is added to a version or change afterwards.
CREATE FUNCTION journal.budget_only_own() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM new_rows n LEFT JOIN budgets_budgetversion v
            ON TG_TABLE_NAME = 'budgets_budgetline' AND v.production_id = n.production_id
            AND v.id = (to_jsonb(n) ->> 'version_id')::bigint
        LEFT JOIN budgets_budgetchange c
            ON TG_TABLE_NAME = 'budgets_budgetchangeline' AND c.production_id = n.production_id
            AND c.id = (to_jsonb(n) ->> 'change_id')::bigint
        WHERE coalesce(v.xid, c.xid) IS DISTINCT FROM pg_current_xact_id()) THEN
        RAISE EXCEPTION 'a budget is stated whole: nothing can be added to it'
            USING ERRCODE = '55000';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER own AFTER INSERT ON budgets_budgetline REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION journal.budget_only_own();
CREATE TRIGGER own AFTER INSERT ON budgets_budgetchangeline REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION journal.budget_only_own();

-- What a step posts is posted by the step itself, and is of its kind.
CREATE FUNCTION journal.own_budget_batch(production bigint, batch bigint, its_kind text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_batch b WHERE b.id = batch AND b.production_id = production
                       AND b.kind = its_kind AND b.xid = pg_current_xact_id()) THEN
        RAISE EXCEPTION 'a budget step names the batch it posts: % is not one', batch
            USING ERRCODE = '23514';
    END IF;
END $$;

CREATE FUNCTION journal.budget_change_steps() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
DECLARE
    me bigint := sec.user_id();
    steps CONSTANT text[] := ARRAY['state', 'decided_by_id', 'decided_at', 'batch_id'];
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'requested' OR NEW.requested_by_id IS DISTINCT FROM me
           OR NEW.decided_by_id IS NOT NULL OR NEW.batch_id IS NOT NULL
           OR NOT journal.budget_is_locked(NEW.production_id) THEN
            RAISE EXCEPTION 'a budget is changed after its lock, at the request of whoever asks'
                USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
    END IF;
    IF to_jsonb(OLD) - steps IS DISTINCT FROM to_jsonb(NEW) - steps OR OLD.state <> 'requested'
       OR NEW.state NOT IN ('approved', 'rejected') OR NEW.decided_by_id IS DISTINCT FROM me
       OR NEW.decided_by_id = OLD.requested_by_id OR NEW.decided_at IS NULL
       OR (NEW.state = 'approved') <> (NEW.batch_id IS NOT NULL) THEN
        RAISE EXCEPTION 'budget change % is decided once, by another person than who asked for it',
            OLD.number USING ERRCODE = '55000';
    END IF;
    IF NEW.state = 'approved' THEN
        -- Looked at again: the check at the request can be called before its last line is there.
        PERFORM journal.check_change(NEW);
        PERFORM journal.own_budget_batch(NEW.production_id, NEW.batch_id, NEW.kind);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER steps BEFORE INSERT OR UPDATE ON budgets_budgetchange
    FOR EACH ROW EXECUTE FUNCTION journal.budget_change_steps();

-- Transfers and draws move money and make none; a draw takes from contingency and gives to named
-- accounts; a transfer stays on its side of the line; only an overage adds.
CREATE FUNCTION journal.check_change(c public.budgets_budgetchange) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE r record;
BEGIN
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
        WHEN 'transfer' THEN r.lines >= 2 AND r.net = 0 AND r.above = 0 AND r.contingency = 0
        WHEN 'draw' THEN r.net = 0 AND r.contingency > 0 AND r.lines > r.contingency
            AND r.given_to_contingency = 0 AND r.taken_from_others = 0
        ELSE r.lines > 0 AND r.contingency = 0 AND r.taken_from_others = 0 END) IS NOT TRUE THEN
        RAISE EXCEPTION 'budget change %: a % of % lines that net to % is none: the total is '
            'conserved, and each side of the line keeps its own', c.number, c.kind, r.lines,
            r.net USING ERRCODE = '23514';
    END IF;
END $$;
CREATE FUNCTION journal.budget_change_whole() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    PERFORM journal.check_change(NEW);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER whole AFTER INSERT ON budgets_budgetchange
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal.budget_change_whole();

-- What a sealed batch may do to budget, forecast, contingency and boundary. Fires after the seal
-- (triggers of one event fire by name), so it reads the batch's few totals, never its postings.
CREATE FUNCTION journal.seal_budget() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE r record;
BEGIN
    PERFORM journal.must_be_sealed(NEW);
    SELECT count(*) FILTER (WHERE t.book = 3) AS budget,
           count(*) FILTER (WHERE t.book = 4) AS forecast, count(*) AS totals,
           min(a.code) FILTER (WHERE t.book < 3 AND a.line = 'CONT') AS contingency
    INTO r FROM ledger_batchtotal t JOIN ledger_account a ON a.id = t.account_id
    WHERE t.batch_id = NEW.id;
    IF r.contingency IS NOT NULL THEN
        RAISE EXCEPTION 'nothing is spent or ordered on contingency: account % takes draws only. '
            'Draw on it for the account the cost belongs to', r.contingency
            USING ERRCODE = '23514';
    END IF;
    IF r.budget > 0 AND r.budget < r.totals OR r.forecast > 0 AND r.forecast < r.totals THEN
        RAISE EXCEPTION 'batch % mixes budget or forecast with other books', NEW.id
            USING ERRCODE = '23514';
    END IF;
    IF r.budget > 0 THEN PERFORM journal.check_budget(NEW); END IF;
    IF r.forecast > 0 THEN PERFORM journal.check_forecast(NEW); END IF;
    IF r.budget + r.forecast = 0 AND journal.budget_is_locked(NEW.production_id) THEN
        PERFORM journal.check_boundary(NEW);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER seal_budget AFTER INSERT ON ledger_batch
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal.seal_budget();

-- A batch of the budget book is the lock of a version or one approved change, to the cent.
CREATE FUNCTION journal.check_budget(b public.ledger_batch) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE wrong record;
BEGIN
    -- One change at a time: two draws cannot take the same contingency.
    PERFORM 1 FROM budgets_budgetversion v
    WHERE v.production_id = b.production_id AND v.state = 'locked' FOR NO KEY UPDATE;
    IF NOT EXISTS (SELECT 1 FROM budgets_budgetversion v WHERE v.batch_id = b.id
                       AND v.production_id = b.production_id AND v.state = 'locked'
                       AND b.kind = 'budget')
       AND NOT EXISTS (SELECT 1 FROM budgets_budgetchange c WHERE c.batch_id = b.id
                       AND c.production_id = b.production_id AND c.state = 'approved'
                       AND b.kind = c.kind) THEN
        RAISE EXCEPTION 'batch % changes the budget, and is neither the lock of a version nor an '
            'approved change', b.id USING ERRCODE = '23514';
    END IF;
    WITH posted AS (
        SELECT t.account_id, t.cost_center_id, sum(t.base_amount) AS amount,
               count(*) FILTER (WHERE t.base_amount IS DISTINCT FROM t.amount
                   OR t.currency <> p.currency) AS odd
        FROM ledger_batchtotal t JOIN ledger_account a ON a.id = t.account_id
        JOIN access_production p ON p.id = t.production_id
        WHERE t.batch_id = b.id AND a.clearing_role <> 'book_control' GROUP BY 1, 2),
    meant AS (
        SELECT m.account_id, m.cost_center_id, sum(m.amount) AS amount FROM (
            SELECT l.account_id, l.cost_center_id, l.amount FROM budgets_budgetline l
            JOIN budgets_budgetversion v ON v.id = l.version_id WHERE v.batch_id = b.id
            UNION ALL
            SELECT l.account_id, l.cost_center_id, l.amount FROM budgets_budgetchangeline l
            JOIN budgets_budgetchange c ON c.id = l.change_id WHERE c.batch_id = b.id) m
        GROUP BY 1, 2)
    SELECT a.code, posted.amount AS posted, meant.amount AS meant INTO wrong
    FROM posted FULL JOIN meant USING (account_id, cost_center_id)
    JOIN ledger_account a ON a.id = account_id
    WHERE coalesce(posted.amount, 0) <> coalesce(meant.amount, 0) OR posted.odd > 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'batch % posts % to the budget of %, and % was approved', b.id,
            coalesce(wrong.posted, 0), wrong.code, coalesce(wrong.meant, 0)
            USING ERRCODE = '23514';
    END IF;
    SELECT a.code, sum(t.base_amount) AS remains INTO wrong
    FROM ledger_batchtotal t JOIN ledger_account a ON a.id = t.account_id AND a.line = 'CONT'
    WHERE t.production_id = b.production_id AND t.book = 3
    GROUP BY a.code HAVING sum(t.base_amount) < 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'contingency % would be at %: no more is drawn than is there', wrong.code,
            wrong.remains USING ERRCODE = '23514';
    END IF;
END $$;

-- A batch of the forecast book is one numbered EFC entry, and leaves the EFC the entry says.
CREATE FUNCTION journal.check_forecast(b public.ledger_batch) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    e record;
    posted record;
    efc numeric;
BEGIN
    SELECT x.* INTO e FROM budgets_efcentry x
    WHERE x.batch_id = b.id AND x.production_id = b.production_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'batch % changes the forecast without a numbered entry', b.id
            USING ERRCODE = '23514';
    END IF;
    PERFORM 1 FROM ledger_account a WHERE a.id = e.account_id FOR NO KEY UPDATE;
    SELECT count(*) FILTER (WHERE t.account_id <> e.account_id
               OR t.cost_center_id <> e.cost_center_id OR t.base_amount IS DISTINCT FROM t.amount
               OR t.currency <> p.currency) AS odd, sum(t.base_amount) AS amount INTO posted
    FROM ledger_batchtotal t JOIN ledger_account a ON a.id = t.account_id
    JOIN access_production p ON p.id = t.production_id
    WHERE t.batch_id = b.id AND a.clearing_role <> 'book_control';
    SELECT sum(t.base_amount) INTO efc FROM ledger_batchtotal t
    WHERE t.production_id = b.production_id AND t.book = 4 AND t.account_id = e.account_id;
    IF posted.odd > 0 OR posted.amount IS DISTINCT FROM e.opening + e.efc_after - e.efc_before
       OR efc IS DISTINCT FROM e.efc_after THEN
        RAISE EXCEPTION 'VE-%: the batch posts %, and leaves an EFC of % where the entry says %',
            lpad(e.number::text, 4, '0'), posted.amount, efc, e.efc_after USING ERRCODE = '23514';
    END IF;
END $$;

-- Was/Is across the frozen boundary: line by line in a distribution change, and in sum wherever
-- one batch takes a document back and posts another.
CREATE FUNCTION journal.check_boundary(b public.ledger_batch) RETURNS void
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
    IF FOUND THEN
        RAISE EXCEPTION 'CostCodeBoundaryViolation: batch % would move a cost between above and '
            'below the line, and the locked budget froze that boundary', b.id
            USING ERRCODE = '23514';
    END IF;
END $$;

-- After the lock an account stays on its side of the line, where it stands and what it is.
CREATE FUNCTION journal.boundary_is_frozen() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'ledger_account' THEN
        IF (OLD.line, OLD.category_id, OLD.statement, OLD.is_postable, OLD.production_id)
           IS NOT DISTINCT FROM
           (NEW.line, NEW.category_id, NEW.statement, NEW.is_postable, NEW.production_id)
           OR NOT journal.budget_is_locked(OLD.production_id) THEN RETURN NEW; END IF;
    ELSIF NEW.kind <> 'account' OR NOT journal.budget_is_locked(NEW.production_id)
        OR NOT EXISTS (SELECT 1 FROM ledger_account a WHERE a.production_id = NEW.production_id
                       AND a.code = NEW.code AND a.line <> NEW.line) THEN RETURN NEW;
    END IF;
    RAISE EXCEPTION 'account %: the budget is locked, and with it what is above and below the line',
        NEW.code USING ERRCODE = '55000';
END $$;
CREATE TRIGGER boundary_is_frozen BEFORE UPDATE ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION journal.boundary_is_frozen();
CREATE TRIGGER boundary_is_frozen BEFORE INSERT ON taxonomy_costnode
    FOR EACH ROW EXECUTE FUNCTION journal.boundary_is_frozen();

-- EFC entries look forward: none is dated before the account's last.
CREATE FUNCTION journal.efc_goes_forward() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE last_day date;
BEGIN
    SELECT max(e.day) INTO last_day FROM budgets_efcentry e
    WHERE e.production_id = NEW.production_id AND e.account_id = NEW.account_id;
    IF NEW.day < last_day OR NEW.entered_by_id IS DISTINCT FROM sec.user_id() THEN
        RAISE EXCEPTION 'EFC entries go forward from %, in the name of whoever enters them',
            last_day USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER forward BEFORE INSERT ON budgets_efcentry
    FOR EACH ROW EXECUTE FUNCTION journal.efc_goes_forward();

CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON budgets_budgetversion
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON budgets_budgetchange
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CALL sec.keep_forever('budgets_budgetline');
CALL sec.keep_forever('budgets_budgetchangeline');
CALL sec.keep_forever('budgets_efcentry');
CALL sec.keep_forever('budgets_refusedcrossing');
CALL journal.audit('budgets_budgetversion');
CALL journal.audit('budgets_budgetline');
CALL journal.audit('budgets_budgetchange');
CALL journal.audit('budgets_budgetchangeline');
CALL journal.audit('budgets_efcentry');
CALL journal.audit('budgets_refusedcrossing');
REVOKE ALL ON FUNCTION journal.budget_is_locked(bigint), journal.budget_version_steps(),
    journal.budget_version_whole(), journal.budget_only_own(), journal.budget_change_steps(),
    journal.budget_change_whole(), journal.seal_budget(), journal.check_budget(public.ledger_batch),
    journal.check_forecast(public.ledger_batch), journal.check_boundary(public.ledger_batch),
    journal.boundary_is_frozen(), journal.efc_goes_forward() FROM PUBLIC;

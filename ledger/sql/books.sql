-- The four books, what an order promises, and what a reversal must be. Called by the seal for the
-- batches that need it: an import of costs has none of this and pays nothing for it.
CREATE FUNCTION journal.check_books(b public.ledger_batch) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_nestloop = off AS $$
DECLARE wrong record;
BEGIN
    -- Actual costs never touch the control account; every other book stands against it.
    SELECT p.line_no, p.book INTO wrong FROM journal.postings_of(b.production_id, b.id) p
    JOIN ledger_account a ON a.id = p.account_id
    JOIN ledger_account k ON k.id = p.counter_account_id
    WHERE p.book NOT BETWEEN 1 AND 4 OR a.clearing_role = 'book_control'
       OR (p.book = 1) = (k.clearing_role = 'book_control')
       OR (p.book = 2) <> (p.commitment_id IS NOT NULL)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'batch % line %: costs stand against payables, cash or clearing; orders, '
            'budget and forecast against the control account, and only an order names an order',
            b.id, wrong.line_no USING ERRCODE = '23514';
    END IF;
    PERFORM journal.check_commitments(b);
END $$;

-- Checks that come after the seal, or stand beside it, are as deferred as it is, and whoever writes
-- the batch can have them made early: then they are refused, not passed on half a batch.
CREATE FUNCTION journal.must_be_sealed(b public.ledger_batch) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_sealedleaves s WHERE s.batch_id = b.id) THEN
        RAISE EXCEPTION 'batch % is checked after its seal, not before', b.id
            USING ERRCODE = '55000';
    END IF;
END $$;
CREATE FUNCTION journal.must_be_whole(b public.ledger_batch) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    IF (SELECT count(*) FROM journal.postings_of(b.production_id, b.id)) <> b.line_count THEN
        RAISE EXCEPTION 'batch % does not agree with its control totals, or is checked before all '
            'of it is there: not before', b.id USING ERRCODE = '23514';
    END IF;
END $$;
REVOKE ALL ON FUNCTION journal.must_be_sealed(public.ledger_batch),
    journal.must_be_whole(public.ledger_batch) FROM PUBLIC;

-- What is ordered is relieved, cancelled or still open, and none of the three is below zero. The
-- orders are locked first, in one order, so that two invoices cannot relieve the same money.
CREATE FUNCTION journal.check_commitments(b public.ledger_batch) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    named bigint[];
    wrong record;
BEGIN
    SELECT array_agg(DISTINCT p.commitment_id) INTO named
    FROM journal.postings_of(b.production_id, b.id) p WHERE p.book = 2;
    IF named IS NULL THEN RETURN; END IF;
    PERFORM 1 FROM ledger_commitment c WHERE c.id = ANY (named) ORDER BY c.id FOR NO KEY UPDATE;
    SELECT p.line_no INTO wrong FROM journal.postings_of(b.production_id, b.id) p
    LEFT JOIN ledger_commitment c ON c.id = p.commitment_id AND c.production_id = p.production_id
        AND c.unit_id = p.unit_id AND c.account_id = p.account_id
        AND c.cost_center_id = p.cost_center_id AND c.currency = p.currency
    WHERE p.book = 2
      AND (c.id IS NULL OR p.component NOT IN ('ordered', 'relieved', 'cancelled'))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'batch % line % is not about the account, cost centre, unit and currency of '
            'the order it names', b.id, wrong.line_no USING ERRCODE = '23514';
    END IF;
    SELECT c.reference, c.currency, s.* INTO wrong FROM (
        SELECT p.commitment_id,
               coalesce(sum(p.amount) FILTER (WHERE p.component = 'ordered'), 0) AS ordered,
               coalesce(-sum(p.amount) FILTER (WHERE p.component = 'relieved'), 0) AS relieved,
               coalesce(-sum(p.amount) FILTER (WHERE p.component = 'cancelled'), 0) AS cancelled,
               sum(p.amount) AS open
        FROM ledger_posting p
        WHERE p.production_id = b.production_id AND p.commitment_id = ANY (named)
        GROUP BY p.commitment_id) s
    JOIN ledger_commitment c ON c.id = s.commitment_id
    WHERE least(s.ordered, s.relieved, s.cancelled, s.open) < 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% would have % % open: ordered %, relieved %, cancelled %',
            wrong.reference, wrong.open, wrong.currency, wrong.ordered, wrong.relieved,
            wrong.cancelled USING ERRCODE = '23514';
    END IF;
END $$;

-- A reversal takes a posted document of its own unit back, posting for posting; the unique key lets
-- it happen once. What takes back is not itself taken back: it is reissued.
CREATE FUNCTION journal.check_reversals(b public.ledger_batch) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    r record;
    differs bigint;
BEGIN
    FOR r IN SELECT t.number, t.reverses_batch_id, t.reverses_number, o.batch_id AS original,
                    o.reverses_batch_id AS original_reverses, x.unit_id
             FROM journal.transactions_of(b.production_id, b.id) t
             LEFT JOIN ledger_transaction o ON o.production_id = b.production_id
                 AND o.batch_id = t.reverses_batch_id AND o.number = t.reverses_number
             LEFT JOIN ledger_batch x ON x.id = o.batch_id
             WHERE t.reverses_batch_id IS NOT NULL OR t.reverses_number IS NOT NULL
    LOOP
        IF r.original IS NULL OR r.original = b.id OR r.unit_id <> b.unit_id
           OR r.original_reverses IS NOT NULL THEN
            RAISE EXCEPTION 'batch % document % takes back %-%, which is not a posted document of '
                'its unit, or is itself a reversal', b.id, r.number, r.reverses_batch_id,
                r.reverses_number USING ERRCODE = '23514';
        END IF;
        SELECT count(*) INTO differs FROM (
            SELECT p.book, p.account_id, p.counter_account_id, p.cost_center_id, p.node_id,
                   p.component, p.line, p.rule, p.currency, -p.amount, -p.base_amount,
                   p.commitment_id, count(*)
            FROM ledger_posting p WHERE p.production_id = b.production_id
                AND p.batch_id = r.reverses_batch_id AND p.transaction_number = r.reverses_number
            GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
            EXCEPT
            SELECT p.book, p.account_id, p.counter_account_id, p.cost_center_id, p.node_id,
                   p.component, p.line, p.rule, p.currency, p.amount, p.base_amount,
                   p.commitment_id, count(*)
            FROM journal.postings_of(b.production_id, b.id) p WHERE p.transaction_number = r.number
            GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) x;
        SELECT differs + abs(
            (SELECT count(*) FROM ledger_posting p WHERE p.production_id = b.production_id
                AND p.batch_id = r.reverses_batch_id AND p.transaction_number = r.reverses_number)
            - (SELECT count(*) FROM journal.postings_of(b.production_id, b.id) p
               WHERE p.transaction_number = r.number)) INTO differs;
        IF differs > 0 THEN
            RAISE EXCEPTION 'batch % document % is not the exact opposite of %-%', b.id, r.number,
                r.reverses_batch_id, r.reverses_number USING ERRCODE = '23514';
        END IF;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION journal.check_books(public.ledger_batch),
    journal.check_commitments(public.ledger_batch), journal.check_reversals(public.ledger_batch)
    FROM PUBLIC;

-- A period that closes is written into the office's log by the database itself, whoever closes it.
CREATE FUNCTION journal.log_period() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    PERFORM journal.append(NEW.production_id, journal.office(NEW.production_id), 'period.close',
        jsonb_build_object('by', sec.user_id()::text, 'ends_on', NEW.ends_on,
            'period', NEW.number::text, 'starts_on', NEW.starts_on)::text, NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER log_period AFTER UPDATE ON ledger_period
    FOR EACH ROW WHEN (NEW.state = 'closed') EXECUTE FUNCTION journal.log_period();

-- The unit whose log tells of what belongs to no single unit: the office, else the first.
CREATE FUNCTION journal.office(production bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT u.id FROM taxonomy_unit u WHERE u.production_id = production
    ORDER BY u.code <> 'OFFICE', u.id LIMIT 1
$$;
REVOKE ALL ON FUNCTION journal.log_period(), journal.office(bigint) FROM PUBLIC;

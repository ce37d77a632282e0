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
    PERFORM journal.check_commitments(b);  -- in coding.sql
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

REVOKE ALL ON FUNCTION journal.check_books(public.ledger_batch) FROM PUBLIC;

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

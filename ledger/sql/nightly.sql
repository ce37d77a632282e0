-- The worker verifies every production at night, as itself: it reads the rows of the production in
-- its context, calls what writes a record as the log has it, and says how it found the journal.
GRANT EXECUTE ON FUNCTION journal.audited_rows(bigint), journal.image(jsonb),
    journal.node_data(public.taxonomy_costnode), journal.batch_data(public.ledger_batch, bytea)
    TO prodacct_worker;

CALL sec.protect('ledger_alteration', 'true');
CALL sec.keep_forever('ledger_alteration');
GRANT SELECT, INSERT ON ledger_alteration TO prodacct_worker;
-- That something was altered everybody sees; the names of what was, nobody but the worker.
GRANT SELECT (id, production_id, found_at, count) ON ledger_alteration
    TO prodacct_web, prodacct_bond;
GRANT INSERT ON ledger_verification TO prodacct_worker;

-- Nobody says when, and nobody finds a log whole that is not there, or whose head says otherwise.
CREATE FUNCTION journal.verification_agrees() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_loghead h WHERE h.production_id = NEW.production_id
                   AND h.unit_id = NEW.unit_id AND h.size >= NEW.size AND NEW.size > 0
                   AND (h.size > NEW.size OR h.root = NEW.root)) THEN
        RAISE EXCEPTION 'the log of unit % is not one of % entries with that root', NEW.unit_id,
            NEW.size USING ERRCODE = '23514';
    END IF;
    NEW.verified_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER agrees BEFORE INSERT ON ledger_verification
    FOR EACH ROW EXECUTE FUNCTION journal.verification_agrees();
CREATE FUNCTION journal.alteration_is_now() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.found_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER now BEFORE INSERT ON ledger_alteration
    FOR EACH ROW EXECUTE FUNCTION journal.alteration_is_now();
REVOKE ALL ON FUNCTION journal.verification_agrees(), journal.alteration_is_now() FROM PUBLIC;

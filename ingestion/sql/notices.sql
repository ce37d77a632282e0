-- A message that is to go out is work of the queue, in the same transaction. Who raises alerts lies
-- below the queue and does not know it.
CREATE FUNCTION sec.queue_notice() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ingestion_workitem (production_id, kind, subject_id, state, priority, attempts,
        failures, run_after, worker, error)
    VALUES (NEW.production_id, 'notice', NEW.id, 'ready', 200, 0, 0, NEW.run_after, '', '');
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION sec.queue_notice() FROM PUBLIC;
CREATE TRIGGER queued AFTER INSERT ON ingestion_notice
    FOR EACH ROW EXECUTE FUNCTION sec.queue_notice();

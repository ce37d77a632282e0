-- Which of these batches were posted under an override: its number, and whether it was carried out
-- there or taken back. Whoever reads a posting may know that much of it; why and by whom is read on
-- the override's own page, by those who may.
CREATE FUNCTION journal.overrides_of(batches bigint[])
RETURNS TABLE (batch bigint, number int, step text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
    SELECT s.batch_id, o.number, s.step
    FROM overrides_step s JOIN overrides_override o ON o.id = s.override_id
    WHERE s.production_id = (SELECT sec.member_production_id()) AND s.batch_id = ANY (batches)
$$;
REVOKE ALL ON FUNCTION journal.overrides_of(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.overrides_of(bigint[])
    TO prodacct_web, prodacct_worker, prodacct_bond;

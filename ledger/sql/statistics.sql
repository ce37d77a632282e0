-- What the planner knows of tables that have grown: a film's first file may make them a thousand
-- times larger than autovacuum last saw them, and for a minute every plan is drawn for an empty
-- journal (an order's page then took four minutes). Whoever posts in bulk asks for this afterwards.
-- A table is looked at again when it has doubled, so that the cost stays with what was written;
-- one that somebody else is looking at is left to him.
CREATE FUNCTION journal.refresh_statistics() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE grown regclass;
BEGIN
    FOR grown IN
        SELECT c.oid FROM pg_class c
        WHERE c.relkind = 'r' AND c.relowner = current_user::regrole
          AND c.relnamespace = 'public'::regnamespace
          AND pg_relation_size(c.oid) / current_setting('block_size')::int > 2 * c.relpages + 16
        ORDER BY c.oid
    LOOP
        EXECUTE format('ANALYZE (SKIP_LOCKED) %s', grown);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION journal.refresh_statistics() TO prodacct_worker;

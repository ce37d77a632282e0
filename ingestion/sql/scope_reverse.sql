DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT polname, polrelid::regclass AS rel FROM pg_policy
             WHERE polrelid::regclass::text LIKE 'ingestion\_%'
    LOOP EXECUTE format('DROP POLICY %I ON %s', p.polname, p.rel); END LOOP;
    FOR p IN SELECT tgname, tgrelid::regclass AS rel FROM pg_trigger
             WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'ingestion\_%'
    LOOP EXECUTE format('DROP TRIGGER %I ON %s', p.tgname, p.rel); END LOOP;
END $$;
DROP FUNCTION sec.only_own_production();
DROP FUNCTION sec.held_row_moves();

DROP TRIGGER append_only ON ingestion_deskfinding;
DROP TRIGGER no_truncate ON ingestion_deskfinding;
DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT polname FROM pg_policy WHERE polrelid = 'ingestion_deskfinding'::regclass
    LOOP EXECUTE format('DROP POLICY %I ON ingestion_deskfinding', p.polname); END LOOP;
END $$;

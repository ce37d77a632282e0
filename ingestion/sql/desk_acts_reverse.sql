DROP TRIGGER no_removal ON ingestion_deskact;
DROP TRIGGER desk_act_moves ON ingestion_deskact;
DROP FUNCTION sec.desk_act_moves();
DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT polname FROM pg_policy WHERE polrelid = 'ingestion_deskact'::regclass
    LOOP EXECUTE format('DROP POLICY %I ON ingestion_deskact', p.polname); END LOOP;
END $$;

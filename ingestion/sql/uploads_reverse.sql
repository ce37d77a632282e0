DROP TRIGGER no_removal ON ingestion_upload;
DROP TRIGGER upload_goes_on ON ingestion_uploadpiece;
DROP FUNCTION sec.upload_goes_on();
DROP TRIGGER upload_moves ON ingestion_upload;
DROP FUNCTION sec.upload_moves();
DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT polname, polrelid::regclass AS rel FROM pg_policy WHERE polrelid
             IN ('ingestion_upload'::regclass, 'ingestion_uploadpiece'::regclass)
    LOOP EXECUTE format('DROP POLICY %I ON %s', p.polname, p.rel); END LOOP;
END $$;

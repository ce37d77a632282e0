DROP TRIGGER sent_on ON ingestion_importbatch;
DROP FUNCTION sec.import_is_sent_on();
REVOKE UPDATE (mapping) ON ingestion_importbatch FROM prodacct_web;
DROP POLICY sent_on ON ingestion_importbatch;
DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT tgname, tgrelid::regclass AS rel FROM pg_trigger WHERE NOT tgisinternal
             AND tgrelid::regclass::text IN ('ingestion_mappingversion', 'ingestion_driftentry',
                                             'ingestion_dryrun')
    LOOP EXECUTE format('DROP TRIGGER %I ON %s', p.tgname, p.rel); END LOOP;
END $$;

DROP TRIGGER import_moves ON ingestion_importbatch;
DROP FUNCTION sec.import_moves();
DROP POLICY cancelled ON ingestion_importbatch;
REVOKE UPDATE (state, code, reason, finished_at) ON ingestion_importbatch FROM prodacct_web;
DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT polname, polrelid::regclass AS rel FROM pg_policy
             WHERE polrelid IN ('ingestion_threshold'::regclass, 'ingestion_deadletter'::regclass,
                                'ingestion_decision'::regclass)
    LOOP EXECUTE format('DROP POLICY %I ON %s', p.polname, p.rel); END LOOP;
    FOR p IN SELECT tgname, tgrelid::regclass AS rel FROM pg_trigger
             WHERE NOT tgisinternal
               AND tgrelid IN ('ingestion_threshold'::regclass, 'ingestion_deadletter'::regclass,
                               'ingestion_decision'::regclass)
    LOOP EXECUTE format('DROP TRIGGER %I ON %s', p.tgname, p.rel); END LOOP;
END $$;
DROP FUNCTION sec.letter_moves();

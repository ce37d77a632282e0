DO $$
DECLARE p record;
    mine text[] := ARRAY['ingestion_feed', 'ingestion_feedrun', 'ingestion_feedpage',
        'ingestion_secret', 'ingestion_alert', 'ingestion_alertseen', 'ingestion_alerthook',
        'ingestion_notice'];
BEGIN
    FOR p IN SELECT polname, polrelid::regclass AS rel FROM pg_policy
             WHERE polrelid::regclass::text = ANY (mine)
    LOOP EXECUTE format('DROP POLICY %I ON %s', p.polname, p.rel); END LOOP;
    FOR p IN SELECT tgname, tgrelid::regclass AS rel FROM pg_trigger
             WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY (mine)
    LOOP EXECUTE format('DROP TRIGGER %I ON %s', p.tgname, p.rel); END LOOP;
END $$;
DROP FUNCTION sec.hold_calls(text, double precision);
DROP FUNCTION sec.take_call(text, numeric, numeric);
DROP TABLE sec.call_budget;
DROP FUNCTION sec.accounting_team();

DROP SCHEMA journal CASCADE;
ALTER TABLE ledger_batch DROP COLUMN xid, DROP CONSTRAINT batch_not_empty;
ALTER TABLE ledger_posting DROP CONSTRAINT posting_amounts_are_numbers;
ALTER TABLE ledger_sourcedocument DROP COLUMN xid;
DO $$
DECLARE t record;
BEGIN
    FOR t IN SELECT tgname, tgrelid::regclass AS rel FROM pg_trigger
             WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'ledger\_%'
    LOOP EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.rel); END LOOP;
END $$;

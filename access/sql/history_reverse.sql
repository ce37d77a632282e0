DO $$
DECLARE t record;
BEGIN
    FOR t IN SELECT tgname, tgrelid::regclass AS rel FROM pg_trigger WHERE tgname LIKE 'history\_%'
    LOOP EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.rel); END LOOP;
    FOR t IN SELECT p.oid::regprocedure AS f FROM pg_proc p
             WHERE p.pronamespace = 'sec'::regnamespace AND p.proname LIKE 'history\_of\_%'
    LOOP EXECUTE format('DROP FUNCTION %s', t.f); END LOOP;
END $$;
DROP PROCEDURE sec.keep_history(regclass, regclass);
DROP FUNCTION sec.history_stays() CASCADE;

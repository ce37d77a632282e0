DROP FUNCTION sec.read_noted(text, text, text, text, text, integer, smallint, bytea, bigint, boolean,
    integer);
DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT polname FROM pg_policy WHERE polrelid = 'readlog_read'::regclass
    LOOP EXECUTE format('DROP POLICY %I ON readlog_read', p.polname); END LOOP;
    FOR p IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'readlog_read'::regclass
                AND NOT tgisinternal
    LOOP EXECUTE format('DROP TRIGGER %I ON readlog_read', p.tgname); END LOOP;
END $$;

DROP FUNCTION sec.viewings_swept();
DROP FUNCTION sec.viewing_ended(bigint, bytea, text);
DROP FUNCTION sec.viewing_held(bigint, bytea);
DROP FUNCTION sec.viewing_begun(bigint, text, bytea, inet, text);
DROP FUNCTION sec.viewable_people();
DROP FUNCTION sec.viewable_by(bigint, bigint);
DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT polname FROM pg_policy WHERE polrelid = 'readlog_viewing'::regclass
    LOOP EXECUTE format('DROP POLICY %I ON readlog_viewing', p.polname); END LOOP;
    FOR p IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'readlog_viewing'::regclass
                AND NOT tgisinternal
    LOOP EXECUTE format('DROP TRIGGER %I ON readlog_viewing', p.tgname); END LOOP;
END $$;

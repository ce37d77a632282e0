-- The hash of a password stands in a table of its own, behind its owner's row: whoever can make the
-- web role run a statement of theirs reads nobody's. To check a password the web process enters the
-- signed context of whoever it is said to be (access/passwords.py), which needs the key that the
-- database role does not have. access_user has no secret left.
ALTER TABLE access_password ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_password FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON access_password TO prodacct_owner USING (true) WITH CHECK (true);
CREATE POLICY own ON access_password FOR SELECT TO prodacct_web
    USING (user_id = (SELECT sec.user_id()));
CREATE POLICY own_changes ON access_password FOR UPDATE TO prodacct_web
    USING (user_id = (SELECT sec.user_id())) WITH CHECK (user_id = (SELECT sec.user_id()));
GRANT SELECT (user_id, hash), UPDATE (hash) ON access_password TO prodacct_web;

INSERT INTO access_password (user_id, hash) SELECT id, password FROM access_user;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;

-- When it was set is what sessions are held against: those of before are nobody's.
CREATE FUNCTION sec.password_was_set() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
BEGIN
    UPDATE public.access_user SET password_set_at = clock_timestamp() WHERE id = NEW.user_id;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION sec.password_was_set() FROM PUBLIC;
CREATE TRIGGER was_set AFTER INSERT OR UPDATE ON access_password
    FOR EACH ROW EXECUTE FUNCTION sec.password_was_set();

CREATE OR REPLACE FUNCTION sec.person_made(address text, named text, hash text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE made bigint;
BEGIN
    INSERT INTO public.access_user
        (email, name, is_active, is_superuser, date_joined, password_set_at)
    VALUES (lower(address), named, true, false, clock_timestamp(), clock_timestamp())
    RETURNING id INTO made;
    INSERT INTO public.access_password (user_id, hash) VALUES (made, person_made.hash);
    RETURN made;
END $$;

CREATE OR REPLACE FUNCTION sec.person_made(address text, named text, hash text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE made bigint;
BEGIN
    INSERT INTO public.access_user (email, name, password, is_active, is_superuser, date_joined)
    VALUES (lower(address), named, hash, true, false, clock_timestamp()) RETURNING id INTO made;
    RETURN made;
END $$;
DROP TRIGGER was_set ON access_password;
DROP FUNCTION sec.password_was_set();
UPDATE access_user u SET password = p.hash FROM access_password p WHERE p.user_id = u.id;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
REVOKE ALL ON access_password FROM prodacct_web;
DROP POLICY own ON access_password;
DROP POLICY own_changes ON access_password;
DROP POLICY owner_all ON access_password;

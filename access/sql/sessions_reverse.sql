DROP FUNCTION sec.door_noted(text, text, inet, text);
DROP FUNCTION sec.session_ended(bytea);
DROP FUNCTION sec.session_kept(bytea, text, bigint, inet, text, double precision, boolean);
DROP FUNCTION sec.session_read(bytea, double precision);
DROP FUNCTION sec.session_exists(bytea);
DROP TRIGGER stays ON access_doorentry;
DROP FUNCTION sec.door_stays();
GRANT SELECT, INSERT, UPDATE, DELETE ON django_session TO prodacct_web;
REVOKE ALL ON access_session, access_doorentry FROM prodacct_web;

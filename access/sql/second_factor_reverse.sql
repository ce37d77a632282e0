DROP FUNCTION sec.attempt_kept(bytea, text, double precision, boolean);
DROP FUNCTION sec.attempt_forgotten(bytea);
DROP FUNCTION sec.attempt_recalled(bytea);
DROP TABLE sec.attempt;
REVOKE ALL ON mfa_authenticator FROM prodacct_web;
DROP POLICY own ON mfa_authenticator;
DROP POLICY owner_all ON mfa_authenticator;
ALTER TABLE mfa_authenticator NO FORCE ROW LEVEL SECURITY;
ALTER TABLE mfa_authenticator DISABLE ROW LEVEL SECURITY;

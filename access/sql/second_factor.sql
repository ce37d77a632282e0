-- Second factors: a person's own rows, and nobody's without a context. At sign-in the context is
-- entered for the person once the password was right (access/adapters.py). What the rows hold of
-- secrets is encrypted under a key that is not in the database.
ALTER TABLE mfa_authenticator ENABLE ROW LEVEL SECURITY;
ALTER TABLE mfa_authenticator FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON mfa_authenticator TO prodacct_owner USING (true) WITH CHECK (true);
CREATE POLICY own ON mfa_authenticator TO prodacct_web
    USING (user_id = (SELECT sec.user_id())) WITH CHECK (user_id = (SELECT sec.user_id()));
GRANT SELECT, INSERT, UPDATE, DELETE ON mfa_authenticator TO prodacct_web;

-- Attempts to sign in, under hashed keys, until they no longer count (access/attempts.py).
CREATE TABLE sec.attempt (
    key bytea PRIMARY KEY CHECK (length(key) = 32),
    value text NOT NULL CHECK (length(value) <= 20000),
    expires_at timestamptz NOT NULL
);
CREATE INDEX attempt_expires ON sec.attempt (expires_at);

CREATE FUNCTION sec.attempt_recalled(k bytea) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS
$$ SELECT value FROM sec.attempt WHERE key = k AND expires_at > clock_timestamp() $$;

-- Whether it was kept: false where something is remembered already and only a first is wanted.
-- Old rows go by the way, those that nobody holds.
CREATE FUNCTION sec.attempt_kept(k bytea, v text, seconds double precision, if_absent boolean)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
BEGIN
    DELETE FROM sec.attempt WHERE key IN (
        SELECT a.key FROM sec.attempt a
        WHERE a.expires_at < clock_timestamp() - interval '1 hour' AND a.key <> k
        ORDER BY a.expires_at LIMIT 50 FOR UPDATE SKIP LOCKED);
    INSERT INTO sec.attempt AS a (key, value, expires_at)
    VALUES (k, v, clock_timestamp() + make_interval(secs => least(seconds, 40000000)))
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
        WHERE NOT if_absent OR a.expires_at <= clock_timestamp();
    RETURN FOUND;
END $$;

CREATE FUNCTION sec.attempt_forgotten(k bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
BEGIN
    DELETE FROM sec.attempt WHERE key = k;
    RETURN FOUND;
END $$;

REVOKE ALL ON FUNCTION sec.attempt_recalled(bytea), sec.attempt_forgotten(bytea),
    sec.attempt_kept(bytea, text, double precision, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.attempt_recalled(bytea), sec.attempt_forgotten(bytea),
    sec.attempt_kept(bytea, text, double precision, boolean) TO prodacct_web;

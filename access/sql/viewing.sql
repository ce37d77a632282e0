-- Looking at pages as another member is shown them. A context may name a viewer as a fifth number
-- before the mac: the rows are then those of the user it names, and what is the user's own and
-- nobody else's (password, keys, sessions, what happened at the door) stays closed. Such a context
-- is nobody's in a transaction that could write.
CREATE OR REPLACE FUNCTION sec.context() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, sec, pg_temp AS $$
DECLARE
    parts text[] := string_to_array(current_setting('prodacct.context', true), '.');
    n int := cardinality(parts) - 1;
    inner_k bytea;
    outer_k bytea;
BEGIN
    IF parts IS NULL OR n NOT IN (4, 5) THEN RETURN NULL; END IF;
    IF array_to_string(parts[1:n], '') !~ '^[0-9]{1,60}$' THEN RETURN NULL; END IF;
    SELECT inner_key, outer_key INTO inner_k, outer_k FROM sec.context_key;
    IF encode(sha256(outer_k || sha256(inner_k || array_to_string(parts[1:n], '.')::bytea)), 'hex')
       IS DISTINCT FROM parts[n + 1] THEN RETURN NULL; END IF;
    IF parts[3]::numeric < extract(epoch FROM clock_timestamp()) THEN RETURN NULL; END IF;
    IF parts[4]::numeric <> pg_backend_pid() THEN RETURN NULL; END IF;
    IF n = 5 AND current_setting('transaction_read_only') <> 'on' THEN RETURN NULL; END IF;
    RETURN ARRAY[parts[1]::bigint, parts[2]::bigint, CASE WHEN n = 5 THEN parts[5]::bigint END];
END $$;

-- Who looks as the person who asks; NULL where people ask for themselves.
CREATE FUNCTION sec.viewer_id() RETURNS bigint
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, sec, pg_temp AS
$$ SELECT (sec.context())[3] $$;

-- Who asks for themselves: what is a person's own is shown to nobody who looks as them.
CREATE FUNCTION sec.own_id() RETURNS bigint
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, sec, pg_temp AS
$$ SELECT c[1] FROM (SELECT sec.context() AS c) said WHERE c[3] IS NULL $$;
REVOKE ALL ON FUNCTION sec.viewer_id(), sec.own_id() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.viewer_id(), sec.own_id()
    TO prodacct_web, prodacct_worker, prodacct_bond;

ALTER POLICY own ON access_password USING (user_id = (SELECT sec.own_id()));
ALTER POLICY own_changes ON access_password
    USING (user_id = (SELECT sec.own_id())) WITH CHECK (user_id = (SELECT sec.own_id()));
ALTER POLICY own ON access_session USING (user_id = (SELECT sec.own_id()));
ALTER POLICY own_ends ON access_session USING (user_id = (SELECT sec.own_id()));
ALTER POLICY own ON access_doorentry USING (user_id = (SELECT sec.own_id()));
ALTER POLICY own ON mfa_authenticator
    USING (user_id = (SELECT sec.own_id())) WITH CHECK (user_id = (SELECT sec.own_id()));
ALTER POLICY own ON access_historicalmembership
    USING (user_id = (SELECT sec.own_id())
           OR (production_id = (SELECT sec.member_production_id())
               AND (SELECT sec.may('manage_access'))));

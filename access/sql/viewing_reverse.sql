ALTER POLICY own ON access_password USING (user_id = (SELECT sec.user_id()));
ALTER POLICY own_changes ON access_password
    USING (user_id = (SELECT sec.user_id())) WITH CHECK (user_id = (SELECT sec.user_id()));
ALTER POLICY own ON access_session USING (user_id = (SELECT sec.user_id()));
ALTER POLICY own_ends ON access_session USING (user_id = (SELECT sec.user_id()));
ALTER POLICY own ON access_doorentry USING (user_id = (SELECT sec.user_id()));
ALTER POLICY own ON mfa_authenticator
    USING (user_id = (SELECT sec.user_id())) WITH CHECK (user_id = (SELECT sec.user_id()));
ALTER POLICY own ON access_historicalmembership
    USING (user_id = (SELECT sec.user_id())
           OR (production_id = (SELECT sec.member_production_id())
               AND (SELECT sec.may('manage_access'))));
DROP FUNCTION sec.own_id();
DROP FUNCTION sec.viewer_id();
CREATE OR REPLACE FUNCTION sec.context() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, sec, pg_temp AS $$
DECLARE
    parts text[] := string_to_array(current_setting('prodacct.context', true), '.');
    inner_k bytea;
    outer_k bytea;
BEGIN
    IF parts IS NULL OR cardinality(parts) <> 5 THEN RETURN NULL; END IF;
    IF array_to_string(parts[1:4], '') !~ '^[0-9]{1,60}$' THEN RETURN NULL; END IF;
    SELECT inner_key, outer_key INTO inner_k, outer_k FROM sec.context_key;
    IF encode(sha256(outer_k || sha256(inner_k || array_to_string(parts[1:4], '.')::bytea)), 'hex')
       IS DISTINCT FROM parts[5] THEN RETURN NULL; END IF;
    IF parts[3]::numeric < extract(epoch FROM clock_timestamp()) THEN RETURN NULL; END IF;
    IF parts[4]::numeric <> pg_backend_pid() THEN RETURN NULL; END IF;
    RETURN ARRAY[parts[1]::bigint, parts[2]::bigint];
END $$;

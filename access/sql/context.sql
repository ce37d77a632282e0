-- Who asks, as the policies see it. `prodacct.context` is user.production.expires.pid.mac; the mac
-- is HMAC-SHA256 (RFC 2104), computed from the two padded keys because core PostgreSQL has sha256
-- but no hmac. Anything missing, malformed, expired, of another session or wrongly sealed is
-- nobody: NULL, and every policy then shows nothing.
-- Every search_path names pg_temp, last: unnamed it is searched first, and whoever calls could lay
-- a temporary table of their own before the one that is meant.
-- Nobody may call a function they were not given, above all not as a trigger on a table of their
-- own, where it would run as its owner on rows and casts that they made up.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE SCHEMA sec;
GRANT USAGE ON SCHEMA sec TO prodacct_web, prodacct_worker, prodacct_bond;

CREATE TABLE sec.context_key (inner_key bytea NOT NULL, outer_key bytea NOT NULL);
CREATE UNIQUE INDEX one_context_key ON sec.context_key ((true));

-- Parallel restricted: a parallel worker is another process, and there nobody would be asking.
CREATE FUNCTION sec.context() RETURNS bigint[]
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

CREATE FUNCTION sec.user_id() RETURNS bigint
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, sec, pg_temp AS
$$ SELECT (sec.context())[1] $$;

CREATE FUNCTION sec.production_id() RETURNS bigint
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, sec, pg_temp AS
$$ SELECT nullif((sec.context())[2], 0) $$;

-- Here and below who asks stands behind a subselect: it is worked out once, and the planner looks
-- for their rows by index. Unwrapped it is worked out for every row a scan meets (measured with 450
-- productions and no statistics yet: seconds for a page).
-- Productions of which the person who asks is a member today, by the day in UTC: the session's own
-- time zone is in the hands of whoever asks.
CREATE FUNCTION sec.member_productions() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, sec, pg_temp AS $$
    SELECT m.production_id FROM public.access_membership m
    JOIN public.access_user u ON u.id = m.user_id AND u.is_active
    WHERE m.user_id = (SELECT sec.user_id()) AND m.starts_on <= (now() AT TIME ZONE 'UTC')::date
      AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'UTC')::date)
$$;

-- The production in question, if the person who asks is a member of it today.
CREATE FUNCTION sec.member_production_id() RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, sec, pg_temp AS
$$ SELECT m FROM sec.member_productions() m WHERE m = (SELECT sec.production_id()) $$;

-- May the person who asks do this on the production in question? A guardian grant and a
-- membership that is running today, both.
CREATE FUNCTION sec.may(action text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM public.access_productionuserobjectpermission g
        JOIN public.auth_permission p ON p.id = g.permission_id AND p.codename = action
        WHERE g.user_id = (SELECT sec.user_id())
          AND g.content_object_id = (SELECT sec.member_production_id()))
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA sec FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.context(), sec.user_id(), sec.production_id(),
    sec.member_productions(), sec.member_production_id(), sec.may(text) TO prodacct_web, prodacct_worker, prodacct_bond;

-- Put a table that holds productions' data behind forced row-level security.
--   owner   sees all: it migrates and verifies, and nobody signs in with it
--   worker  sees the one production of its context
--   web and bond read what `readable` says, inside the one production of their context
-- `writable`, when given, is what web may insert; updates are granted table by table.
CREATE PROCEDURE sec.protect(t regclass, readable text, writable text DEFAULT NULL)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner_all ON %s TO prodacct_owner USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY worker_production ON %s TO prodacct_worker'
        ' USING (production_id = (SELECT sec.production_id()))'
        ' WITH CHECK (production_id = (SELECT sec.production_id()))', t);
    EXECUTE format('CREATE POLICY reader_scope ON %s FOR SELECT TO prodacct_web, prodacct_bond'
        ' USING (production_id = (SELECT sec.member_production_id()) AND %s)', t, readable);
    IF writable IS NOT NULL THEN
        EXECUTE format('CREATE POLICY writer_scope ON %s FOR INSERT TO prodacct_web'
            ' WITH CHECK (production_id = (SELECT sec.member_production_id()) AND %s)', t, writable);
    END IF;
END $$;
REVOKE ALL ON PROCEDURE sec.protect(regclass, text, text) FROM PUBLIC;

-- Productions, memberships and grants name themselves, so their policies are written out.
ALTER TABLE access_production ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_production FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON access_production TO prodacct_owner USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON access_production FOR SELECT TO prodacct_worker USING (true);
CREATE POLICY reader_scope ON access_production FOR SELECT TO prodacct_web, prodacct_bond
    USING (id = ANY (ARRAY(SELECT sec.member_productions())));

ALTER TABLE access_membership ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_membership FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON access_membership TO prodacct_owner USING (true) WITH CHECK (true);
CREATE POLICY own ON access_membership FOR SELECT TO prodacct_web, prodacct_worker, prodacct_bond
    USING (user_id = (SELECT sec.user_id()));

ALTER TABLE access_productionuserobjectpermission ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_productionuserobjectpermission FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON access_productionuserobjectpermission TO prodacct_owner
    USING (true) WITH CHECK (true);
CREATE POLICY own ON access_productionuserobjectpermission FOR SELECT
    TO prodacct_web, prodacct_worker, prodacct_bond USING (user_id = (SELECT sec.user_id()));

GRANT SELECT ON access_production, access_membership, access_productionuserobjectpermission,
    auth_permission, django_content_type TO prodacct_web, prodacct_worker, prodacct_bond;
GRANT SELECT ON access_user TO prodacct_web, prodacct_worker;
GRANT SELECT (id, name, is_active) ON access_user TO prodacct_bond;
-- Not the password: whoever could change that would become the person, signed context or not.
GRANT UPDATE (last_login) ON access_user TO prodacct_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON django_session TO prodacct_web;
GRANT SELECT ON django_migrations TO prodacct_web, prodacct_worker;

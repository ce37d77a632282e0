-- What grants, memberships and policies must agree on (taxonomy/agreement.py), and what may not be
-- there at all: a global permission, a group, a superuser would open more than any grant says.
ALTER TABLE access_user ADD CONSTRAINT no_superuser CHECK (NOT is_superuser);
CREATE FUNCTION sec.stays_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% into % is refused: who may see what is granted person by person, on a '
        'production or a cost centre', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
REVOKE ALL ON FUNCTION sec.stays_empty() FROM PUBLIC;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['auth_group', 'auth_group_permissions', 'access_user_groups',
        'access_user_user_permissions', 'guardian_userobjectpermission',
        'guardian_groupobjectpermission']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON %I TO prodacct_owner USING (true)'
            ' WITH CHECK (true)', t);
        EXECUTE format('CREATE TRIGGER stays_empty BEFORE INSERT OR UPDATE ON %I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION sec.stays_empty()', t);
    END LOOP;
END $$;

-- Whom the production of the context says anything of: members, and whoever holds a grant on it.
CREATE FUNCTION sec.people_with_access() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
    SELECT m.user_id FROM public.access_membership m
    WHERE m.production_id = (SELECT sec.production_id())
    UNION SELECT g.user_id FROM public.access_productionuserobjectpermission g
    WHERE g.content_object_id = (SELECT sec.production_id())
    UNION SELECT g.user_id FROM public.taxonomy_costcenteruserobjectpermission g
    JOIN public.taxonomy_costcenter c ON c.id = g.content_object_id
    WHERE c.production_id = (SELECT sec.production_id())
$$;
-- What opens more than grants do, in words.
CREATE FUNCTION sec.wider_than_grants() RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
DECLARE
    t text;
    n bigint;
BEGIN
    FOREACH t IN ARRAY ARRAY['auth_group', 'auth_group_permissions', 'access_user_groups',
        'access_user_user_permissions', 'guardian_userobjectpermission',
        'guardian_groupobjectpermission']
    LOOP
        EXECUTE format('SELECT count(*) FROM public.%I', t) INTO n;
        IF n > 0 THEN RETURN NEXT format('%s has rows, and grants are given nowhere but on '
            'productions and cost centres', t); END IF;
    END LOOP;
    RETURN QUERY SELECT format('user %s is a superuser', u.id) FROM public.access_user u
        WHERE u.is_superuser;
    RETURN QUERY SELECT format('row-level security of %s is off', c.relname)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'production_id'
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1;
END $$;
REVOKE ALL ON FUNCTION sec.people_with_access(), sec.wider_than_grants() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.people_with_access(), sec.wider_than_grants() TO prodacct_worker;

-- What the nightly check found, for whoever gives and takes memberships.
CALL sec.protect('taxonomy_accessfinding', '(SELECT sec.may(''manage_access''))');
CALL sec.keep_forever('taxonomy_accessfinding');
GRANT SELECT ON taxonomy_accessfinding TO prodacct_web, prodacct_worker;
GRANT INSERT ON taxonomy_accessfinding TO prodacct_worker;
GRANT USAGE ON SEQUENCE taxonomy_accessfinding_id_seq TO prodacct_worker;

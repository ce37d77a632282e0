DROP FUNCTION sec.people_with_access(), sec.wider_than_grants();
DO $$
DECLARE
    t text;
    p record;
BEGIN
    FOREACH t IN ARRAY ARRAY['auth_group', 'auth_group_permissions', 'access_user_groups',
        'access_user_user_permissions', 'guardian_userobjectpermission',
        'guardian_groupobjectpermission']
    LOOP
        EXECUTE format('DROP TRIGGER stays_empty ON %I', t);
        EXECUTE format('DROP POLICY owner_all ON %I', t);
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', t);
    END LOOP;
    FOR p IN SELECT polname FROM pg_policy WHERE polrelid = 'taxonomy_accessfinding'::regclass
    LOOP EXECUTE format('DROP POLICY %I ON taxonomy_accessfinding', p.polname); END LOOP;
    FOR p IN SELECT tgname FROM pg_trigger
             WHERE NOT tgisinternal AND tgrelid = 'taxonomy_accessfinding'::regclass
    LOOP EXECUTE format('DROP TRIGGER %I ON taxonomy_accessfinding', p.tgname); END LOOP;
END $$;
DROP FUNCTION sec.stays_empty();
ALTER TABLE access_user DROP CONSTRAINT no_superuser;

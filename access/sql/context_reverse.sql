DROP POLICY owner_all ON access_productionuserobjectpermission;
DROP POLICY own ON access_productionuserobjectpermission;
DROP POLICY owner_all ON access_membership;
DROP POLICY own ON access_membership;
DROP POLICY owner_all ON access_production;
DROP POLICY worker_all ON access_production;
DROP POLICY reader_scope ON access_production;
DROP SCHEMA sec CASCADE;
REVOKE ALL ON access_production, access_membership, access_productionuserobjectpermission,
    access_user, auth_permission, django_content_type, django_session, django_migrations
    FROM prodacct_web, prodacct_worker, prodacct_bond;

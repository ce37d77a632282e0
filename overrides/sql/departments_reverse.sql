ALTER POLICY reader_scope ON overrides_signingrule USING (
    production_id = (SELECT sec.member_production_id())
    AND ((SELECT sec.may('sign_overrides')) OR (SELECT sec.may('request_overrides'))));
DROP TRIGGER department_asks ON overrides_override;
DROP FUNCTION journal.department_asks(), journal.asking_facts(), journal.home_of(text);
DELETE FROM access_productionuserobjectpermission g USING access_membership m, auth_permission p
WHERE p.id = g.permission_id AND p.codename = 'request_overrides' AND m.user_id = g.user_id
  AND m.production_id = g.content_object_id AND m.role = 'department_head';

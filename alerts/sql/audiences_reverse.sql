DROP FUNCTION sec.alert_team(text);
CREATE FUNCTION sec.accounting_team() RETURNS TABLE (user_id bigint, email text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
    SELECT DISTINCT u.id, u.email::text FROM public.access_membership m
    JOIN public.access_user u ON u.id = m.user_id AND u.is_active
    JOIN public.access_productionuserobjectpermission g
        ON g.user_id = m.user_id AND g.content_object_id = m.production_id
    JOIN public.auth_permission p ON p.id = g.permission_id
        AND p.codename IN ('import_files', 'resolve_quarantine')
    WHERE m.production_id = (SELECT sec.production_id())
      AND m.starts_on <= (now() AT TIME ZONE 'UTC')::date
      AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'UTC')::date)
    ORDER BY u.id
$$;
REVOKE ALL ON FUNCTION sec.accounting_team() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.accounting_team() TO prodacct_worker;
DROP TRIGGER stays ON ingestion_alert;
DROP FUNCTION sec.alert_stays();
ALTER POLICY writer_scope ON ingestion_alertseen
    WITH CHECK (production_id = (SELECT sec.member_production_id())
                AND (SELECT sec.may('import_files')) AND user_id = (SELECT sec.user_id()));
ALTER POLICY reader_scope ON ingestion_alertseen
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('import_files')) AND user_id = (SELECT sec.user_id()));
ALTER POLICY reader_scope ON ingestion_alert
    USING (production_id = (SELECT sec.member_production_id()) AND (SELECT sec.may('import_files')));

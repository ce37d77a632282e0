ALTER POLICY reader_scope ON ingestion_alert
    USING (production_id = (SELECT sec.member_production_id())
           AND (audience = 'import_files' AND (SELECT sec.may('import_files'))
                OR audience = 'sign_overrides' AND (SELECT sec.may('sign_overrides'))));
ALTER POLICY reader_scope ON ingestion_alertseen
    USING (production_id = (SELECT sec.member_production_id())
           AND ((SELECT sec.may('import_files')) OR (SELECT sec.may('sign_overrides')))
           AND user_id = (SELECT sec.user_id()));
ALTER POLICY writer_scope ON ingestion_alertseen
    WITH CHECK (production_id = (SELECT sec.member_production_id())
                AND ((SELECT sec.may('import_files')) OR (SELECT sec.may('sign_overrides')) AND EXISTS (
                    SELECT 1 FROM ingestion_alert a WHERE a.id = ingestion_alertseen.alert_id
                        AND a.audience = 'sign_overrides'))
                AND user_id = (SELECT sec.user_id()));
CREATE OR REPLACE FUNCTION sec.alert_team(audience text) RETURNS TABLE (user_id bigint, email text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
    SELECT DISTINCT u.id, u.email::text FROM public.access_membership m
    JOIN public.access_user u ON u.id = m.user_id AND u.is_active
    JOIN public.access_productionuserobjectpermission g
        ON g.user_id = m.user_id AND g.content_object_id = m.production_id
    JOIN public.auth_permission p ON p.id = g.permission_id AND CASE audience
        WHEN 'import_files' THEN p.codename IN ('import_files', 'resolve_quarantine')
        WHEN 'sign_overrides' THEN p.codename = 'sign_overrides' AND m.role <> 'studio_executive'
        END
    WHERE m.production_id = (SELECT sec.production_id())
      AND m.starts_on <= (now() AT TIME ZONE 'UTC')::date
      AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'UTC')::date)
    ORDER BY u.id
$$;

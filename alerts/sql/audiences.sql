-- An alert is for those who may do one thing: intake's for the accounting team, overrides' for those
-- who sign. Who closes an alert closes it for everybody: that stays the accounting team's.
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
-- What an alert is about, and for whom, stays: a wider audience would show it to others.
CREATE FUNCTION sec.alert_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.production_id, NEW.kind, NEW.source, NEW.audience, NEW.first_at)
       IS DISTINCT FROM (OLD.production_id, OLD.kind, OLD.source, OLD.audience, OLD.first_at) THEN
        RAISE EXCEPTION 'alert % stays about what it is', OLD.id USING ERRCODE = '55000';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION sec.alert_stays() FROM PUBLIC;
CREATE TRIGGER stays BEFORE UPDATE ON ingestion_alert
    FOR EACH ROW EXECUTE FUNCTION sec.alert_stays();

-- Whom an audience's alerts are sent to: its people of today, with their addresses. Of those who
-- sign, the studio's executives are not written to; they find everything on the screen.
DROP FUNCTION sec.accounting_team();
CREATE FUNCTION sec.alert_team(audience text) RETURNS TABLE (user_id bigint, email text)
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
REVOKE ALL ON FUNCTION sec.alert_team(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.alert_team(text) TO prodacct_worker;

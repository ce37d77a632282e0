-- Feeds and alerts are the accounting team's. A secret is put in by the web and read by the worker
-- alone; what is encrypted is no use to whoever reads a dump without the installation's secret.
CALL sec.protect('ingestion_feed', '(SELECT sec.may(''import_files''))',
    '(SELECT sec.may(''import_files'')) AND made_by_id = (SELECT sec.user_id())');
CALL sec.protect('ingestion_feedrun', '(SELECT sec.may(''import_files''))',
    '(SELECT sec.may(''import_files'')) AND made_by_id = (SELECT sec.user_id())');
CALL sec.protect('ingestion_feedpage', '(SELECT sec.may(''import_files''))');
CALL sec.protect('ingestion_secret', '(SELECT sec.may(''import_files''))',
    '(SELECT sec.may(''import_files'')) AND made_by_id = (SELECT sec.user_id())');
CALL sec.protect('ingestion_alert', '(SELECT sec.may(''import_files''))');
CALL sec.protect('ingestion_alertseen',
    '(SELECT sec.may(''import_files'')) AND user_id = (SELECT sec.user_id())',
    '(SELECT sec.may(''import_files'')) AND user_id = (SELECT sec.user_id())');
CALL sec.protect('ingestion_alerthook', '(SELECT sec.may(''import_files''))',
    '(SELECT sec.may(''import_files'')) AND made_by_id = (SELECT sec.user_id())');
CALL sec.protect('ingestion_notice', '(SELECT sec.may(''import_files''))');

GRANT SELECT ON ingestion_feed, ingestion_feedrun, ingestion_feedpage, ingestion_alert,
    ingestion_alertseen, ingestion_alerthook, ingestion_notice TO prodacct_web, prodacct_worker;
GRANT SELECT ON ingestion_secret TO prodacct_worker;
GRANT SELECT (id, made_at) ON ingestion_secret TO prodacct_web;
GRANT INSERT ON ingestion_feed, ingestion_feedrun, ingestion_secret, ingestion_alertseen,
    ingestion_alerthook TO prodacct_web, prodacct_worker;
GRANT INSERT ON ingestion_feedpage, ingestion_alert, ingestion_notice TO prodacct_worker;
GRANT UPDATE (is_active) ON ingestion_feed TO prodacct_web, prodacct_worker;
GRANT UPDATE (count) ON ingestion_alertseen TO prodacct_web;
GRANT UPDATE (closed_at, closed_by_id) ON ingestion_alert TO prodacct_web;
GRANT UPDATE ON ingestion_feedrun, ingestion_alert, ingestion_notice TO prodacct_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO prodacct_web, prodacct_worker;
CREATE POLICY switched ON ingestion_feed FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id()) AND (SELECT sec.may('import_files')))
    WITH CHECK (production_id = (SELECT sec.member_production_id()));
CREATE POLICY read_on ON ingestion_alertseen FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND user_id = (SELECT sec.user_id()))
    WITH CHECK (user_id = (SELECT sec.user_id()));
CREATE POLICY closed ON ingestion_alert FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('import_files')) AND closed_at IS NULL)
    WITH CHECK (closed_by_id = (SELECT sec.user_id()) AND closed_at IS NOT NULL);

CALL sec.keep_forever('ingestion_feedpage');
CALL sec.keep_forever('ingestion_secret');
CALL sec.keep_forever('ingestion_alerthook');
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON ingestion_feed
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON ingestion_feedrun
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON ingestion_alert
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CALL journal.audit('ingestion_feed');
CALL journal.audit('ingestion_alerthook');

-- Whom a production's alerts are for: its accounting team of today, with their addresses.
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

-- One budget of calls for each vendor, whichever worker on whichever machine asks. The clock is
-- the database's, so that workers whose clocks differ do not spend a minute twice.
CREATE TABLE sec.call_budget (
    vendor text PRIMARY KEY,
    tokens numeric NOT NULL,
    filled_at timestamptz NOT NULL,
    not_before timestamptz NOT NULL DEFAULT '-infinity');

-- Take one call of the vendor's budget; or how many seconds until there is one (0: it is taken).
CREATE FUNCTION sec.take_call(which text, per_minute numeric, burst numeric)
RETURNS double precision
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
DECLARE
    b sec.call_budget;
    at timestamptz;
    rate numeric := greatest(per_minute, 0.01) / 60;
    most numeric := greatest(burst, 1);
    filled numeric;
BEGIN
    INSERT INTO sec.call_budget VALUES (which, most, clock_timestamp()) ON CONFLICT DO NOTHING;
    SELECT * INTO b FROM sec.call_budget c WHERE c.vendor = which FOR UPDATE;
    at := clock_timestamp();  -- after the wait for the row
    IF b.not_before > at THEN RETURN extract(epoch FROM b.not_before - at); END IF;
    filled := least(most, b.tokens + rate * extract(epoch FROM at - b.filled_at));
    UPDATE sec.call_budget c SET filled_at = at,
        tokens = CASE WHEN filled >= 1 THEN filled - 1 ELSE filled END WHERE c.vendor = which;
    RETURN CASE WHEN filled >= 1 THEN 0 ELSE (1 - filled) / rate END;
END $$;

-- The vendor asks to be left alone for a while: that holds for every worker.
CREATE FUNCTION sec.hold_calls(which text, seconds double precision) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
    INSERT INTO sec.call_budget VALUES (which, 0, clock_timestamp(),
        clock_timestamp() + make_interval(secs => least(seconds, 86400)))
    ON CONFLICT (vendor) DO UPDATE
        SET not_before = greatest(sec.call_budget.not_before, EXCLUDED.not_before)
$$;
REVOKE ALL ON FUNCTION sec.take_call(text, numeric, numeric), sec.hold_calls(text, double precision)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.take_call(text, numeric, numeric), sec.hold_calls(text, double precision)
    TO prodacct_worker;

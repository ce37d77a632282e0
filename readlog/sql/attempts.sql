-- What was refused. Written by one function with or without anybody signed in; equal ones within a
-- minute are one row with a count. Of one address ten rows a minute are kept apart, of all together
-- sixty, and the rest is one row more; after ninety days they go. So no flood fills the disk.
ALTER TABLE readlog_attempt ADD CONSTRAINT attempt_is_hashed
    CHECK (length(fold) = 32 AND length(payload_mac) = 32 AND coalesce(length(session_hash), 32) = 32);
CREATE INDEX attempt_minute ON readlog_attempt (minute, ip);
ALTER TABLE readlog_attempt ENABLE ROW LEVEL SECURITY;
ALTER TABLE readlog_attempt FORCE ROW LEVEL SECURITY;

-- The people of the production in question, for whoever gives its memberships.
CREATE FUNCTION sec.people_here() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, public, sec, pg_temp AS $$
    SELECT m.user_id FROM public.access_membership m
    WHERE m.production_id = (SELECT sec.production_id()) AND (SELECT sec.may('manage_access'))
$$;

CREATE POLICY owner_all ON readlog_attempt TO prodacct_owner USING (true) WITH CHECK (true);
-- What named no production is told to the administrators of those its person is on; what comes from
-- nobody known, to every production's.
CREATE POLICY administrators ON readlog_attempt FOR SELECT TO prodacct_web
    USING ((SELECT sec.may('manage_access')) AND (
        production_id = (SELECT sec.member_production_id())
        OR production_id IS NULL AND (user_id IS NULL
            OR user_id = ANY (ARRAY(SELECT sec.people_here())))));
CREATE POLICY worker_production ON readlog_attempt FOR SELECT TO prodacct_worker
    USING (production_id = (SELECT sec.production_id()));
GRANT SELECT ON readlog_attempt TO prodacct_web, prodacct_worker;

CREATE FUNCTION sec.attempt_quarantined(reason_ text, status_ smallint, method_ text, route_ text,
    code_ text, who bigint, email_ text, address_ inet, agent_ text, session_ bytea, payload_ bytea)
    RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp
SET lock_timeout = '3s' AS $$
DECLARE
    now_ timestamptz := clock_timestamp();
    minute_ timestamptz := date_trunc('minute', now_, 'UTC');
    production bigint;
    person bigint := who;
    key bytea;
    kept int;
    of_address int;
BEGIN
    DELETE FROM public.readlog_attempt WHERE id IN (
        SELECT a.id FROM public.readlog_attempt a WHERE a.last_at < now_ - interval '90 days'
        ORDER BY a.last_at LIMIT 50 FOR UPDATE SKIP LOCKED);
    SELECT p.id INTO production FROM public.access_production p
        WHERE code_ <> '' AND upper(p.code) = upper(code_);
    IF person IS NULL AND email_ <> '' THEN
        SELECT u.id INTO person FROM public.access_user u WHERE u.email = lower(email_);
    END IF;
    key := sha256(convert_to(ROW(reason_, status_, method_, route_, production, person,
        address_)::text, 'UTF8'));
    UPDATE public.readlog_attempt SET count = count + 1, last_at = now_
        WHERE minute = minute_ AND fold = key;
    IF FOUND THEN RETURN; END IF;
    SELECT count(*), count(*) FILTER (WHERE a.ip IS NOT DISTINCT FROM address_)
        INTO kept, of_address FROM public.readlog_attempt a WHERE a.minute = minute_;
    IF kept >= 60 OR of_address >= 10 THEN
        -- One row of what is too much: from this address while there is room, else from anywhere.
        address_ := CASE WHEN kept < 60 THEN address_ END;
        production := NULL;
        person := NULL;
        key := sha256(convert_to(ROW('overflow', address_)::text, 'UTF8'));
        reason_ := 'overflow'; status_ := 0; method_ := ''; route_ := ''; agent_ := '';
        session_ := NULL;
    END IF;
    INSERT INTO public.readlog_attempt AS a (production_id, user_id, minute, fold, first_at, last_at,
        count, reason, status, method, route, ip, agent, session_hash, payload_mac)
    VALUES (production, person, minute_, key, now_, now_, 1, reason_, status_, method_, route_,
        address_, left(agent_, 200), session_, payload_)
    ON CONFLICT (minute, fold) DO UPDATE SET count = a.count + 1, last_at = now_;
END $$;

-- Who was refused again and again of late, as far as this production's administrators are shown it:
-- an address or a person, and how often. For the worker, in the context of a production.
CREATE FUNCTION sec.repeated_attempts(minutes integer, least_count integer)
    RETURNS TABLE (sender text, times bigint, latest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
    WITH lately AS (
        SELECT a.* FROM public.readlog_attempt a
        WHERE a.last_at > clock_timestamp() - make_interval(mins => minutes)
          AND a.reason <> 'session' AND (
            a.production_id = (SELECT sec.production_id())
            OR a.production_id IS NULL AND (a.user_id IS NULL OR EXISTS (
                SELECT 1 FROM public.access_membership m WHERE m.user_id = a.user_id
                    AND m.production_id = (SELECT sec.production_id())))))
    SELECT host(ip), sum(count), max(last_at) FROM lately WHERE ip IS NOT NULL GROUP BY 1
    HAVING sum(count) >= least_count
    UNION ALL
    SELECT 'person ' || user_id, sum(count), max(last_at) FROM lately WHERE user_id IS NOT NULL
    GROUP BY 1 HAVING sum(count) >= least_count
    ORDER BY 1
$$;
REVOKE ALL ON FUNCTION sec.people_here(), sec.repeated_attempts(integer, integer),
    sec.attempt_quarantined(text, smallint, text, text, text, bigint, text, inet, text, bytea, bytea)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.people_here(),
    sec.attempt_quarantined(text, smallint, text, text, text, bigint, text, inet, text, bytea, bytea)
    TO prodacct_web;
GRANT EXECUTE ON FUNCTION sec.repeated_attempts(integer, integer) TO prodacct_worker;

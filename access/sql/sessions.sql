-- Sessions. Whoever can make the web role run a statement of theirs must not become another person
-- by it: a session is found by the hash of a key that only its browser has, its content comes from
-- functions that ask for that hash, and of the table a person reads their own rows, without it.
ALTER TABLE access_session ADD CONSTRAINT session_key_is_a_hash CHECK (length(key_hash) = 32);
CREATE INDEX session_ends ON access_session (ends_at);
ALTER TABLE access_session ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_session FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON access_session TO prodacct_owner USING (true) WITH CHECK (true);
CREATE POLICY own ON access_session FOR SELECT TO prodacct_web
    USING (user_id = (SELECT sec.user_id()));
CREATE POLICY own_ends ON access_session FOR DELETE TO prodacct_web
    USING (user_id = (SELECT sec.user_id()));
GRANT SELECT (id, user_id, key_hash, made_at, seen_at, ends_at, ip, agent), DELETE
    ON access_session TO prodacct_web;
REVOKE ALL ON django_session FROM prodacct_web;

CREATE FUNCTION sec.session_exists(h bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS
$$ SELECT EXISTS (SELECT 1 FROM public.access_session WHERE key_hash = h) $$;

-- What the session holds, unless nothing was asked for too long, its day is over, or the person it
-- is of was deactivated. That it was seen is written at most once a minute.
CREATE FUNCTION sec.session_read(h bytea, idle_seconds double precision) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE found_row public.access_session;
BEGIN
    SELECT s.* INTO found_row FROM public.access_session s
    LEFT JOIN public.access_user u ON u.id = s.user_id
    WHERE s.key_hash = h AND s.ends_at > clock_timestamp()
      AND s.seen_at > clock_timestamp() - make_interval(secs => idle_seconds)
      AND (s.user_id IS NULL OR u.is_active);
    IF found_row.seen_at < clock_timestamp() - interval '1 minute' THEN
        -- Not waiting for another request of the same browser, which writes it as well.
        UPDATE public.access_session SET seen_at = clock_timestamp() WHERE id IN (
            SELECT s.id FROM public.access_session s WHERE s.id = found_row.id
            FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN found_row.data;
END $$;

-- Keep what a session holds: a new one, which nobody has the key of yet, or one that is there. How
-- long it lasts is settled when it is made. False where that is not so.
CREATE FUNCTION sec.session_kept(h bytea, held text, who bigint, address inet, browser text,
    seconds double precision, is_new boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE now_ timestamptz := clock_timestamp();
BEGIN
    IF NOT is_new THEN
        -- Signing in makes a new session and then names its person, once; its day begins there.
        UPDATE public.access_session SET data = held, ip = address, agent = left(browser, 200),
            user_id = who,
            made_at = CASE WHEN user_id IS NULL AND who IS NOT NULL THEN now_ ELSE made_at END,
            ends_at = CASE WHEN user_id IS NULL AND who IS NOT NULL
                THEN now_ + make_interval(secs => seconds) ELSE ends_at END
        WHERE key_hash = h AND (user_id IS NULL OR user_id = who);
        RETURN FOUND;
    END IF;
    DELETE FROM public.access_session WHERE id IN (
        SELECT s.id FROM public.access_session s WHERE s.ends_at < now_ - interval '1 day'
        ORDER BY s.ends_at LIMIT 50 FOR UPDATE SKIP LOCKED);
    INSERT INTO public.access_session
        (key_hash, user_id, data, made_at, seen_at, ends_at, ip, agent)
    VALUES (h, who, held, now_, now_, now_ + make_interval(secs => seconds), address,
        left(browser, 200))
    ON CONFLICT (key_hash) DO NOTHING;
    RETURN FOUND;
END $$;

CREATE FUNCTION sec.session_ended(h bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
BEGIN
    DELETE FROM public.access_session WHERE key_hash = h;
    RETURN FOUND;
END $$;

-- What happened at the door. It is written for whoever is named, with nobody signed in yet, and
-- never changed; a person reads their own.
CREATE INDEX door_of ON access_doorentry (user_id, at DESC);
ALTER TABLE access_doorentry ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_doorentry FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON access_doorentry TO prodacct_owner USING (true) WITH CHECK (true);
CREATE POLICY own ON access_doorentry FOR SELECT TO prodacct_web
    USING (user_id = (SELECT sec.user_id()));
GRANT SELECT ON access_doorentry TO prodacct_web;
CREATE FUNCTION sec.door_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what happened at the door stays', TG_OP, TG_TABLE_NAME
        USING ERRCODE = '55000';
END $$;
REVOKE ALL ON FUNCTION sec.door_stays() FROM PUBLIC;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON access_doorentry
    FOR EACH STATEMENT EXECUTE FUNCTION sec.door_stays();

CREATE FUNCTION sec.door_noted(what text, said text, address_ inet, browser text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
    INSERT INTO public.access_doorentry (at, user_id, kind, address, ip, agent)
    VALUES (clock_timestamp(), (SELECT id FROM public.access_user WHERE email = lower(left(said, 254))),
        left(what, 30), lower(left(said, 254)), address_, left(browser, 200))
$$;

REVOKE ALL ON FUNCTION sec.session_exists(bytea), sec.session_read(bytea, double precision),
    sec.session_kept(bytea, text, bigint, inet, text, double precision, boolean),
    sec.session_ended(bytea), sec.door_noted(text, text, inet, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.session_exists(bytea), sec.session_read(bytea, double precision),
    sec.session_kept(bytea, text, bigint, inet, text, double precision, boolean),
    sec.session_ended(bytea), sec.door_noted(text, text, inet, text) TO prodacct_web;

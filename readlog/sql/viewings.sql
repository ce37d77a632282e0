-- Who looks at pages as whom. Rows are written by functions that ask who asks; each state goes into
-- the office's sealed log. A person reads who looked as them, whoever may do so or gives memberships
-- reads all.
ALTER TABLE readlog_viewing
    ADD CONSTRAINT viewing_is_said CHECK (btrim(reason) <> '' AND length(mark) = 32
        AND viewer_id <> person_id AND ends_at > began_at),
    ADD CONSTRAINT viewing_ends_once CHECK ((ended_at IS NULL) = (ended_by = '')
        AND ended_by IN ('', 'button', 'time', 'session', 'place'));
CALL sec.protect('readlog_viewing', '(person_id = (SELECT sec.user_id())'
    ' OR (SELECT sec.may(''view_as'')) OR (SELECT sec.may(''manage_access'')))');
CALL journal.audit('readlog_viewing');
GRANT SELECT ON readlog_viewing TO prodacct_web, prodacct_worker, prodacct_bond;

-- Whose pages `asker` may look at on a production today: members who may do nothing and see no cost
-- centre that the asker may not, so that nothing is gained; never those whose reading is recorded.
CREATE FUNCTION sec.viewable_by(asker bigint, production bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
    WITH here AS (
        SELECT m.user_id, m.role FROM public.access_membership m
        JOIN public.access_user u ON u.id = m.user_id AND u.is_active
        WHERE m.production_id = production AND m.starts_on <= (now() AT TIME ZONE 'UTC')::date
          AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'UTC')::date)
    ), held AS (
        SELECT g.user_id, p.codename FROM public.access_productionuserobjectpermission g
        JOIN public.auth_permission p ON p.id = g.permission_id
        WHERE g.content_object_id = production
    ), given AS (
        SELECT g.user_id, g.content_object_id AS center
        FROM public.taxonomy_costcenteruserobjectpermission g
        JOIN public.taxonomy_costcenter c ON c.id = g.content_object_id
        WHERE c.production_id = production
    )
    SELECT h.user_id FROM here h
    WHERE h.user_id <> asker AND h.role NOT IN ('bond_representative', 'auditor')
      AND EXISTS (SELECT 1 FROM here WHERE user_id = asker)
      AND EXISTS (SELECT 1 FROM held WHERE user_id = asker AND codename = 'view_as')
      AND NOT EXISTS (SELECT codename FROM held WHERE user_id = h.user_id
                      EXCEPT SELECT codename FROM held WHERE user_id = asker)
      AND (EXISTS (SELECT 1 FROM held WHERE user_id = asker AND codename = 'view_all_costs')
           OR NOT EXISTS (SELECT center FROM given WHERE user_id = h.user_id
                          EXCEPT SELECT center FROM given WHERE user_id = asker))
$$;

-- The same, by name, to whoever asks.
CREATE FUNCTION sec.viewable_people() RETURNS TABLE (person bigint, name text, role text,
    centers text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
    SELECT u.id, u.name, m.role,
        ARRAY(SELECT c.code::text FROM public.taxonomy_costcenteruserobjectpermission g
              JOIN public.taxonomy_costcenter c ON c.id = g.content_object_id
              WHERE g.user_id = u.id AND c.production_id = m.production_id ORDER BY c.code)
    FROM sec.viewable_by((SELECT sec.own_id()), (SELECT sec.member_production_id())) v
    JOIN public.access_user u ON u.id = v
    JOIN public.access_membership m ON m.user_id = v
        AND m.production_id = (SELECT sec.member_production_id())
    ORDER BY u.name, u.id
$$;

CREATE FUNCTION sec.viewing_begun(whom bigint, why text, mark_ bytea, address inet, browser text)
    RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp
SET lock_timeout = '3s' AS $$
DECLARE
    asker bigint := sec.own_id();
    production bigint := sec.member_production_id();
    now_ timestamptz := clock_timestamp();
    made bigint;
BEGIN
    IF asker IS NULL OR sec.may('view_as') IS NOT TRUE THEN
        RAISE EXCEPTION 'Only the production accountant looks at pages as another'
            USING ERRCODE = '42501';
    END IF;
    IF coalesce(btrim(why), '') = '' OR length(why) > 300 THEN
        RAISE EXCEPTION 'Say why, in 1 to 300 characters' USING ERRCODE = '23514';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM sec.viewable_by(asker, production) v WHERE v = whom) THEN
        RAISE EXCEPTION 'Choose somebody of this production who sees no more than you, and whose '
            'reading is not recorded' USING ERRCODE = '42501';
    END IF;
    IF EXISTS (SELECT 1 FROM public.readlog_viewing WHERE mark = mark_ AND ended_at IS NULL) THEN
        RAISE EXCEPTION 'You are viewing as somebody already; stop that first'
            USING ERRCODE = '23514';
    END IF;
    INSERT INTO public.readlog_viewing (production_id, viewer_id, person_id, reason, began_at,
        ends_at, ended_at, ended_by, ip, agent, mark)
    VALUES (production, asker, whom, btrim(why), now_, now_ + interval '30 minutes', NULL, '',
        address, left(browser, 200), mark_)
    RETURNING id INTO made;
    RETURN made;
END $$;

-- How it stands with a view of the person and session that ask: open, or what ended it. One that is
-- found to be over is ended by the way: after its time, or when either's place or rights are not
-- what they must be. No row for one that is not theirs.
CREATE FUNCTION sec.viewing_held(which bigint, mark_ bytea) RETURNS TABLE (standing text,
    production bigint, code text, person bigint, ends_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp
SET lock_timeout = '3s' AS $$
DECLARE
    v public.readlog_viewing;
    over text := '';
BEGIN
    SELECT x.* INTO v FROM public.readlog_viewing x
    WHERE x.id = which AND x.viewer_id = sec.own_id() AND x.mark = mark_;
    IF NOT FOUND THEN RETURN; END IF;
    IF v.ended_at IS NULL THEN
        over := CASE WHEN v.ends_at <= clock_timestamp() THEN 'time'
            WHEN NOT EXISTS (SELECT 1 FROM sec.viewable_by(v.viewer_id, v.production_id) p
                             WHERE p = v.person_id) THEN 'place' ELSE '' END;
        IF over <> '' THEN
            UPDATE public.readlog_viewing x SET ended_at = clock_timestamp(), ended_by = over
            WHERE x.id = v.id AND x.ended_at IS NULL;
        END IF;
    END IF;
    RETURN QUERY SELECT coalesce(nullif(over, ''), nullif(v.ended_by, ''), 'open'),
        v.production_id, p.code::text, v.person_id, v.ends_at
    FROM public.access_production p WHERE p.id = v.production_id;
END $$;

CREATE FUNCTION sec.viewing_ended(which bigint, mark_ bytea, how text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp
SET lock_timeout = '3s' AS $$
BEGIN
    UPDATE public.readlog_viewing SET ended_at = clock_timestamp(), ended_by = how
    WHERE id = which AND viewer_id = sec.own_id() AND mark = mark_ AND ended_at IS NULL
      AND how IN ('button', 'session');
    RETURN FOUND;
END $$;

-- End those of the production in question that are over though nobody came back to find it: their
-- time, their session, a place. For the worker. How many.
CREATE FUNCTION sec.viewings_swept() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
    WITH over AS (
        SELECT v.id, CASE WHEN v.ends_at <= clock_timestamp() THEN 'time'
            WHEN NOT EXISTS (SELECT 1 FROM public.access_session s WHERE s.user_id = v.viewer_id
                AND s.ends_at > clock_timestamp()
                AND sha256('prodacct viewing v1\000'::bytea || s.key_hash) = v.mark) THEN 'session'
            WHEN NOT EXISTS (SELECT 1 FROM sec.viewable_by(v.viewer_id, v.production_id) p
                WHERE p = v.person_id) THEN 'place' END AS how
        FROM public.readlog_viewing v
        WHERE v.production_id = (SELECT sec.production_id()) AND v.ended_at IS NULL
    ), done AS (
        UPDATE public.readlog_viewing v SET ended_at = clock_timestamp(), ended_by = over.how
        FROM over WHERE over.id = v.id AND over.how IS NOT NULL AND v.ended_at IS NULL RETURNING 1
    )
    SELECT count(*) FROM done
$$;
REVOKE ALL ON FUNCTION sec.viewable_by(bigint, bigint), sec.viewable_people(),
    sec.viewing_begun(bigint, text, bytea, inet, text), sec.viewing_held(bigint, bytea),
    sec.viewing_ended(bigint, bytea, text), sec.viewings_swept() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.viewable_people(), sec.viewing_begun(bigint, text, bytea, inet, text),
    sec.viewing_held(bigint, bytea), sec.viewing_ended(bigint, bytea, text) TO prodacct_web;
GRANT EXECUTE ON FUNCTION sec.viewings_swept() TO prodacct_worker;

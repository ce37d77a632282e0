-- Who is on a production: invited, in their places, ended. These functions run as the owner, stand
-- here because a place names cost centres, and are all there is: the web role has no right to write
-- a membership, a grant or an invitation. Each asks first whether the person who asks may.
-- Nobody changes their own place, and nobody gives the right to give: that is done at the console.

-- Refused unless the person who asks may give and take places on the production in question.
CREATE FUNCTION sec.managed_production() RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, sec, pg_temp AS $$
BEGIN
    IF sec.may('manage_access') IS NOT TRUE THEN
        RAISE EXCEPTION 'Only who manages access to this production may do this'
            USING ERRCODE = '42501';
    END IF;
    RETURN sec.member_production_id();
END $$;

-- A role that may be given here, with dates in order that are not over.
CREATE FUNCTION sec.place_checked(held text, starts date, ends date) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, sec, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM sec.role_action WHERE role = held) THEN
        RAISE EXCEPTION 'There is no role %', left(held, 40) USING ERRCODE = '23514';
    END IF;
    IF EXISTS (SELECT 1 FROM sec.role_action WHERE role = held AND action = 'manage_access') THEN
        RAISE EXCEPTION 'The right to give and take places is given at the console only'
            USING ERRCODE = '42501';
    END IF;
    IF starts IS NULL OR ends < starts OR ends < (now() AT TIME ZONE 'UTC')::date THEN
        RAISE EXCEPTION 'The last day must be today or later, and not before the first'
            USING ERRCODE = '23514';
    END IF;
END $$;

-- Guardian's grants on cost centres of a production, as these codes say.
CREATE FUNCTION sec.centers_granted(production bigint, person bigint, codes text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE permission bigint;
BEGIN
    SELECT p.id INTO STRICT permission FROM public.auth_permission p
    JOIN public.django_content_type c ON c.id = p.content_type_id
    WHERE c.app_label = 'taxonomy' AND c.model = 'costcenter' AND p.codename = 'view_costs_of';
    DELETE FROM public.taxonomy_costcenteruserobjectpermission g
    USING public.taxonomy_costcenter c WHERE c.id = g.content_object_id
      AND c.production_id = production AND g.user_id = person AND c.code <> ALL (codes);
    INSERT INTO public.taxonomy_costcenteruserobjectpermission
        (content_object_id, user_id, permission_id)
    SELECT c.id, person, permission FROM public.taxonomy_costcenter c
    WHERE c.production_id = production AND c.code = ANY (codes) ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION sec.centers_checked(production bigint, codes text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE unknown text;
BEGIN
    SELECT x INTO unknown FROM unnest(codes) x WHERE x IS NULL OR NOT EXISTS (
        SELECT 1 FROM public.taxonomy_costcenter c WHERE c.production_id = production AND c.code = x)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'There is no cost centre % here', left(unknown, 10) USING ERRCODE = '23514';
    END IF;
END $$;

-- Who runs on a production today or will: what an invitation would change behind their backs.
CREATE FUNCTION sec.has_place(production bigint, address text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, sec, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.access_membership m
        JOIN public.access_user u ON u.id = m.user_id
        WHERE m.production_id = production AND u.email = lower(address)
          AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'UTC')::date))
$$;

-- Invite an address; an earlier invitation of it falls. `h` is the hash of what the letter holds.
CREATE FUNCTION sec.invited(h bytea, address text, held text, codes text[], starts date, ends date,
    letter bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE
    production bigint := sec.managed_production();
    made bigint;
BEGIN
    PERFORM sec.place_checked(held, starts, ends), sec.centers_checked(production, codes);
    IF sec.has_place(production, address) THEN
        RAISE EXCEPTION 'Who has this address is on the production already' USING ERRCODE = '23514';
    END IF;
    UPDATE public.access_invitation SET decided_at = clock_timestamp(), state =
        CASE WHEN expires_at <= clock_timestamp() THEN 'expired' ELSE 'withdrawn' END
    WHERE production_id = production AND email = lower(address) AND state = 'sent';
    INSERT INTO public.access_invitation (production_id, email, role, centers, starts_on, ends_on,
        token_hash, state, sent_at, expires_at, invited_by_id, mail)
    VALUES (production, lower(address), held, codes, starts, ends, h, 'sent', clock_timestamp(),
        clock_timestamp() + interval '7 days', sec.user_id(), letter)
    RETURNING id INTO made;
    RETURN made;
END $$;

CREATE FUNCTION sec.invitation_withdrawn(which bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE production bigint := sec.managed_production();
BEGIN
    UPDATE public.access_invitation SET state = 'withdrawn', decided_at = clock_timestamp()
    WHERE id = which AND production_id = production AND state = 'sent';
    RETURN FOUND;
END $$;

-- What an invitation says to who holds its token, and how it stands with it: open, accepted,
-- withdrawn or expired; no row for a token nobody was sent.
CREATE FUNCTION sec.invitation_held(h bytea) RETURNS TABLE (id bigint, standing text, email text,
    role text, title text, code text, inviter text, person bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
    SELECT i.id, CASE WHEN i.state = 'sent' AND (i.expires_at <= clock_timestamp()
            OR i.ends_on < (now() AT TIME ZONE 'UTC')::date) THEN 'expired'
        WHEN i.state = 'sent' THEN 'open' ELSE i.state END,
        i.email, i.role, p.title, p.code, b.name, u.id
    FROM public.access_invitation i JOIN public.access_production p ON p.id = i.production_id
    JOIN public.access_user b ON b.id = i.invited_by_id
    LEFT JOIN public.access_user u ON u.email = i.email
    WHERE i.token_hash = h
$$;

-- Take up an invitation: as the person signed in, who must be the one invited, or, where nobody has
-- the address yet, as a new person with this name and password hash. What it comes to: accepted,
-- or why not, with nothing changed but an invitation that is found to have expired.
CREATE FUNCTION sec.invitation_accepted(h bytea, named text, hash text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE
    i public.access_invitation;
    person bigint;
    asker bigint := nullif(sec.user_id(), 0);
BEGIN
    SELECT * INTO i FROM public.access_invitation WHERE token_hash = h FOR UPDATE;
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    IF i.state <> 'sent' THEN RETURN i.state; END IF;
    IF i.expires_at <= clock_timestamp() OR i.ends_on < (now() AT TIME ZONE 'UTC')::date THEN
        UPDATE public.access_invitation SET state = 'expired', decided_at = clock_timestamp()
        WHERE id = i.id;
        RETURN 'expired';
    END IF;
    -- It falls with the right of whoever gave it.
    IF NOT EXISTS (SELECT 1 FROM public.access_productionuserobjectpermission g
        JOIN public.auth_permission p ON p.id = g.permission_id AND p.codename = 'manage_access'
        WHERE g.user_id = i.invited_by_id AND g.content_object_id = i.production_id) THEN
        RETURN 'withdrawn';
    END IF;
    SELECT u.id INTO person FROM public.access_user u WHERE u.email = i.email;
    IF asker IS NOT NULL AND asker IS DISTINCT FROM person THEN RETURN 'another'; END IF;
    IF person IS NOT NULL AND asker IS NULL THEN RETURN 'sign in'; END IF;
    IF sec.has_place(i.production_id, i.email) THEN RETURN 'member'; END IF;
    IF person IS NULL THEN
        person := sec.person_made(i.email, named, hash);
    END IF;
    INSERT INTO public.access_membership AS m (production_id, user_id, role, starts_on, ends_on,
        created_at, created_by_id, reason)
    VALUES (i.production_id, person, i.role, i.starts_on, i.ends_on, clock_timestamp(),
        i.invited_by_id, 'invited')
    ON CONFLICT (production_id, user_id) DO UPDATE SET role = excluded.role,
        starts_on = excluded.starts_on, ends_on = excluded.ends_on,
        created_by_id = excluded.created_by_id, reason = excluded.reason;
    PERFORM sec.role_granted(i.production_id, person, i.role),
        sec.centers_granted(i.production_id, person, i.centers);
    UPDATE public.access_invitation SET state = 'accepted', decided_at = clock_timestamp(),
        accepted_by_id = person WHERE id = i.id;
    RETURN 'accepted';
END $$;

-- The place of a member that the person who asks may change: not their own, not one that gives and
-- takes places unless it is to be ended.
CREATE FUNCTION sec.place_held(person bigint, to_end boolean) RETURNS public.access_membership
LANGUAGE plpgsql SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE
    production bigint := sec.managed_production();
    m public.access_membership;
BEGIN
    IF person = sec.user_id() THEN
        RAISE EXCEPTION 'Nobody changes their own place; somebody else who manages access does'
            USING ERRCODE = '42501';
    END IF;
    SELECT * INTO m FROM public.access_membership
    WHERE production_id = production AND user_id = person FOR UPDATE;
    IF NOT FOUND THEN RAISE EXCEPTION 'Not a member' USING ERRCODE = 'P0002'; END IF;
    IF NOT to_end AND EXISTS (SELECT 1 FROM sec.role_action
        WHERE role = m.role AND action = 'manage_access') THEN
        RAISE EXCEPTION 'The right to give and take places is changed at the console; here it can '
            'only be ended' USING ERRCODE = '42501';
    END IF;
    RETURN m;
END $$;

CREATE FUNCTION sec.place_changed(person bigint, held text, codes text[], starts date, ends date,
    why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE m public.access_membership := sec.place_held(person, false);
BEGIN
    PERFORM sec.place_checked(held, starts, ends), sec.centers_checked(m.production_id, codes);
    UPDATE public.access_membership SET role = held, starts_on = starts, ends_on = ends,
        reason = left(why, 300) WHERE id = m.id;
    PERFORM sec.role_granted(m.production_id, person, held),
        sec.centers_granted(m.production_id, person, codes);
END $$;

-- End a place: from this moment no grant counts, all the person's sessions end, and invitations they
-- gave out fall. It was over yesterday, since a last day is still a day.
CREATE FUNCTION sec.place_ended(person bigint, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE
    m public.access_membership := sec.place_held(person, true);
    over date := (now() AT TIME ZONE 'UTC')::date - 1;
BEGIN
    IF m.ends_on <= over THEN
        RAISE EXCEPTION 'This place is over already' USING ERRCODE = '23514';
    END IF;
    IF coalesce(btrim(why), '') = '' THEN
        RAISE EXCEPTION 'Say why the place ends' USING ERRCODE = '23514';
    END IF;
    UPDATE public.access_membership SET starts_on = least(starts_on, over), ends_on = over,
        reason = left(why, 300) WHERE id = m.id;
    UPDATE public.access_invitation SET state = 'withdrawn', decided_at = clock_timestamp()
    WHERE production_id = m.production_id AND invited_by_id = person AND state = 'sent';
    DELETE FROM public.access_session WHERE user_id = person;
END $$;

-- The people of the production in question, to who manages access; nobody to others.
CREATE FUNCTION sec.people() RETURNS TABLE (person bigint, name text, email text, role text,
    starts_on date, ends_on date, reason text, centers text[], has_second_factor boolean,
    last_seen_at timestamptz, is_active boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
    SELECT u.id, u.name, u.email, m.role, m.starts_on, m.ends_on, m.reason,
        ARRAY(SELECT c.code::text FROM public.taxonomy_costcenteruserobjectpermission g
              JOIN public.taxonomy_costcenter c ON c.id = g.content_object_id
              WHERE g.user_id = u.id AND c.production_id = m.production_id ORDER BY c.code),
        EXISTS (SELECT 1 FROM public.mfa_authenticator a
                WHERE a.user_id = u.id AND a.type IN ('totp', 'webauthn')),
        greatest(u.last_login, (SELECT max(s.seen_at) FROM public.access_session s
                                WHERE s.user_id = u.id)), u.is_active
    FROM public.access_membership m JOIN public.access_user u ON u.id = m.user_id
    WHERE m.production_id = (SELECT sec.member_production_id())
      AND (SELECT sec.may('manage_access'))
    ORDER BY u.name, u.id
$$;

-- The cost centres that can be given, to who manages access: their names, none of their costs.
CREATE FUNCTION sec.centers_to_give() RETURNS TABLE (code text, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
    SELECT c.code, c.name FROM public.taxonomy_costcenter c
    WHERE c.production_id = (SELECT sec.member_production_id())
      AND (SELECT sec.may('manage_access'))
    ORDER BY c.code
$$;

REVOKE ALL ON FUNCTION sec.managed_production(), sec.place_checked(text, date, date),
    sec.centers_granted(bigint, bigint, text[]), sec.centers_checked(bigint, text[]),
    sec.has_place(bigint, text), sec.place_held(bigint, boolean), sec.invitation_withdrawn(bigint), sec.invitation_held(bytea),
    sec.invited(bytea, text, text, text[], date, date, bigint),
    sec.invitation_accepted(bytea, text, text), sec.place_ended(bigint, text),
    sec.place_changed(bigint, text, text[], date, date, text), sec.people(),
    sec.centers_to_give() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.invited(bytea, text, text, text[], date, date, bigint),
    sec.invitation_withdrawn(bigint), sec.invitation_held(bytea),
    sec.invitation_accepted(bytea, text, text), sec.place_ended(bigint, text),
    sec.place_changed(bigint, text, text[], date, date, text), sec.people(),
    sec.centers_to_give() TO prodacct_web;

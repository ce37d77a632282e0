-- What each role may do, as access/roles.py says it; the owner writes it (prepare_database), so that
-- a membership can be given without anybody stating what it grants.
CREATE TABLE sec.role_action (
    role text NOT NULL,
    action text NOT NULL,
    PRIMARY KEY (role, action)
);

-- Guardian's grants on a production as a role has them, no more and no fewer. How many changed.
CREATE FUNCTION sec.role_granted(production bigint, person bigint, held text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
    WITH meant AS (
        SELECT p.id FROM sec.role_action a
        JOIN public.auth_permission p ON p.codename = a.action
        JOIN public.django_content_type c ON c.id = p.content_type_id
            AND c.app_label = 'access' AND c.model = 'production'
        WHERE a.role = held
    ), gone AS (
        DELETE FROM public.access_productionuserobjectpermission g
        WHERE g.content_object_id = production AND g.user_id = person
          AND g.permission_id NOT IN (SELECT id FROM meant) RETURNING 1
    ), made AS (
        INSERT INTO public.access_productionuserobjectpermission
            (content_object_id, user_id, permission_id)
        SELECT production, person, id FROM meant ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM made)
$$;

-- Grants of everybody put right: those of a membership as its role has them today (whether they count
-- is a matter of its days), those of no membership taken away. How many changed. The owner's alone.
CREATE FUNCTION sec.grants_put_right() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE
    changed bigint;
    stray bigint;
BEGIN
    SELECT coalesce(sum(sec.role_granted(m.production_id, m.user_id, m.role)), 0) INTO changed
    FROM public.access_membership m;
    DELETE FROM public.access_productionuserobjectpermission g WHERE NOT EXISTS (
        SELECT 1 FROM public.access_membership m
        WHERE m.production_id = g.content_object_id AND m.user_id = g.user_id);
    GET DIAGNOSTICS stray = ROW_COUNT;
    RETURN changed + stray;
END $$;

-- A membership says why it was given, changed or ended; its history copies the column from now on.
CALL sec.keep_history('access_membership', 'access_historicalmembership');

-- Invitations. Whoever manages access reads those of the production, without what opens them.
ALTER TABLE access_invitation
    ADD CONSTRAINT invitation_token_is_a_hash CHECK (length(token_hash) = 32),
    ADD CONSTRAINT invitation_state_known
        CHECK (state IN ('sent', 'accepted', 'withdrawn', 'expired')),
    ADD CONSTRAINT invitation_address_lower CHECK (email = lower(email)),
    ADD CONSTRAINT invitation_decided CHECK ((state = 'sent') = (decided_at IS NULL)),
    ADD CONSTRAINT invitation_accepted_by CHECK ((state = 'accepted') = (accepted_by_id IS NOT NULL));
CREATE UNIQUE INDEX one_open_invitation ON access_invitation (production_id, email)
    WHERE state = 'sent';
ALTER TABLE access_invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_invitation FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON access_invitation TO prodacct_owner USING (true) WITH CHECK (true);
CREATE POLICY reader_scope ON access_invitation FOR SELECT TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('manage_access')));
GRANT SELECT (id, production_id, email, role, centers, starts_on, ends_on, state, sent_at,
    expires_at, decided_at, invited_by_id, accepted_by_id, mail) ON access_invitation TO prodacct_web;

-- A new person, for who was invited. Nobody calls it by name.
CREATE FUNCTION sec.person_made(address text, named text, hash text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE made bigint;
BEGIN
    INSERT INTO public.access_user (email, name, password, is_active, is_superuser, date_joined)
    VALUES (lower(address), named, hash, true, false, clock_timestamp()) RETURNING id INTO made;
    RETURN made;
END $$;

-- What was decided stays decided, and only the deciding changes.
CREATE FUNCTION sec.invitation_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 'sent' AND NEW.state <> 'sent'
       AND (to_jsonb(NEW) - '{state,decided_at,accepted_by_id}'::text[])
         = (to_jsonb(OLD) - '{state,decided_at,accepted_by_id}'::text[]) THEN RETURN NEW; END IF;
    RAISE EXCEPTION '% on % is refused: an invitation is decided once', TG_OP, TG_TABLE_NAME
        USING ERRCODE = '55000';
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON access_invitation
    FOR EACH ROW EXECUTE FUNCTION sec.invitation_stays();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON access_invitation
    FOR EACH STATEMENT EXECUTE FUNCTION sec.invitation_stays();

-- Letters that wait to be sent, sealed under a key the database does not have and emptied once sent
-- (access/mail.py). The web role puts them in, the worker takes them out, nobody else reads any.
CREATE TABLE sec.letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL DEFAULT gen_random_uuid(),
    sealed bytea CHECK (length(sealed) <= 20000),
    put_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_after timestamptz NOT NULL DEFAULT clock_timestamp(),
    tries int NOT NULL DEFAULT 0,
    sent_at timestamptz,
    given_up_at timestamptz
);
CREATE INDEX letter_due ON sec.letter (run_after) WHERE sealed IS NOT NULL;

CREATE FUNCTION sec.letter_put(what bytea) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS
$$ INSERT INTO sec.letter (sealed) VALUES (what) RETURNING id $$;

-- One letter that is due; meanwhile it is due again only later, so that a worker that dies over it
-- loses nothing: twice as long after each try, at most an hour.
CREATE FUNCTION sec.letter_taken() RETURNS TABLE (id bigint, key uuid, sealed bytea, put_at timestamptz)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
    UPDATE sec.letter l SET tries = l.tries + 1, run_after =
        clock_timestamp() + make_interval(secs => least(3600, 30 * 2 ^ least(l.tries, 10)))
    WHERE l.id = (SELECT x.id FROM sec.letter x
        WHERE x.sealed IS NOT NULL AND x.run_after <= clock_timestamp()
        ORDER BY x.run_after LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING l.id, l.key, l.sealed, l.put_at
$$;

-- The letter is out, or is given up; either way nothing of it is kept.
CREATE FUNCTION sec.letter_done(which bigint, was_sent boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
BEGIN
    UPDATE sec.letter SET sealed = NULL,
        sent_at = CASE WHEN was_sent THEN clock_timestamp() END,
        given_up_at = CASE WHEN NOT was_sent THEN clock_timestamp() END
    WHERE id = which AND sealed IS NOT NULL;
    RETURN FOUND;
END $$;

-- Whether a letter is out: nothing of whom it is to, or what it says.
CREATE FUNCTION sec.letter_state(which bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
    SELECT CASE WHEN sent_at IS NOT NULL THEN 'sent' WHEN given_up_at IS NOT NULL THEN 'given up'
        ELSE 'waiting' END FROM sec.letter WHERE id = which
$$;

REVOKE ALL ON FUNCTION sec.role_granted(bigint, bigint, text), sec.grants_put_right(),
    sec.person_made(text, text, text),
    sec.invitation_stays(), sec.letter_put(bytea), sec.letter_taken(),
    sec.letter_done(bigint, boolean), sec.letter_state(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.letter_put(bytea) TO prodacct_web, prodacct_worker;
GRANT EXECUTE ON FUNCTION sec.letter_state(bigint) TO prodacct_web;
GRANT EXECUTE ON FUNCTION sec.letter_taken(), sec.letter_done(bigint, boolean) TO prodacct_worker;

-- A person changes their own address: asked for as themselves, confirmed as themselves by what only
-- the letter to the new address holds. The web role writes no address; these functions do.
ALTER TABLE access_addresschange
    ADD CONSTRAINT address_token_is_a_hash CHECK (length(token_hash) = 32),
    ADD CONSTRAINT address_is_decided_once CHECK ((state = 'asked') = (decided_at IS NULL)
        AND state IN ('asked', 'confirmed', 'withdrawn', 'expired', 'taken'));
CREATE UNIQUE INDEX one_address_asked_for ON access_addresschange (user_id) WHERE state = 'asked';
ALTER TABLE access_addresschange ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_addresschange FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON access_addresschange TO prodacct_owner USING (true) WITH CHECK (true);
CREATE POLICY own ON access_addresschange FOR SELECT TO prodacct_web
    USING (user_id = (SELECT sec.own_id()));
GRANT SELECT (id, user_id, address, state, asked_at, expires_at, decided_at)
    ON access_addresschange TO prodacct_web;

-- Ask for an address; an earlier wish falls.
CREATE FUNCTION sec.address_asked(h bytea, said text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE
    who bigint := nullif(sec.own_id(), 0);
    made bigint;
BEGIN
    IF who IS NULL OR NOT EXISTS (
        SELECT 1 FROM public.access_user u WHERE u.id = who AND u.is_active) THEN
        RAISE EXCEPTION 'Only a person themselves changes their address' USING ERRCODE = '42501';
    END IF;
    IF said !~ '^[^@[:space:]]+@[^@[:space:]]+$' OR length(said) > 254 THEN
        RAISE EXCEPTION 'An address is name@host' USING ERRCODE = '23514';
    END IF;
    UPDATE public.access_addresschange SET state = 'withdrawn', decided_at = clock_timestamp()
    WHERE user_id = who AND state = 'asked';
    INSERT INTO public.access_addresschange (user_id, address, token_hash, state, asked_at, expires_at)
    VALUES (who, lower(said), h, 'asked', clock_timestamp(), clock_timestamp() + interval '24 hours')
    RETURNING id INTO made;
    RETURN made;
END $$;

-- Take up the wish whose token has this hash: 'confirmed', or why not. It falls with a password set
-- since. Every session of theirs but the one that asks ends.
CREATE FUNCTION sec.address_confirmed(h bytea, this_session bytea) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE
    who bigint := nullif(sec.own_id(), 0);
    c public.access_addresschange;
    became text;
BEGIN
    SELECT * INTO c FROM public.access_addresschange x
    WHERE x.token_hash = h AND x.user_id = who FOR UPDATE;
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    IF c.state <> 'asked' THEN
        RETURN CASE c.state WHEN 'confirmed' THEN 'used' ELSE c.state END;
    END IF;
    became := CASE WHEN c.expires_at <= clock_timestamp() THEN 'expired'
        WHEN EXISTS (SELECT 1 FROM public.access_user u
                     WHERE u.id = who AND u.password_set_at > c.asked_at) THEN 'withdrawn'
        ELSE 'confirmed' END;
    IF became = 'confirmed' THEN
        BEGIN
            UPDATE public.access_user SET email = c.address WHERE id = who;
        EXCEPTION WHEN unique_violation THEN
            became := 'taken';
        END;
    END IF;
    UPDATE public.access_addresschange SET state = became, decided_at = clock_timestamp()
    WHERE id = c.id;
    IF became = 'confirmed' THEN
        DELETE FROM public.access_session WHERE user_id = who AND key_hash <> this_session;
    END IF;
    RETURN became;
END $$;
REVOKE ALL ON FUNCTION sec.address_asked(bytea, text), sec.address_confirmed(bytea, bytea)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.address_asked(bytea, text), sec.address_confirmed(bytea, bytea)
    TO prodacct_web;

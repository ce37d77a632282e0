-- Fallback signatures: a key that a pass phrase unlocks on the server, beside a code of the person's
-- authenticator app. They are taken only where the signing rules say so, and marked by their kind.
-- The private key is its owner's row alone, in their own web context and not in that of whoever looks
-- at pages as them (sec.own_id); what stands in it is sealed under their pass phrase and under a key
-- that the database does not have (sealed_keys.py).
CALL sec.keep_forever('overrides_sealedkey');
ALTER TABLE overrides_sealedkey ENABLE ROW LEVEL SECURITY;
ALTER TABLE overrides_sealedkey FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON overrides_sealedkey TO prodacct_owner USING (true) WITH CHECK (true);
CREATE POLICY own ON overrides_sealedkey FOR SELECT TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
        AND user_id = (SELECT sec.own_id()) AND (SELECT sec.may('sign_overrides')));
CREATE POLICY own_new ON overrides_sealedkey FOR INSERT TO prodacct_web
    WITH CHECK (production_id = (SELECT sec.member_production_id())
        AND user_id = (SELECT sec.own_id()) AND (SELECT sec.may('sign_overrides')));
GRANT SELECT, INSERT ON overrides_sealedkey TO prodacct_web;
GRANT USAGE ON SEQUENCE overrides_sealedkey_id_seq TO prodacct_web;

-- Whether the rules in force take fallback signatures; not where they say nothing of it.
CREATE FUNCTION journal.takes_fallback(production bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((SELECT m.said::jsonb -> 'password_keys' = 'true'::jsonb
        FROM overrides_mandate m WHERE m.production_id = production AND m.type = 'policy.set'
            AND m.state = 'in force' ORDER BY m.number DESC LIMIT 1), false)
$$;

-- A key in force whose kind the rules take.
CREATE OR REPLACE FUNCTION journal.key_in_force(production bigint, person bigint, held_role text,
                                                signature text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
    SELECT k.id FROM overrides_key k
    WHERE k.production_id = production AND k.person_id = person AND k.revoked_by_id IS NULL
      AND k.role = held_role AND k.number::text = nullif(signature, '')::jsonb ->> 'key'
      AND k.alg = nullif(signature, '')::jsonb ->> 'alg'
      AND (k.alg <> 'ed25519-password' OR journal.takes_fallback(production))
$$;

CREATE OR REPLACE FUNCTION journal.signing_key(production bigint, person bigint, signature text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    found_key bigint;
    is_fallback CONSTANT boolean := nullif(signature, '')::jsonb ->> 'alg' = 'ed25519-password';
BEGIN
    -- Shared among signatures; who puts a mandate in force has it alone.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('mandates', production));
    IF is_fallback AND NOT journal.takes_fallback(production) THEN
        RAISE EXCEPTION 'the signing rules exclude fallback signatures: sign with a passkey'
            USING ERRCODE = '42501';
    END IF;
    found_key := journal.key_in_force(production, person, journal.role_of(production, person),
        signature);
    IF found_key IS NULL THEN
        RAISE EXCEPTION 'an override is signed with a key of one''s own, in force and for one''s role'
            USING ERRCODE = '42501';
    END IF;
    IF is_fallback AND (signature::jsonb - ARRAY['alg', 'key', 'sig'] <> '{}'::jsonb
        OR (signature::jsonb ->> 'sig' ~ '^[A-Za-z0-9+/]{86}==$') IS NOT TRUE) THEN
        RAISE EXCEPTION 'a fallback signature is 64 bytes and nothing beside them'
            USING ERRCODE = '23514';
    END IF;
    RETURN found_key;
END $$;

-- What rules say of it is yes or no, and no fallback key is enrolled while they exclude it.
CREATE FUNCTION journal.check_fallback() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE said jsonb := NEW.said::jsonb;
BEGIN
    IF NEW.type = 'policy.set'
       AND coalesce(jsonb_typeof(said -> 'password_keys'), 'boolean') <> 'boolean' THEN
        RAISE EXCEPTION 'signing rules take fallback signatures or exclude them: true or false'
            USING ERRCODE = '23514';
    END IF;
    IF NEW.type = 'key.add' AND said ->> 'alg' = 'ed25519-password'
       AND NOT journal.takes_fallback(NEW.production_id) THEN
        RAISE EXCEPTION 'the signing rules exclude fallback keys' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER check_fallback BEFORE INSERT ON overrides_mandate
    FOR EACH ROW EXECUTE FUNCTION journal.check_fallback();
REVOKE ALL ON FUNCTION journal.takes_fallback(bigint), journal.check_fallback() FROM PUBLIC;

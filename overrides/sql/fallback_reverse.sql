DROP TRIGGER check_fallback ON overrides_mandate;
DROP FUNCTION journal.check_fallback();
CREATE OR REPLACE FUNCTION journal.key_in_force(production bigint, person bigint, held_role text,
                                     signature text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT k.id FROM overrides_key k
    WHERE k.production_id = production AND k.person_id = person AND k.revoked_by_id IS NULL
      AND k.role = held_role AND k.number::text = nullif(signature, '')::jsonb ->> 'key'
      AND k.alg = nullif(signature, '')::jsonb ->> 'alg'
$$;
CREATE OR REPLACE FUNCTION journal.signing_key(production bigint, person bigint, signature text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE found_key bigint;
BEGIN
    -- Shared among signatures; who puts a mandate in force has it alone.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('mandates', production));
    found_key := journal.key_in_force(production, person, journal.role_of(production, person),
        signature);
    IF found_key IS NULL THEN
        RAISE EXCEPTION 'an override is signed with a key of one''s own, in force and for one''s role'
            USING ERRCODE = '42501';
    END IF;
    RETURN found_key;
END $$;
DROP FUNCTION journal.takes_fallback(bigint);
REVOKE ALL ON overrides_sealedkey FROM prodacct_web;
DROP POLICY own_new ON overrides_sealedkey;
DROP POLICY own ON overrides_sealedkey;
DROP POLICY owner_all ON overrides_sealedkey;

DROP TRIGGER hold_mandates ON overrides_override;
DROP FUNCTION journal.hold_mandates();
DROP FUNCTION journal.signing_key(bigint, bigint, text);
CREATE FUNCTION journal.signing_key(production bigint, person bigint, signature text)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE found_key bigint;
BEGIN
    SELECT k.id INTO found_key FROM overrides_key k
    WHERE k.production_id = production AND k.person_id = person AND k.revoked_by_id IS NULL
      AND k.role = journal.role_of(production, person)
      AND k.number::text = signature::jsonb ->> 'key' AND k.alg = signature::jsonb ->> 'alg';
    IF found_key IS NULL THEN
        RAISE EXCEPTION 'an override is signed with a key of one''s own, in force and for one''s role'
            USING ERRCODE = '42501';
    END IF;
    RETURN found_key;
END $$;

CREATE OR REPLACE FUNCTION journal.confirm_mandate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
DECLARE
    m overrides_mandate;
    others jsonb;
BEGIN
    SELECT x.* INTO m FROM overrides_mandate x WHERE x.id = NEW.mandate_id
        AND x.production_id = NEW.production_id FOR UPDATE;
    IF NOT FOUND OR NEW.person_id IS DISTINCT FROM sec.user_id()
       OR NOT sec.may('sign_overrides') THEN
        RAISE EXCEPTION 'a mandate is confirmed by somebody who signs overrides, in their own name'
            USING ERRCODE = '42501';
    END IF;
    IF m.state <> 'proposed' OR NEW.person_id IN (m.proposed_by_id, m.person_id) THEN
        RAISE EXCEPTION 'mandate % is confirmed by two others than who proposed it and whose key '
            'it is, and then no more', m.number USING ERRCODE = '55000';
    END IF;
    NEW.role := journal.role_of(NEW.production_id, NEW.person_id);
    NEW.confirmed_at := clock_timestamp();
    IF journal.overrides_founded(NEW.production_id) THEN
        PERFORM journal.signing_key(NEW.production_id, NEW.person_id, NEW.signature);
    ELSIF NEW.signature <> '' THEN
        RAISE EXCEPTION 'until three people have keys, a mandate is confirmed without one'
            USING ERRCODE = '55000';
    END IF;
    SELECT jsonb_agg(journal.confirmation_data(c) ORDER BY c.id) INTO others
        FROM overrides_confirmation c WHERE c.mandate_id = m.id;
    IF jsonb_array_length(others) > 0 THEN
        PERFORM journal.put_in_force(m, others || journal.confirmation_data(NEW));
    END IF;
    RETURN NEW;
END $$;
DROP FUNCTION journal.key_in_force(bigint, bigint, text, text);
REVOKE ALL ON FUNCTION journal.signing_key(bigint, bigint, text) FROM PUBLIC;

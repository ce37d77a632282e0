-- A word counts while its key does. What two people confirmed is in force by what holds at that very
-- place of the log: a word whose key was revoked meanwhile, or given unsigned before the founding was
-- over, is no word any more, and newer signing rules are not overtaken by older ones. Whoever signs
-- holds the mandates still meanwhile, so that no signature comes to stand behind the entry that
-- takes its key back.
CREATE FUNCTION journal.key_in_force(production bigint, person bigint, held_role text,
                                     signature text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT k.id FROM overrides_key k
    WHERE k.production_id = production AND k.person_id = person AND k.revoked_by_id IS NULL
      AND k.role = held_role AND k.number::text = nullif(signature, '')::jsonb ->> 'key'
      AND k.alg = nullif(signature, '')::jsonb ->> 'alg'
$$;

-- The person's own key in force, for the role they act in today, that a signature names. Whether it
-- holds is computed by the service, by the worker before it carries anything out, by
-- verify_overrides and by the offline verifier: no database does elliptic curves.
DROP FUNCTION journal.signing_key(bigint, bigint, text);
CREATE FUNCTION journal.signing_key(production bigint, person bigint, signature text)
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

CREATE OR REPLACE FUNCTION journal.confirm_mandate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
DECLARE
    m overrides_mandate;
    others jsonb;
    is_signed boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('mandates', NEW.production_id));
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
    IF m.type = 'policy.set' AND EXISTS (SELECT 1 FROM overrides_signingrule r
            WHERE r.production_id = m.production_id AND r.version > m.number) THEN
        RAISE EXCEPTION 'mandate % was overtaken by newer signing rules: propose them anew',
            m.number USING ERRCODE = '55000';
    END IF;
    NEW.role := journal.role_of(NEW.production_id, NEW.person_id);
    NEW.confirmed_at := clock_timestamp();
    is_signed := journal.overrides_founded(NEW.production_id);
    IF is_signed THEN
        PERFORM journal.signing_key(NEW.production_id, NEW.person_id, NEW.signature);
    ELSIF NEW.signature <> '' THEN
        RAISE EXCEPTION 'until three people have keys, a mandate is confirmed without one'
            USING ERRCODE = '55000';
    END IF;
    SELECT jsonb_agg(journal.confirmation_data(c) ORDER BY c.id) INTO others
        FROM overrides_confirmation c WHERE c.mandate_id = m.id AND (NOT is_signed
            OR journal.key_in_force(c.production_id, c.person_id, c.role, c.signature) IS NOT NULL);
    IF jsonb_array_length(others) > 0 THEN
        PERFORM journal.put_in_force(m, others || journal.confirmation_data(NEW));
    END IF;
    RETURN NEW;
END $$;

-- A request goes by the rules that are in force at its place of the log.
CREATE FUNCTION journal.hold_mandates() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('mandates', NEW.production_id));
    RETURN NEW;
END $$;
CREATE TRIGGER hold_mandates BEFORE INSERT ON overrides_override
    FOR EACH ROW EXECUTE FUNCTION journal.hold_mandates();
REVOKE ALL ON FUNCTION journal.hold_mandates(), journal.key_in_force(bigint, bigint, text, text),
    journal.signing_key(bigint, bigint, text) FROM PUBLIC;

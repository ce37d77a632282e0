-- Who signs overrides, and how many must. A mandate adds a key, revokes one or sets the rules; it is
-- in force when two people confirmed it who neither proposed it nor are its subject, and then is an
-- entry of the office's log. Before three people have had keys (the founding) a confirmation is a
-- person's word; from then on it is signed. overrides/policies.py says the same of the rules.
INSERT INTO overrides_transition (step, was, becomes, who) VALUES
    ('request', 'new', 'requested', 'asker'),
    ('approve', 'requested', 'requested', 'signer'),
    ('approve', 'requested', 'approved', 'signer'),
    ('reject', 'requested', 'rejected', 'signer'),
    ('reject', 'approved', 'rejected', 'signer'),
    ('stop', 'approved', 'rejected', 'clock'),
    ('expire', 'requested', 'expired', 'clock'),
    ('expire', 'approved', 'expired', 'clock'),
    ('execute', 'approved', 'executed', 'clock'),
    ('ratify', 'executed', 'executed', 'signer'),
    ('ratify', 'executed', 'ratified', 'signer'),
    ('revert', 'executed', 'reverted', 'clock'),
    ('audit', 'ratified', 'audited', 'signer');

-- The role in which a member acts today, NULL for nobody.
CREATE FUNCTION journal.role_of(production bigint, person bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT m.role FROM access_membership m JOIN access_user u ON u.id = m.user_id AND u.is_active
    WHERE m.production_id = production AND m.user_id = person
      AND m.starts_on <= (now() AT TIME ZONE 'UTC')::date
      AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'UTC')::date)
$$;

CREATE FUNCTION journal.overrides_founded(production bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(DISTINCT k.person_id) >= 3 FROM overrides_key k WHERE k.production_id = production
$$;

-- The person's own key in force, for the role they act in today, that a signature names. Whether it holds is computed by the service,
-- by verify_overrides and by the offline verifier: no database does elliptic curves.
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

CREATE FUNCTION journal.propose_mandate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
DECLARE said jsonb := NEW.said::jsonb;
BEGIN
    IF NEW.proposed_by_id IS DISTINCT FROM sec.user_id() OR NOT sec.may('sign_overrides') THEN
        RAISE EXCEPTION 'a mandate is proposed by somebody who signs overrides, in their own name'
            USING ERRCODE = '42501';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('mandates', NEW.production_id));
    SELECT coalesce(max(m.number), 0) + 1 INTO NEW.number FROM overrides_mandate m
        WHERE m.production_id = NEW.production_id;
    NEW.state := 'proposed';
    NEW.leaf := NULL;
    NEW.proposed_at := clock_timestamp();
    NEW.person_id := (said ->> 'person')::bigint;
    IF NEW.type = 'policy.set' THEN
        PERFORM journal.check_rules(said);
    ELSIF NOT EXISTS (SELECT 1 FROM overrides_signingrule r
                      WHERE r.production_id = NEW.production_id) THEN
        RAISE EXCEPTION 'the signing rules come before the first key' USING ERRCODE = '55000';
    ELSIF NEW.type = 'key.add' THEN
        IF NEW.person_id IS DISTINCT FROM NEW.proposed_by_id
           OR said ->> 'role' IS DISTINCT FROM
               journal.role_of(NEW.production_id, NEW.person_id)
           OR (CASE said ->> 'alg' WHEN 'webauthn-es256' THEN said ->> 'pub' ~ '^04[0-9a-f]{128}$'
               WHEN 'ed25519-password' THEN said ->> 'pub' ~ '^[0-9a-f]{64}$' END) IS NOT TRUE THEN
            RAISE EXCEPTION 'a person enrols a key of their own, of a kind that is known'
                USING ERRCODE = '23514';
        END IF;
    ELSE
        PERFORM 1 FROM overrides_key k WHERE k.production_id = NEW.production_id
            AND k.number::text = said ->> 'key' AND k.person_id = NEW.person_id
            AND k.revoked_by_id IS NULL;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no such key in force' USING ERRCODE = '23503';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER propose BEFORE INSERT ON overrides_mandate
    FOR EACH ROW EXECUTE FUNCTION journal.propose_mandate();

-- The floors of signing rules: two people, the guarantor on every draw, one open-ended rule a kind.
CREATE FUNCTION journal.check_rules(said jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF coalesce(jsonb_array_length(said -> 'rules'), 0) = 0
       OR coalesce(jsonb_array_length(said -> 'origins'), 0) = 0
       OR EXISTS (
        SELECT 1 FROM jsonb_array_elements(said -> 'rules') r
        WHERE ((r ->> 'threshold')::int >= 2
            AND jsonb_array_length(r -> 'roles') BETWEEN 1 AND (r ->> 'threshold')::int
            AND jsonb_array_length(r -> 'ratify_roles') >= 1
            AND r -> 'roles' || (r -> 'ratify_roles') <@ '["production_accountant",
                "line_producer", "bond_representative", "studio_executive"]'::jsonb
            AND (r ->> 'kind' <> 'contingency_draw' OR r -> 'roles' ? 'bond_representative')
            AND (r ->> 'open_hours')::int BETWEEN 1 AND 1440
            AND (r ->> 'ratify_hours')::int BETWEEN 1 AND 1440) IS NOT TRUE) THEN
        RAISE EXCEPTION 'signing rules ask for two people at least, roles that sign, the guarantor '
            'on every draw of contingency, and a time to do it in' USING ERRCODE = '23514';
    END IF;
END $$;

CREATE FUNCTION journal.confirm_mandate() RETURNS trigger
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
CREATE TRIGGER confirm BEFORE INSERT ON overrides_confirmation
    FOR EACH ROW EXECUTE FUNCTION journal.confirm_mandate();

CREATE FUNCTION journal.confirmation_data(c public.overrides_confirmation) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_build_object('person', c.person_id::text, 'role', c.role,
        'sig', CASE WHEN c.signature = '' THEN '{}'::jsonb ELSE c.signature::jsonb END)
$$;

CREATE FUNCTION journal.put_in_force(m public.overrides_mandate, confirmations jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    said jsonb := m.said::jsonb;
    made bytea;
BEGIN
    made := journal.append_leaf(m.production_id, m.type, jsonb_build_object(
        'by', m.proposed_by_id::text, 'confirmations', confirmations, 'number', m.number::text,
        'production', m.production_id::text, 'said', m.said));
    UPDATE overrides_mandate SET state = 'in force', leaf = made WHERE id = m.id;
    IF m.type = 'key.add' THEN
        INSERT INTO overrides_key (production_id, mandate_id, number, person_id, role, alg,
            public, credential, rp)
        VALUES (m.production_id, m.id, m.number, m.person_id, said ->> 'role', said ->> 'alg', said ->> 'pub',
            said ->> 'credential', said ->> 'rp');
    ELSIF m.type = 'key.revoke' THEN
        UPDATE overrides_key SET revoked_by_id = m.id WHERE production_id = m.production_id
            AND number::text = said ->> 'key' AND revoked_by_id IS NULL;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'key % was revoked before', said ->> 'key' USING ERRCODE = '55000';
        END IF;
    ELSE
        INSERT INTO overrides_signingrule (production_id, mandate_id, version, kind, up_to,
            threshold, roles, open_hours, ratify_hours, ratify_roles)
        SELECT m.production_id, m.id, m.number, r ->> 'kind', nullif(r ->> 'up_to', '')::numeric,
            (r ->> 'threshold')::int, ARRAY(SELECT jsonb_array_elements_text(r -> 'roles')),
            (r ->> 'open_hours')::int, (r ->> 'ratify_hours')::int,
            ARRAY(SELECT jsonb_array_elements_text(r -> 'ratify_roles'))
        FROM jsonb_array_elements(said -> 'rules') r;
    END IF;
END $$;

-- An entry of the office's log; its leaf.
CREATE FUNCTION journal.append_leaf(production bigint, entry_type text, data jsonb) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    unit bigint := journal.office(production);
    place bigint := journal.append(production, unit, entry_type, data::text, NULL);
BEGIN
    RETURN (SELECT e.leaf FROM ledger_logentry e
            WHERE e.production_id = production AND e.unit_id = unit AND e.seq = place);
END $$;

-- What is confirmed stays as it was proposed; what is revoked stays revoked.
CREATE FUNCTION journal.mandate_stays() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE was jsonb := to_jsonb(OLD);
BEGIN
    IF TG_TABLE_NAME = 'overrides_mandate' AND was ->> 'state' = 'proposed'
       AND was - ARRAY['state', 'leaf'] = to_jsonb(NEW) - ARRAY['state', 'leaf']
       AND EXISTS (SELECT 1 FROM ledger_logentry e WHERE e.production_id = NEW.production_id
                   AND e.leaf = (to_jsonb(NEW) ->> 'leaf')::bytea
                   AND e.type = was ->> 'type') THEN
        RETURN NEW;
    END IF;
    IF TG_TABLE_NAME = 'overrides_key' AND was ->> 'revoked_by_id' IS NULL
       AND was - 'revoked_by_id' = to_jsonb(NEW) - 'revoked_by_id'
       AND EXISTS (SELECT 1 FROM overrides_mandate m WHERE m.type = 'key.revoke'
                   AND m.state = 'in force' AND m.production_id = NEW.production_id
                   AND m.id = (to_jsonb(NEW) ->> 'revoked_by_id')::bigint) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% % stays as it is', TG_TABLE_NAME, was ->> 'number' USING ERRCODE = '55000';
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON overrides_mandate
    FOR EACH ROW EXECUTE FUNCTION journal.mandate_stays();
CREATE TRIGGER stays BEFORE UPDATE ON overrides_key
    FOR EACH ROW EXECUTE FUNCTION journal.mandate_stays();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON overrides_mandate
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON overrides_key
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CALL sec.keep_forever('overrides_transition');
CALL sec.keep_forever('overrides_confirmation');
CALL sec.keep_forever('overrides_signingrule');
REVOKE ALL ON FUNCTION journal.role_of(bigint, bigint), journal.overrides_founded(bigint),
    journal.signing_key(bigint, bigint, text), journal.propose_mandate(), journal.check_rules(jsonb),
    journal.confirm_mandate(), journal.confirmation_data(public.overrides_confirmation),
    journal.put_in_force(public.overrides_mandate, jsonb),
    journal.append_leaf(bigint, text, jsonb), journal.mandate_stays() FROM PUBLIC;

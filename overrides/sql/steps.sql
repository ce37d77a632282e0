-- An override and its steps. Whoever asks or decides inserts one row; the database checks who they
-- are and what they may, against its own clock and behind the row's lock, moves the state by the
-- table of transitions, and writes the step into the office's log. Each entry names the one before.
CREATE FUNCTION journal.request_override() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
DECLARE
    r overrides_signingrule;
    a ledger_attachment;
    before overrides_override;
    bad text;
BEGIN
    IF NEW.requested_by_id IS DISTINCT FROM sec.user_id() OR NOT sec.may('request_overrides') THEN
        RAISE EXCEPTION 'an override is asked for by somebody who may, in their own name'
            USING ERRCODE = '42501';
    END IF;
    IF NOT journal.overrides_founded(NEW.production_id) THEN
        RAISE EXCEPTION 'overrides begin when three people have keys to sign them with'
            USING ERRCODE = '55000';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('overrides', NEW.production_id));
    SELECT coalesce(max(o.number), 0) + 1 INTO NEW.number FROM overrides_override o
        WHERE o.production_id = NEW.production_id;
    bad := journal.bad_line(NEW.production_id, NEW.proposed -> 'lines');
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'an override proposes lines on cost centres and accounts that are there, '
            'each once: % is not one', bad USING ERRCODE = '23514';
    END IF;
    SELECT sum(greatest((l ->> 'amount')::numeric, 0)) INTO NEW.amount
        FROM jsonb_array_elements(NEW.proposed -> 'lines') l;
    SELECT x.* INTO r FROM overrides_signingrule x
    WHERE x.production_id = NEW.production_id AND x.kind = NEW.kind
      AND (x.up_to IS NULL OR NEW.amount <= x.up_to)
      AND x.version = (SELECT max(y.version) FROM overrides_signingrule y
                       WHERE y.production_id = NEW.production_id)
    ORDER BY x.up_to NULLS LAST LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no signing rule says who signs a % of %', NEW.kind, NEW.amount
            USING ERRCODE = '55000';
    END IF;
    SELECT x.* INTO a FROM ledger_attachment x WHERE x.id = NEW.attachment_id
        AND x.production_id = NEW.production_id AND NOT EXISTS (
            SELECT 1 FROM ledger_attachmentwithdrawal w WHERE w.attachment_id = x.id);
    IF NOT FOUND OR NOT EXISTS (
        SELECT 1 FROM ledger_logentry e WHERE e.production_id = NEW.production_id
            AND e.leaf = NEW.target_digest
        UNION ALL SELECT 1 FROM taxonomy_costnode n WHERE n.production_id = NEW.production_id
            AND n.digest = NEW.target_digest) THEN
        RAISE EXCEPTION 'an override names an entry or cost node of this production, and a '
            'document that supports it' USING ERRCODE = '23503';
    END IF;
    IF NEW.follows_id IS NOT NULL THEN
        SELECT x.* INTO before FROM overrides_override x JOIN overrides_step s
            ON s.override_id = x.id AND s.step = 'reject' AND s.back_to <> 'nowhere'
        WHERE x.id = NEW.follows_id AND x.production_id = NEW.production_id
          AND x.state = 'rejected';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'only what was sent back is asked for again' USING ERRCODE = '55000';
        END IF;
    END IF;
    NEW.state := 'requested';
    NEW.document_sha256 := a.sha256;
    NEW.document_name := a.name;
    NEW.signing_rule_id := r.id;
    NEW.threshold := r.threshold;
    NEW.roles := r.roles;
    NEW.ratify_roles := r.ratify_roles;
    NEW.requested_at := clock_timestamp();
    NEW.expires_at := clock_timestamp() + make_interval(hours => r.open_hours);
    NEW.ratify_by := NULL;
    NEW.executed_leaf := NULL;
    NEW.leaf := journal.append_leaf(NEW.production_id, 'override.request', jsonb_build_object(
        'amount', NEW.amount::numeric(19, 4)::text, 'becomes', 'requested',
        'by', NEW.requested_by_id::text,
        'checked', NEW.checked, 'clause', NEW.clause, 'document', encode(a.sha256, 'hex'),
        'document_name', a.name, 'expires', journal.moment(NEW.expires_at),
        'follows', coalesce(encode(before.leaf, 'hex'), ''), 'justification', NEW.justification,
        'kind', NEW.kind, 'policy', r.version::text,
        'prev', coalesce(encode(before.last_leaf, 'hex'), ''),
        'production', NEW.production_id::text, 'proposed', NEW.proposed,
        'ratify_hours', r.ratify_hours::text, 'ratify_roles', to_jsonb(r.ratify_roles),
        'request', journal.override_name(NEW.number),
        'role', journal.role_of(NEW.production_id, NEW.requested_by_id),
        'roles', to_jsonb(r.roles), 'rule', NEW.rule, 'target', NEW.target,
        'target_digest', encode(NEW.target_digest, 'hex'), 'threshold', r.threshold::text));
    NEW.last_leaf := NEW.leaf;
    RETURN NEW;
END $$;
CREATE TRIGGER request BEFORE INSERT ON overrides_override
    FOR EACH ROW EXECUTE FUNCTION journal.request_override();

CREATE FUNCTION journal.override_name(number int) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog AS $$
    SELECT 'OVR-' || CASE WHEN number < 10000 THEN lpad(number::text, 4, '0') ELSE number::text END
$$;
-- A moment as log entries write it: texts of one length, in the order of time.
CREATE FUNCTION journal.moment(t timestamptz) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
    SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- The first line that cannot be meant: twice, zero, or on what is not there; NULL when all are good.
-- A cost belongs to a cost centre; on the balance sheet an override moves accounts as a whole.
CREATE FUNCTION journal.bad_line(production bigint, lines jsonb) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN coalesce(jsonb_typeof(lines), '') <> 'array'
        OR jsonb_array_length(lines) NOT BETWEEN 1 AND 200 THEN 'nothing' ELSE (
        SELECT l::text FROM jsonb_array_elements(lines) WITH ORDINALITY x(l, place)
        LEFT JOIN ledger_account a ON a.production_id = production AND a.code = l ->> 'account'
            AND a.is_postable AND a.clearing_role NOT IN ('book_control', 'journal_clearing')
        LEFT JOIN taxonomy_costcenter c ON c.production_id = production
            AND c.code = l ->> 'cost_center'
        WHERE a.id IS NULL OR (c.id IS NOT NULL) <> (a.statement = 'cost')
           OR (l ->> 'amount' ~ '^-?(0|[1-9][0-9]{0,14})\.[0-9]{4}$') IS NOT TRUE
           OR (l ->> 'amount')::numeric = 0
           OR EXISTS (SELECT 1 FROM jsonb_array_elements(lines) WITH ORDINALITY y(m, other)
                      WHERE other < place AND m ->> 'account' = l ->> 'account'
                        AND m ->> 'cost_center' = l ->> 'cost_center')
        ORDER BY place LIMIT 1) END
$$;

-- A state moves with an entry of the log that says so, along the table of transitions.
CREATE FUNCTION journal.override_moves() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE moving CONSTANT text[] := ARRAY['state', 'ratify_by', 'executed_leaf', 'last_leaf'];
BEGIN
    IF to_jsonb(OLD) - moving IS DISTINCT FROM to_jsonb(NEW) - moving
       OR NOT EXISTS (SELECT 1 FROM overrides_transition t
                      WHERE t.was = OLD.state AND t.becomes = NEW.state)
       OR NOT EXISTS (SELECT 1 FROM ledger_logentry e
                      WHERE e.production_id = NEW.production_id AND e.leaf = NEW.last_leaf
                        AND e.leaf <> OLD.last_leaf AND e.type LIKE 'override.%'
                        AND e.line::json #>> '{data,prev}' = encode(OLD.last_leaf, 'hex')
                        AND e.line::json #>> '{data,becomes}' = NEW.state) THEN
        RAISE EXCEPTION '% is %: it does not become % so', journal.override_name(OLD.number),
            OLD.state, NEW.state USING ERRCODE = '55000';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER moves BEFORE UPDATE ON overrides_override
    FOR EACH ROW EXECUTE FUNCTION journal.override_moves();

CREATE FUNCTION journal.take_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
DECLARE
    o overrides_override;
    name text;
    at timestamptz;
BEGIN
    SELECT x.* INTO o FROM overrides_override x WHERE x.id = NEW.override_id
        AND x.production_id = NEW.production_id FOR UPDATE;
    IF NOT FOUND OR o.production_id IS DISTINCT FROM sec.production_id() THEN
        RAISE EXCEPTION 'there is no such override' USING ERRCODE = '23503';
    END IF;
    name := journal.override_name(o.number);
    PERFORM journal.check_taker(o, NEW);
    NEW.role := coalesce(journal.role_of(NEW.production_id, NEW.person_id), '');
    NEW.key_id := CASE WHEN NEW.person_id IS NULL THEN NULL
        ELSE journal.signing_key(NEW.production_id, NEW.person_id, NEW.signature) END;
    NEW.becomes := journal.state_after(o, NEW);
    IF NOT EXISTS (SELECT 1 FROM overrides_transition t WHERE t.step = NEW.step
                   AND t.was = o.state AND t.becomes = NEW.becomes) THEN
        RAISE EXCEPTION '% is %: the step % is not taken from there', name, o.state, NEW.step
            USING ERRCODE = '55000';
    END IF;
    IF NEW.step IN ('execute', 'revert') THEN PERFORM journal.check_step_batch(o, NEW); END IF;
    SELECT coalesce(max(s.number), 0) + 1 INTO NEW.number FROM overrides_step s
        WHERE s.override_id = o.id;
    at := clock_timestamp();
    NEW.leaf := journal.append_leaf(NEW.production_id, journal.step_type(NEW.step),
        journal.step_data(o, NEW, name, at));
    SELECT (e.line::json ->> 'at')::timestamptz INTO NEW.taken_at FROM ledger_logentry e
        WHERE e.production_id = NEW.production_id AND e.leaf = NEW.leaf;
    PERFORM journal.check_moment(o, NEW.step, name, NEW.taken_at);
    UPDATE overrides_override SET state = NEW.becomes, last_leaf = NEW.leaf,
        ratify_by = CASE NEW.step WHEN 'execute' THEN journal.ratify_by(o, at)
            ELSE ratify_by END,
        executed_leaf = CASE NEW.step WHEN 'execute' THEN NEW.leaf ELSE executed_leaf END
    WHERE id = o.id;
    RETURN NEW;
END $$;
CREATE TRIGGER take_step BEFORE INSERT ON overrides_step
    FOR EACH ROW EXECUTE FUNCTION journal.take_step();

CREATE FUNCTION journal.step_type(step text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog AS $$
    SELECT CASE WHEN step IN ('approve', 'reject') THEN 'override.decision'
        WHEN step = 'audit' THEN 'override.audited' ELSE 'override.' || step END
$$;

CREATE FUNCTION journal.ratify_by(o public.overrides_override, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT at + make_interval(hours => r.ratify_hours) FROM overrides_signingrule r
    WHERE r.id = o.signing_rule_id
$$;

-- Who takes a step: people in their own name, never on what they asked for themselves, or the clock.
CREATE FUNCTION journal.check_taker(o public.overrides_override, s public.overrides_step)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
DECLARE taker text := (SELECT min(t.who) FROM overrides_transition t WHERE t.step = s.step);
BEGIN
    IF taker IS DISTINCT FROM 'signer' THEN
        IF s.person_id IS NOT NULL OR session_user <> 'prodacct_worker' THEN
            RAISE EXCEPTION 'the step % is taken by the clock', s.step USING ERRCODE = '42501';
        END IF;
        RETURN;
    END IF;
    IF s.person_id IS DISTINCT FROM sec.user_id() OR NOT sec.may('sign_overrides') THEN
        RAISE EXCEPTION 'an override is signed by somebody who may, in their own name'
            USING ERRCODE = '42501';
    END IF;
    IF s.step <> 'ratify' AND s.person_id = o.requested_by_id THEN
        RAISE EXCEPTION '% was asked for by you: others decide it', journal.override_name(o.number)
            USING ERRCODE = '42501';
    END IF;
    IF s.step = 'audit' AND (journal.role_of(o.production_id, s.person_id) NOT IN
            ('bond_representative', 'studio_executive') OR EXISTS (
        SELECT 1 FROM overrides_step x WHERE x.override_id = o.id
            AND x.person_id = s.person_id)) THEN
        RAISE EXCEPTION '% is audited for the guarantor or the studio, by somebody who did not '
            'sign it', journal.override_name(o.number) USING ERRCODE = '42501';
    END IF;
END $$;

-- What an override is after this step; the sets of signatures are counted here.
CREATE FUNCTION journal.state_after(o public.overrides_override, s public.overrides_step)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    signed text[];
    people int;
BEGIN
    IF s.step NOT IN ('approve', 'ratify') THEN
        RETURN (SELECT min(t.becomes) FROM overrides_transition t
                WHERE t.step = s.step AND t.was = o.state);
    END IF;
    SELECT array_agg(x.role) || s.role, count(DISTINCT x.person_id) + 1 INTO signed, people
    FROM overrides_step x WHERE x.override_id = o.id AND x.step = s.step
        AND x.person_id <> s.person_id;
    IF s.step = 'approve' THEN
        RETURN CASE WHEN people >= o.threshold AND o.roles::text[] <@ signed THEN 'approved'
            ELSE o.state END;
    END IF;
    IF s.role <> ALL (o.ratify_roles::text[]) THEN
        RAISE EXCEPTION '% is ratified by others', journal.override_name(o.number)
            USING ERRCODE = '42501';
    END IF;
    RETURN CASE WHEN o.ratify_roles::text[] <@ signed THEN 'ratified' ELSE o.state END;
END $$;

-- The windows, by the moment the log itself says.
CREATE FUNCTION journal.check_moment(o public.overrides_override, step text, name text,
                                     at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    IF step IN ('approve', 'reject', 'execute', 'stop') AND at > o.expires_at THEN
        RAISE EXCEPTION '% expired at %', name, journal.moment(o.expires_at)
            USING ERRCODE = '55000';
    ELSIF step = 'ratify' AND at > o.ratify_by THEN
        RAISE EXCEPTION '% could be ratified until %', name, journal.moment(o.ratify_by)
            USING ERRCODE = '55000';
    ELSIF step = 'expire' AND at <= o.expires_at OR step = 'revert' AND at <= o.ratify_by THEN
        RAISE EXCEPTION '% still has time', name USING ERRCODE = '55000';
    END IF;
END $$;

CREATE FUNCTION journal.step_data(o public.overrides_override, s public.overrides_step, name text,
                                  at timestamptz) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'batch', s.batch_id::text, 'by', s.person_id::text, 'becomes', s.becomes, 'checked', nullif(s.checked, ''),
        'back_to', nullif(s.back_to, ''),
        'decision', CASE WHEN s.person_id IS NOT NULL THEN s.step END,
        'entry', (SELECT encode(e.leaf, 'hex') FROM ledger_logentry e
                  WHERE e.production_id = o.production_id AND e.batch_id = s.batch_id),
        'person', s.person_id::text, 'prev', encode(o.last_leaf, 'hex'),
        'production', o.production_id::text,
        'ratify_by', CASE WHEN s.step = 'execute' THEN journal.moment(journal.ratify_by(o, at)) END,
        'reason', nullif(s.reason, ''), 'request', name, 'role', nullif(s.role, ''),
        'sig', CASE WHEN s.person_id IS NOT NULL THEN s.signature::jsonb END))
$$;

-- What was approved is what is posted: the batch is this transaction's own, sealed, and moves exactly
-- the proposed lines, or for a revert exactly the opposite of what was executed.
CREATE FUNCTION journal.check_step_batch(o public.overrides_override, s public.overrides_step)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    wrong record;
    name text := journal.override_name(o.number);
    executed bigint := (SELECT x.batch_id FROM overrides_step x
                        WHERE x.override_id = o.id AND x.step = 'execute');
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_batch b JOIN ledger_logentry e ON e.batch_id = b.id
                   WHERE b.id = s.batch_id AND b.production_id = o.production_id
                     AND b.xid = pg_current_xact_id()) THEN
        RAISE EXCEPTION '% is carried out by a sealed batch of its own', name
            USING ERRCODE = '23514';
    END IF;
    WITH posted AS (
        SELECT a.code AS account, CASE a.statement WHEN 'cost' THEN c.code ELSE '' END AS center,
               sum(t.amount) AS amount
        FROM ledger_batchtotal t JOIN ledger_account a ON a.id = t.account_id
        JOIN taxonomy_costcenter c ON c.id = t.cost_center_id
        WHERE t.batch_id = s.batch_id AND a.clearing_role <> 'book_control'
        GROUP BY 1, 2 HAVING sum(t.amount) <> 0),
    meant AS (
        SELECT l ->> 'account' AS account, l ->> 'cost_center' AS center,
               (l ->> 'amount')::numeric * CASE s.step WHEN 'execute' THEN 1 ELSE -1 END AS amount
        FROM jsonb_array_elements(o.proposed -> 'lines') l)
    SELECT account, posted.amount AS posted, meant.amount AS meant INTO wrong
    FROM posted FULL JOIN meant USING (account, center)
    WHERE posted.amount IS DISTINCT FROM meant.amount LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% would post % to %, and % was signed', name, coalesce(wrong.posted, 0),
            wrong.account, coalesce(wrong.meant, 0) USING ERRCODE = '23514';
    END IF;
    IF s.step = 'revert' AND EXISTS (
        SELECT 1 FROM ledger_batchtotal t WHERE t.batch_id IN (executed, s.batch_id)
        GROUP BY t.book, t.account_id, t.cost_center_id, t.currency HAVING sum(t.amount) <> 0) THEN
        RAISE EXCEPTION '% is reverted by the opposite of what it posted', name
            USING ERRCODE = '23514';
    END IF;
END $$;

CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON overrides_override
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CALL sec.keep_forever('overrides_step');
REVOKE ALL ON FUNCTION journal.request_override(), journal.override_name(int),
    journal.moment(timestamptz), journal.bad_line(bigint, jsonb), journal.override_moves(),
    journal.take_step(), journal.step_type(text),
    journal.ratify_by(public.overrides_override, timestamptz),
    journal.check_taker(public.overrides_override, public.overrides_step),
    journal.state_after(public.overrides_override, public.overrides_step),
    journal.check_moment(public.overrides_override, text, text, timestamptz),
    journal.step_data(public.overrides_override, public.overrides_step, text, timestamptz),
    journal.check_step_batch(public.overrides_override, public.overrides_step) FROM PUBLIC;

-- Who sees them: those who sign, and whoever asked.
CALL sec.protect('overrides_mandate', '(SELECT sec.may(''sign_overrides''))',
    '(SELECT sec.may(''sign_overrides'')) AND proposed_by_id = (SELECT sec.user_id())');
CALL sec.protect('overrides_confirmation', '(SELECT sec.may(''sign_overrides''))',
    '(SELECT sec.may(''sign_overrides'')) AND person_id = (SELECT sec.user_id())');
CALL sec.protect('overrides_key', '(SELECT sec.may(''sign_overrides''))');
CALL sec.protect('overrides_signingrule',
    '((SELECT sec.may(''sign_overrides'')) OR (SELECT sec.may(''request_overrides'')))');
CALL sec.protect('overrides_override', '((SELECT sec.may(''sign_overrides''))'
    ' OR requested_by_id = (SELECT sec.user_id()))',
    '(SELECT sec.may(''request_overrides'')) AND requested_by_id = (SELECT sec.user_id())');
CALL sec.protect('overrides_step', '((SELECT sec.may(''sign_overrides'')) OR EXISTS ('
    'SELECT 1 FROM overrides_override o WHERE o.id = overrides_step.override_id'
    ' AND o.requested_by_id = (SELECT sec.user_id())))',
    '(SELECT sec.may(''sign_overrides'')) AND person_id = (SELECT sec.user_id())');
GRANT SELECT ON overrides_transition, overrides_mandate, overrides_confirmation, overrides_key,
    overrides_signingrule, overrides_override, overrides_step
    TO prodacct_web, prodacct_worker, prodacct_bond;
GRANT INSERT ON overrides_mandate, overrides_confirmation, overrides_override, overrides_step
    TO prodacct_web, prodacct_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO prodacct_web, prodacct_worker;

-- What a line is coded to besides its account (ledger/segments.py), and the checks that hold whole
-- lines against each other: an order's, a reversal's, a conversion's.
CALL sec.protect('ledger_segment', 'true', '(SELECT sec.may(''post_entries''))');
GRANT SELECT ON ledger_segment TO prodacct_web, prodacct_worker, prodacct_bond;
GRANT INSERT ON ledger_segment TO prodacct_web, prodacct_worker;
GRANT UPDATE (name, is_active) ON ledger_segment TO prodacct_web, prodacct_worker;
GRANT USAGE ON SEQUENCE ledger_segment_id_seq TO prodacct_web, prodacct_worker;
CREATE POLICY changes ON ledger_segment FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id()) AND (SELECT sec.may('post_entries')))
    WITH CHECK (production_id = (SELECT sec.member_production_id()));
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON ledger_segment
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CALL journal.audit('ledger_segment');
CALL sec.keep_history('ledger_segment', 'ledger_historicalsegment');
CALL sec.protect('ledger_historicalsegment', 'true');
GRANT SELECT ON ledger_historicalsegment TO prodacct_web, prodacct_worker, prodacct_bond;

-- The same coding is always the same text: each kind at most once, in one order.
DO $$
DECLARE
    form text := (SELECT '^' || string_agg(format('(%s=[A-Z0-9][A-Z0-9._/-]{0,15} )?', kind), ''
                                           ORDER BY n) || '$'
                  FROM unnest(ARRAY['episode', 'location', 'set', 'insurance', '1099', 'free1',
                                    'free2', 'free3', 'free4']) WITH ORDINALITY AS k (kind, n));
    rule text := format('CHECK (segments = '''' OR segments || '' '' ~ %L)', form);
BEGIN
    EXECUTE 'ALTER TABLE ledger_posting ADD CONSTRAINT posting_segments_form ' || rule;
    EXECUTE 'ALTER TABLE ledger_commitment ADD CONSTRAINT commitment_segments_form ' || rule;
END $$;

-- A line without segments is hashed as it was before there were any; else they stand before the row.
-- They are put on one line with it, whatever they hold: else one row could be read as two.
CREATE OR REPLACE FUNCTION journal.posting_line(p public.ledger_posting) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT replace(CASE WHEN p.segments = '' THEN 'P2' ELSE 'P3' || p.segments END || ROW(
        p.production_id, p.batch_id, p.line_no, p.transaction_number, p.unit_id, p.book,
        p.account_id, p.counter_account_id, p.cost_center_id, p.node_id, p.period_id,
        p.component, p.line, p.rule, p.currency, p.amount, p.base_amount,
        p.commitment_id)::text, E'\n', '\n')
$$;

-- A line is coded to what the production has.
CREATE FUNCTION journal.check_segments(b public.ledger_batch) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_nestloop = off AS $$
DECLARE wrong text;
BEGIN
    SELECT x.code INTO wrong FROM (
        SELECT DISTINCT string_to_table(p.segments, ' ') AS code
        FROM journal.postings_of(b.production_id, b.id) p WHERE p.segments <> '') x
    LEFT JOIN ledger_segment s ON s.production_id = b.production_id
        AND s.kind || '=' || s.code = x.code
    WHERE s.id IS NULL ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'batch % is coded to %, which is no segment of this production', b.id, wrong
            USING ERRCODE = '23503';
    END IF;
END $$;
CREATE OR REPLACE FUNCTION journal.seal_batch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE leaves bytea;
BEGIN
    IF NEW.production_id IS DISTINCT FROM sec.production_id() THEN
        RAISE EXCEPTION 'batch % is of another production than the signed context', NEW.id
            USING ERRCODE = '42501';
    END IF;
    PERFORM journal.check_batch(NEW);
    PERFORM journal.check_segments(NEW);
    PERFORM journal.add_totals(NEW);
    leaves := journal.batch_leaves(NEW.production_id, NEW.id);
    INSERT INTO ledger_sealedleaves (batch_id, production_id, leaves)
        VALUES (NEW.id, NEW.production_id, leaves);
    INSERT INTO ledger_leafbucket (production_id, bucket, batch_id, entries)
        SELECT NEW.production_id, k.bucket, NEW.id, k.entries FROM journal.bucketed(leaves) k;
    PERFORM journal.append(NEW.production_id, NEW.unit_id, 'post',
        journal.batch_data(NEW, journal.leaves_root(leaves)), NEW.id);
    RETURN NULL;
END $$;

-- What is ordered is relieved, cancelled or still open, and none of the three is below zero. The
-- orders are locked first, in one order, so that two invoices cannot relieve the same money.
CREATE OR REPLACE FUNCTION journal.check_commitments(b public.ledger_batch) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    named bigint[];
    wrong record;
BEGIN
    SELECT array_agg(DISTINCT p.commitment_id) INTO named
    FROM journal.postings_of(b.production_id, b.id) p WHERE p.book = 2;
    IF named IS NULL THEN RETURN; END IF;
    PERFORM 1 FROM ledger_commitment c WHERE c.id = ANY (named) ORDER BY c.id FOR NO KEY UPDATE;
    SELECT p.line_no INTO wrong FROM journal.postings_of(b.production_id, b.id) p
    LEFT JOIN ledger_commitment c ON c.id = p.commitment_id AND c.production_id = p.production_id
        AND c.unit_id = p.unit_id AND c.account_id = p.account_id
        AND c.cost_center_id = p.cost_center_id AND c.currency = p.currency
        AND c.segments = p.segments
    WHERE p.book = 2
      AND (c.id IS NULL OR p.component NOT IN ('ordered', 'relieved', 'cancelled'))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'batch % line % is not about the account, cost centre, unit, currency and '
            'segments of the order it names', b.id, wrong.line_no USING ERRCODE = '23514';
    END IF;
    SELECT c.reference, c.currency, s.* INTO wrong FROM (
        SELECT p.commitment_id,
               coalesce(sum(p.amount) FILTER (WHERE p.component = 'ordered'), 0) AS ordered,
               coalesce(-sum(p.amount) FILTER (WHERE p.component = 'relieved'), 0) AS relieved,
               coalesce(-sum(p.amount) FILTER (WHERE p.component = 'cancelled'), 0) AS cancelled,
               sum(p.amount) AS open
        FROM ledger_posting p
        WHERE p.production_id = b.production_id AND p.commitment_id = ANY (named)
        GROUP BY p.commitment_id) s
    JOIN ledger_commitment c ON c.id = s.commitment_id
    WHERE least(s.ordered, s.relieved, s.cancelled, s.open) < 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% would have % % open: ordered %, relieved %, cancelled %',
            wrong.reference, wrong.open, wrong.currency, wrong.ordered, wrong.relieved,
            wrong.cancelled USING ERRCODE = '23514';
    END IF;
END $$;

-- A reversal takes a posted document of its own unit back, posting for posting; the unique key lets
-- it happen once. What takes back is not itself taken back: it is reissued.
CREATE OR REPLACE FUNCTION journal.check_reversals(b public.ledger_batch) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    r record;
    differs bigint;
BEGIN
    FOR r IN SELECT t.number, t.reverses_batch_id, t.reverses_number, o.batch_id AS original,
                    o.reverses_batch_id AS original_reverses, x.unit_id
             FROM journal.transactions_of(b.production_id, b.id) t
             LEFT JOIN ledger_transaction o ON o.production_id = b.production_id
                 AND o.batch_id = t.reverses_batch_id AND o.number = t.reverses_number
             LEFT JOIN ledger_batch x ON x.id = o.batch_id
             WHERE t.reverses_batch_id IS NOT NULL OR t.reverses_number IS NOT NULL
    LOOP
        IF r.original IS NULL OR r.original = b.id OR r.unit_id <> b.unit_id
           OR r.original_reverses IS NOT NULL THEN
            RAISE EXCEPTION 'batch % document % takes back %-%, which is not a posted document of '
                'its unit, or is itself a reversal', b.id, r.number, r.reverses_batch_id,
                r.reverses_number USING ERRCODE = '23514';
        END IF;
        SELECT count(*) INTO differs FROM (
            SELECT p.book, p.account_id, p.counter_account_id, p.cost_center_id, p.node_id,
                   p.component, p.line, p.rule, p.currency, -p.amount, -p.base_amount,
                   p.commitment_id, p.segments, count(*)
            FROM ledger_posting p WHERE p.production_id = b.production_id
                AND p.batch_id = r.reverses_batch_id AND p.transaction_number = r.reverses_number
            GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
            EXCEPT
            SELECT p.book, p.account_id, p.counter_account_id, p.cost_center_id, p.node_id,
                   p.component, p.line, p.rule, p.currency, p.amount, p.base_amount,
                   p.commitment_id, p.segments, count(*)
            FROM journal.postings_of(b.production_id, b.id) p WHERE p.transaction_number = r.number
            GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13) x;
        SELECT differs + abs(
            (SELECT count(*) FROM ledger_posting p WHERE p.production_id = b.production_id
                AND p.batch_id = r.reverses_batch_id AND p.transaction_number = r.reverses_number)
            - (SELECT count(*) FROM journal.postings_of(b.production_id, b.id) p
               WHERE p.transaction_number = r.number)) INTO differs;
        IF differs > 0 THEN
            RAISE EXCEPTION 'batch % document % is not the exact opposite of %-%', b.id, r.number,
                r.reverses_batch_id, r.reverses_number USING ERRCODE = '23514';
        END IF;
    END LOOP;
END $$;

-- A hole is filled whole and once: each line that had no value is taken out without one and put
-- back with one, in the same unit, with nothing else about it changed.
CREATE OR REPLACE FUNCTION journal.check_filled(b public.ledger_batch) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_nestloop = off AS $$
DECLARE wrong record;
BEGIN
    SELECT t.number, coalesce(h.kind, '') AS kind INTO wrong
    FROM journal.transactions_of(b.production_id, b.id) t
    LEFT JOIN ledger_filledhole f ON f.production_id = t.production_id AND f.batch_id = t.batch_id
        AND f.number = t.number
    LEFT JOIN ledger_batch h ON h.id = f.hole_batch_id AND h.production_id = b.production_id
        AND h.unit_id = b.unit_id
    WHERE b.kind <> 'fx_convert' OR h.id IS NULL OR h.kind = 'fx_convert'
       OR t.effective_date <> journal.rate_day(t.production_id, f.hole_batch_id, f.hole_number)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'batch % document % converts nothing that was posted without a rate in its '
            'unit, or not at the rate of its day', b.id, wrong.number USING ERRCODE = '23514';
    END IF;
    WITH holes AS (
        SELECT f.number, p.* FROM ledger_filledhole f JOIN ledger_posting p
            ON p.production_id = f.production_id AND p.batch_id = f.hole_batch_id
            AND p.transaction_number = f.hole_number
        WHERE f.production_id = b.production_id AND f.batch_id = b.id AND p.base_amount IS NULL),
    wanted AS (
        SELECT number, book, account_id, counter_account_id, cost_center_id, node_id, component,
               line, rule, currency, way * amount AS amount, commitment_id, segments,
               way > 0 AS has_value
        FROM holes, (VALUES (1), (-1)) AS ways (way)),
    found AS (
        SELECT transaction_number, book, account_id, counter_account_id, cost_center_id, node_id,
               component, line, rule, currency, amount, commitment_id, segments,
               base_amount IS NOT NULL
        FROM journal.postings_of(b.production_id, b.id) WHERE component <> 'fx_rounding')
    SELECT number INTO wrong FROM (
        (SELECT * FROM wanted EXCEPT ALL SELECT * FROM found)
        UNION ALL (SELECT * FROM found EXCEPT ALL SELECT * FROM wanted)) x LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'batch % document % does not put back exactly the lines it takes out', b.id,
            wrong.number USING ERRCODE = '23514';
    END IF;
END $$;

REVOKE ALL ON FUNCTION journal.check_segments(public.ledger_batch),
    journal.check_commitments(public.ledger_batch), journal.check_reversals(public.ledger_batch),
    journal.check_filled(public.ledger_batch) FROM PUBLIC;

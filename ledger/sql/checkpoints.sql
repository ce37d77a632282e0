-- Checkpoints, who may find what by its hash, and the entries of the logs as people read them.
CALL sec.protect('ledger_checkpoint', 'true');
CALL sec.protect('ledger_verification', 'true');
CALL sec.protect('ledger_leafbucket', '(SELECT sec.may(''view_all_costs''))');
CALL sec.keep_forever('ledger_checkpoint');
CALL sec.keep_forever('ledger_verification');
CALL sec.keep_forever('ledger_leafbucket');
GRANT SELECT ON ledger_checkpoint, ledger_verification
    TO prodacct_web, prodacct_worker, prodacct_bond;
GRANT SELECT ON ledger_leafbucket TO prodacct_worker;
GRANT INSERT ON ledger_checkpoint TO prodacct_worker;
ALTER TABLE ledger_leafbucket ALTER COLUMN entries SET STORAGE EXTERNAL;

-- An entry that seals no batch is seen by those who see all costs; before, nobody saw it.
DROP POLICY reader_scope ON ledger_logentry;
CREATE POLICY reader_scope ON ledger_logentry FOR SELECT TO prodacct_web, prodacct_bond
    USING (production_id = (SELECT sec.member_production_id())
        AND ((batch_id IS NULL AND (SELECT sec.may('view_all_costs')))
             OR EXISTS (SELECT 1 FROM ledger_batchtotal t
                        WHERE t.batch_id = ledger_logentry.batch_id)));

-- Where a log stands, and stays until the signer's transaction has ended.
CREATE FUNCTION journal.held_head(production bigint, unit bigint)
RETURNS TABLE (size bigint, root bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    IF production IS DISTINCT FROM sec.production_id() THEN
        RAISE EXCEPTION 'the log of production % is signed only under its own signed context',
            production USING ERRCODE = '42501';
    END IF;
    RETURN QUERY SELECT h.size, h.root FROM ledger_loghead h
        WHERE h.production_id = production AND h.unit_id = unit FOR SHARE;
END $$;

-- A checkpoint says what the head says, and more than the checkpoint before it.
CREATE FUNCTION journal.checkpoint_agrees() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    PERFORM 1 FROM ledger_loghead h
        WHERE h.production_id = NEW.production_id AND h.unit_id = NEW.unit_id
          AND h.size = NEW.size AND h.root = NEW.root FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the checkpoint says % entries, which is not where the log of unit % stands',
            NEW.size, NEW.unit_id USING ERRCODE = '23514';
    END IF;
    IF EXISTS (SELECT 1 FROM ledger_checkpoint c WHERE c.production_id = NEW.production_id
               AND c.unit_id = NEW.unit_id AND c.size >= NEW.size) THEN
        RAISE EXCEPTION 'the log of unit % has a checkpoint of % entries or more already',
            NEW.unit_id, NEW.size USING ERRCODE = '23514';
    END IF;
    IF split_part(NEW.note, E'\n', 2) <> NEW.size::text
       OR split_part(NEW.note, E'\n', 3) <> encode(NEW.root, 'base64') THEN
        RAISE EXCEPTION 'the note of the checkpoint says another size or root than the checkpoint'
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER agrees BEFORE INSERT ON ledger_checkpoint
    FOR EACH ROW EXECUTE FUNCTION journal.checkpoint_agrees();

-- What begins with a hash, among what the person who asks may see. `low` and `high` are 32 bytes.
CREATE FUNCTION journal.found_by_hash(low bytea, high bytea)
RETURNS TABLE (kind text, hash bytea, unit_id bigint, seq bigint, batch_id bigint, number int)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, journal, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    p bigint := sec.member_production_id();
    centers bigint[] := ARRAY(SELECT sec.cost_center_ids());
    sees_all boolean := sec.may('view_all_costs');
BEGIN
    RETURN QUERY
    WITH near AS MATERIALIZED (
        SELECT k.batch_id, b.unit_id, b.transaction_count AS transactions,
               get_byte(k.entries, g * 8 + 4) << 24 | get_byte(k.entries, g * 8 + 5) << 16
             | get_byte(k.entries, g * 8 + 6) << 8 | get_byte(k.entries, g * 8 + 7) AS place
        FROM ledger_leafbucket k
        CROSS JOIN LATERAL generate_series(0, octet_length(k.entries) / 8 - 1) g
        JOIN ledger_batch b ON b.id = k.batch_id
        WHERE k.production_id = p AND k.bucket = get_byte(low, 0)
          AND substring(k.entries FROM g * 8 + 1 FOR 4)
              BETWEEN substring(low FROM 2 FOR 4) AND substring(high FROM 2 FOR 4)),
    found AS (
        SELECT 'posting' AS kind, x.leaf, n.unit_id, n.batch_id, x.number FROM near n
        CROSS JOIN LATERAL (
            SELECT journal.posting_leaf(q) AS leaf, q.transaction_number AS number
            FROM ledger_posting q WHERE q.production_id = p AND q.batch_id = n.batch_id
              AND q.line_no = n.place - n.transactions + 1 AND q.cost_center_id = ANY (centers)
            LIMIT 1) x
        UNION ALL
        SELECT 'transaction', x.leaf, n.unit_id, n.batch_id, n.place + 1 FROM near n
        CROSS JOIN LATERAL (
            SELECT journal.transaction_leaf(q) AS leaf
            FROM ledger_transaction q WHERE q.production_id = p AND q.batch_id = n.batch_id
              AND q.number = n.place + 1 AND q.cost_center_id = ANY (centers)
            LIMIT 1) x
        WHERE n.place < n.transactions
        UNION ALL
        SELECT 'document key', t.document_key, NULL, t.batch_id, t.number
        FROM ledger_transaction t WHERE t.production_id = p
          AND t.document_key BETWEEN low AND high AND t.cost_center_id = ANY (centers)
        UNION ALL
        SELECT 'log entry', e.leaf, e.unit_id, e.batch_id, NULL FROM ledger_logentry e
        WHERE e.production_id = p AND e.leaf BETWEEN low AND high
          AND (sees_all OR EXISTS (SELECT 1 FROM ledger_batchtotal t
               WHERE t.batch_id = e.batch_id AND t.cost_center_id = ANY (centers)))
        UNION ALL
        SELECT 'batch key', b.key, b.unit_id, b.id, NULL FROM ledger_batch b
        WHERE b.production_id = p AND b.key BETWEEN low AND high
          AND (sees_all OR EXISTS (SELECT 1 FROM ledger_batchtotal t
               WHERE t.batch_id = b.id AND t.cost_center_id = ANY (centers)))
        UNION ALL
        SELECT 'file', d.sha256, b.unit_id, b.id, NULL FROM ledger_sourcedocument d
        LEFT JOIN ledger_batch b ON b.document_id = d.id
        WHERE d.production_id = p AND d.sha256 BETWEEN low AND high
          AND (sees_all OR EXISTS (SELECT 1 FROM ledger_batchtotal t
               WHERE t.batch_id = b.id AND t.cost_center_id = ANY (centers))))
    SELECT f.kind, f.leaf, coalesce(f.unit_id, e.unit_id), e.seq, f.batch_id, f.number
    FROM found f LEFT JOIN LATERAL (SELECT x.unit_id, x.seq FROM ledger_logentry x
        WHERE x.production_id = p AND (x.batch_id = f.batch_id OR
              (f.batch_id IS NULL AND f.kind = 'log entry' AND x.leaf = f.leaf)) LIMIT 1) e ON true
    WHERE f.leaf BETWEEN low AND high
    ORDER BY f.kind, f.batch_id, f.number LIMIT 100;
END $$;

-- The entries of the logs, newest first, among those the person who asks may see. What an entry
-- says of itself is read as text: an altered line is shown as it is, and stops nothing.
CREATE FUNCTION journal.entries_seen(asked_unit bigint, first_seq bigint, last_seq bigint)
RETURNS TABLE (unit_id bigint, seq bigint, type text, at text, actor_id bigint, leaf bytea,
               batch_id bigint, line text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, journal, pg_temp AS $$
    SELECT e.unit_id, e.seq, e.type, coalesce(substring(e.line FROM '^\{"at":"([^"]*)"'), ''),
           coalesce(b.actor_id, substring(e.line FROM '"(?:actor|by)": ?"([0-9]{1,18})"')::bigint),
           e.leaf, e.batch_id, CASE WHEN (SELECT sec.may('view_all_costs')) THEN e.line END
    FROM ledger_logentry e LEFT JOIN ledger_batch b ON b.id = e.batch_id
    WHERE e.production_id = (SELECT sec.member_production_id())
      AND (asked_unit IS NULL OR e.unit_id = asked_unit AND e.seq BETWEEN first_seq AND last_seq)
      AND ((SELECT sec.may('view_all_costs')) OR EXISTS (
            SELECT 1 FROM ledger_batchtotal t WHERE t.batch_id = e.batch_id
            AND t.cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))))
$$;

REVOKE ALL ON FUNCTION journal.held_head(bigint, bigint), journal.checkpoint_agrees(),
    journal.found_by_hash(bytea, bytea), journal.entries_seen(bigint, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.held_head(bigint, bigint) TO prodacct_worker;
GRANT EXECUTE ON FUNCTION journal.found_by_hash(bytea, bytea),
    journal.entries_seen(bigint, bigint, bigint) TO prodacct_web;

-- What is hashed of a row: one line of text, exactly as an audit bundle carries it, so that an
-- outsider hashes the same bytes without knowing PostgreSQL. All columns stand in it in the order
-- of their table, as PostgreSQL writes a row: nothing for NULL, "" for an empty text, quotes and
-- backslashes doubled, a line end as \n. A transaction's two hashes stand before its row: written
-- inside it, sign by sign, they take as long as all the rest. No setting of a session changes a
-- line: dates and moments go through to_json, which always writes ISO 8601, and bytes through
-- encode. T2 and P2 are versions: a new column means a new one, here and in ledger/audit_rules.py.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.ledger_batch) THEN
        RAISE EXCEPTION 'this database holds batches that were sealed by an older version, whose '
            'leaves this one cannot recompute: keep it with the version that sealed it, and open '
            'the productions anew' USING ERRCODE = '55000';
    END IF;
END $$;

CREATE FUNCTION journal.transaction_line(t public.ledger_transaction) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT 'T2' || encode(t.document_key, 'hex') || '.' || encode(t.facts, 'hex') || replace(ROW(
        t.production_id, t.batch_id, t.number, t.document_id, t.source_row, t.source_line,
        t.source_start, t.source_end, t.reference, t.vendor, t.description, t.jurisdiction,
        btrim(to_json(t.effective_date)::text, '"'),
        btrim(to_json(t.occurred_at AT TIME ZONE 'UTC')::text, '"'),
        t.source_zone, t.period_id, t.cost_center_id, t.reverses_batch_id,
        t.reverses_number)::text, E'\n', '\n')
$$;
CREATE FUNCTION journal.posting_line(p public.ledger_posting) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT 'P2' || replace(ROW(
        p.production_id, p.batch_id, p.line_no, p.transaction_number, p.unit_id, p.book,
        p.account_id, p.counter_account_id, p.cost_center_id, p.node_id, p.period_id,
        p.component, p.line, p.rule, p.currency, p.amount, p.base_amount,
        p.commitment_id)::text, E'\n', '\n')
$$;
CREATE OR REPLACE FUNCTION journal.transaction_leaf(t public.ledger_transaction) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256('\x00'::bytea || convert_to(journal.transaction_line(t), 'UTF8'))
$$;
CREATE OR REPLACE FUNCTION journal.posting_leaf(p public.ledger_posting) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256('\x00'::bytea || convert_to(journal.posting_line(p), 'UTF8'))
$$;
DROP FUNCTION journal.text_bytes(text), journal.number_bytes(bigint);

-- All leaves of a batch, 32 bytes each: its transactions in order, then its postings.
CREATE OR REPLACE FUNCTION journal.batch_leaves(production bigint, batch bigint) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT string_agg(journal.transaction_leaf(t), ''::bytea ORDER BY t.number)
                     FROM journal.transactions_of(production, batch) t), ''::bytea)
        || coalesce((SELECT string_agg(journal.posting_leaf(p), ''::bytea ORDER BY p.line_no)
                     FROM journal.postings_of(production, batch) p), ''::bytea)
$$;

-- The leaves of a batch once more, for whoever knows only the beginning of a hash: by first byte,
-- each as its next four bytes and its place. 256 short rows stand for 20,000 documents, and a
-- look-up reads one row of each batch (docs/decisions/0011).
CREATE FUNCTION journal.bucketed(leaves bytea) RETURNS TABLE (bucket smallint, entries bytea)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT get_byte(leaves, i * 32)::smallint,
           string_agg(substring(leaves FROM i * 32 + 2 FOR 4) || int4send(i), ''::bytea ORDER BY i)
    FROM generate_series(0, octet_length(leaves) / 32 - 1) i GROUP BY 1
$$;

CREATE OR REPLACE FUNCTION journal.seal_batch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE leaves bytea;
BEGIN
    IF NEW.production_id IS DISTINCT FROM sec.production_id() THEN
        RAISE EXCEPTION 'batch % is of another production than the signed context', NEW.id
            USING ERRCODE = '42501';
    END IF;
    PERFORM journal.check_batch(NEW);
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

REVOKE ALL ON FUNCTION journal.transaction_line(public.ledger_transaction),
    journal.posting_line(public.ledger_posting), journal.bucketed(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.transaction_line(public.ledger_transaction),
    journal.posting_line(public.ledger_posting) TO prodacct_web, prodacct_worker, prodacct_bond;

-- The leaves as they were before. Batches sealed by this version cannot be recomputed by the older
-- one, so none may be there.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.ledger_batch) THEN
        RAISE EXCEPTION 'this database holds batches that the older version cannot recompute'
            USING ERRCODE = '55000';
    END IF;
END $$;
CREATE OR REPLACE FUNCTION journal.text_bytes(v text) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT int4send(octet_length(v)) || convert_to(v, 'UTF8') $$;

CREATE OR REPLACE FUNCTION journal.number_bytes(v bigint) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN v IS NULL THEN '\x00'::bytea ELSE '\x01'::bytea || int8send(v) END $$;

CREATE OR REPLACE FUNCTION journal.transaction_leaf(t public.ledger_transaction) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256('\x000154'::bytea
        || int8send(t.production_id) || int8send(t.batch_id) || int4send(t.number)
        || journal.number_bytes(t.document_id) || journal.number_bytes(t.source_row)
        || journal.number_bytes(t.source_line) || journal.number_bytes(t.source_start)
        || journal.number_bytes(t.source_end)
        || int4send(octet_length(t.document_key)) || t.document_key
        || int4send(octet_length(t.facts)) || t.facts
        || journal.text_bytes(t.reference) || journal.text_bytes(t.vendor)
        || journal.text_bytes(t.description) || journal.text_bytes(t.jurisdiction)
        || date_send(t.effective_date)
        || CASE WHEN t.occurred_at IS NULL THEN '\x00'::bytea
                ELSE '\x01'::bytea || timestamptz_send(t.occurred_at) END
        || journal.text_bytes(t.source_zone)
        || int8send(t.period_id) || int8send(t.cost_center_id)
        || journal.number_bytes(t.reverses_batch_id) || journal.number_bytes(t.reverses_number))
$$;

CREATE OR REPLACE FUNCTION journal.posting_leaf(p public.ledger_posting) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256('\x000150'::bytea
        || int8send(p.production_id) || int8send(p.batch_id) || int4send(p.line_no)
        || int4send(p.transaction_number) || int8send(p.unit_id) || int2send(p.book)
        || int8send(p.account_id) || int8send(p.counter_account_id)
        || int8send(p.cost_center_id) || int8send(p.node_id) || int8send(p.period_id)
        || journal.text_bytes(p.component) || journal.text_bytes(p.line)
        || journal.text_bytes(p.rule) || journal.text_bytes(p.currency)
        || numeric_send(p.amount)
        || CASE WHEN p.base_amount IS NULL THEN '\x00'::bytea
                ELSE '\x01'::bytea || numeric_send(p.base_amount) END
        || journal.number_bytes(p.commitment_id))
$$;

CREATE OR REPLACE FUNCTION journal.batch_leaves(production bigint, batch bigint) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT string_agg(journal.transaction_leaf(t), ''::bytea ORDER BY t.number)
                     FROM journal.transactions_of(production, batch) t), ''::bytea)
        || coalesce((SELECT string_agg(journal.posting_leaf(p), ''::bytea ORDER BY p.line_no)
                     FROM journal.postings_of(production, batch) p), ''::bytea)
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
    PERFORM journal.append(NEW.production_id, NEW.unit_id, 'post',
        journal.batch_data(NEW, journal.leaves_root(leaves)), NEW.id);
    RETURN NULL;
END $$;

DROP FUNCTION journal.bucketed(bytea), journal.transaction_line(public.ledger_transaction),
    journal.posting_line(public.ledger_posting);
REVOKE ALL ON FUNCTION journal.text_bytes(text), journal.number_bytes(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.text_bytes(text), journal.number_bytes(bigint)
    TO prodacct_web, prodacct_worker, prodacct_bond;

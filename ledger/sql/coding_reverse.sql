CREATE OR REPLACE FUNCTION journal.posting_line(p public.ledger_posting) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT 'P2' || replace(ROW(
        p.production_id, p.batch_id, p.line_no, p.transaction_number, p.unit_id, p.book,
        p.account_id, p.counter_account_id, p.cost_center_id, p.node_id, p.period_id,
        p.component, p.line, p.rule, p.currency, p.amount, p.base_amount,
        p.commitment_id)::text, E'\n', '\n')
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
DROP FUNCTION journal.check_segments(public.ledger_batch);
DROP FUNCTION journal.check_commitments(public.ledger_batch);
DROP FUNCTION journal.check_reversals(public.ledger_batch);
DROP FUNCTION journal.check_filled(public.ledger_batch);
ALTER TABLE ledger_posting DROP CONSTRAINT posting_segments_form;
ALTER TABLE ledger_commitment DROP CONSTRAINT commitment_segments_form;

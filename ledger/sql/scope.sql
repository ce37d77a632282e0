-- Who sees which table of the ledger, and what each role may do there at all.
CALL sec.protect('ledger_account', 'true');
CALL sec.protect('ledger_period', 'true');
CALL sec.protect('ledger_loghead', 'true');
CALL sec.protect('ledger_logentry',
    'EXISTS (SELECT 1 FROM ledger_batchtotal t WHERE t.batch_id = ledger_logentry.batch_id)');
CALL sec.protect('ledger_sealedleaves', '(SELECT sec.may(''view_all_costs''))');
-- A document is known to those who import, and to whoever may see a cost that came from it.
CALL sec.protect('ledger_sourcedocument', '((SELECT sec.may(''import_files'')) OR EXISTS ('
    'SELECT 1 FROM ledger_transaction t WHERE t.document_id = ledger_sourcedocument.id'
    ' AND t.production_id = ledger_sourcedocument.production_id))',
    '(SELECT sec.may(''import_files''))');
CALL sec.protect('ledger_sourcepiece', '(SELECT sec.may(''import_files''))',
    '(SELECT sec.may(''import_files''))');
CALL sec.protect('ledger_transaction', 'cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))',
    '(SELECT sec.may(''post_entries''))');
CALL sec.protect('ledger_posting', 'cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))',
    '(SELECT sec.may(''post_entries''))');
CALL sec.protect('ledger_commitment', 'cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))',
    '(SELECT sec.may(''post_entries''))');
CALL sec.protect('ledger_batchtotal', 'cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))');
-- A batch is seen by whoever sees something in it; its control total only by the worker. Whoever
-- posts by hand posts in their own name.
CALL sec.protect('ledger_batch', '((SELECT sec.may(''view_all_costs'')) OR EXISTS ('
    'SELECT 1 FROM ledger_batchtotal t WHERE t.batch_id = ledger_batch.id))',
    '(SELECT sec.may(''post_entries'')) AND actor_id = (SELECT sec.user_id())');
-- A period is closed by whoever may close periods, and nothing else about it ever changes.
CREATE POLICY closer ON ledger_period FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('close_periods')))
    WITH CHECK (production_id = (SELECT sec.member_production_id()) AND state = 'closed');
GRANT UPDATE (state) ON ledger_period TO prodacct_web, prodacct_worker;

GRANT SELECT ON ledger_account, ledger_period, ledger_loghead, ledger_transaction, ledger_posting,
    ledger_batchtotal, ledger_sourcedocument, ledger_sourcepiece, ledger_commitment
    TO prodacct_web, prodacct_worker, prodacct_bond;
GRANT SELECT ON ledger_batch, ledger_logentry, ledger_sealedleaves TO prodacct_worker;
GRANT SELECT (id, production_id, unit_id, kind, document_id, document_sha256, origin, actor_id,
    recorded_at) ON ledger_batch TO prodacct_web, prodacct_bond;
GRANT SELECT (production_id, unit_id, seq, type, leaf, batch_id) ON ledger_logentry
    TO prodacct_web, prodacct_bond;
GRANT INSERT ON ledger_sourcedocument, ledger_sourcepiece TO prodacct_web, prodacct_worker;
GRANT INSERT ON ledger_batch, ledger_transaction, ledger_posting, ledger_commitment
    TO prodacct_web, prodacct_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO prodacct_web, prodacct_worker;

-- COPY is not possible under row-level security. The poster may insert rows and do nothing else,
-- not even read; the triggers above hold every row to a batch the worker made under its own
-- signed context (docs/decisions/0004).
GRANT INSERT ON ledger_transaction, ledger_posting TO prodacct_poster;

-- The bytes of one received row, for whoever may see the cost it became.
CREATE FUNCTION journal.source_row(batch bigint, transaction_number int) RETURNS bytea
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    t record;
    row_bytes bytea;
BEGIN
    SELECT x.* INTO t FROM ledger_transaction x
    WHERE x.production_id = (SELECT sec.member_production_id()) AND x.batch_id = batch
      AND x.number = transaction_number
      AND x.cost_center_id IN (SELECT sec.cost_center_ids()) AND x.source_end > x.source_start;
    IF NOT FOUND THEN RETURN NULL; END IF;
    SELECT string_agg(substring(p.data
               FROM greatest(t.source_start - p.number::bigint * 1048576, 0)::int + 1
               FOR (least(t.source_end - p.number::bigint * 1048576, 1048576)
                    - greatest(t.source_start - p.number::bigint * 1048576, 0))::int),
               ''::bytea ORDER BY p.number) INTO row_bytes
    FROM ledger_sourcepiece p
    WHERE p.production_id = t.production_id AND p.document_id = t.document_id
      AND p.number BETWEEN t.source_start / 1048576 AND (t.source_end - 1) / 1048576;
    RETURN row_bytes;
END $$;
REVOKE ALL ON FUNCTION journal.source_row(bigint, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.source_row(bigint, int)
    TO prodacct_web, prodacct_worker, prodacct_bond;

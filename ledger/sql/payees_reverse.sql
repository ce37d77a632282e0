DROP POLICY reader_scope ON ledger_attachment;
CREATE POLICY reader_scope ON ledger_attachment FOR SELECT TO prodacct_web, prodacct_bond
    USING (production_id = (SELECT sec.member_production_id())
           AND ((SELECT sec.may('view_all_costs')) OR EXISTS (
               SELECT 1 FROM ledger_transaction t
               WHERE t.production_id = ledger_attachment.production_id
                 AND t.batch_id = ledger_attachment.batch_id
                 AND t.number = ledger_attachment.number)));
CREATE OR REPLACE FUNCTION journal.source_row(batch bigint, transaction_number int) RETURNS bytea
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
CREATE OR REPLACE FUNCTION journal.entries_seen(asked_unit bigint, first_seq bigint, last_seq bigint)
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
DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT polname, polrelid::regclass AS rel FROM pg_policy
             WHERE polrelid IN ('ledger_payee'::regclass, 'ledger_paykey'::regclass)
    LOOP EXECUTE format('DROP POLICY %I ON %s', p.polname, p.rel); END LOOP;
    FOR p IN SELECT tgname, tgrelid::regclass AS rel FROM pg_trigger
             WHERE NOT tgisinternal
               AND tgrelid IN ('ledger_payee'::regclass, 'ledger_paykey'::regclass)
    LOOP EXECUTE format('DROP TRIGGER %I ON %s', p.tgname, p.rel); END LOOP;
END $$;
DROP FUNCTION journal.check_payees(), journal.payee_token(bytea, text, text),
    journal.is_payee(text);

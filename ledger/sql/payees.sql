-- Who is paid is kept apart from what is paid (ledger/pay.py, docs/decisions/0039): whoever may see
-- a cost sees its amount; the name on a payroll line, what the line says of the pay, and the row as
-- received are for those who may see pay as well.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.ledger_posting p JOIN public.ledger_account a
               ON a.id = p.counter_account_id AND a.clearing_role = 'payroll_clearing') THEN
        RAISE EXCEPTION 'this database holds payroll whose names are sealed inside its documents, '
            'where every reader of a cost sees them: keep it with the version that sealed it, and '
            'open the productions anew' USING ERRCODE = '55000';
    END IF;
END $$;

CREATE FUNCTION journal.payee_token(salt bytea, name text, description text) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT 'payee:' || encode(sha256(convert_to('prodacct/payee/1', 'UTF8') || salt
        || int4send(octet_length(convert_to(name, 'UTF8'))) || convert_to(name, 'UTF8')
        || int4send(octet_length(convert_to(description, 'UTF8')))
        || convert_to(description, 'UTF8')), 'hex')
$$;
CREATE FUNCTION journal.is_payee(vendor text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$ SELECT vendor LIKE 'payee:%' AND length(vendor) = 70 $$;
REVOKE ALL ON FUNCTION journal.payee_token(bytea, text, text), journal.is_payee(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.is_payee(text) TO prodacct_web, prodacct_worker, prodacct_bond;
GRANT EXECUTE ON FUNCTION journal.payee_token(bytea, text, text) TO prodacct_worker;

CALL sec.protect('ledger_payee', '(SELECT sec.may(''view_pay''))'
    ' AND cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))');
CALL sec.keep_forever('ledger_payee');
GRANT SELECT ON ledger_payee TO prodacct_web, prodacct_worker, prodacct_bond;
GRANT INSERT ON ledger_payee TO prodacct_poster;

-- The poster's rows are of the production in the signed context, and say what their tokens stand
-- for: nobody puts another name under what was sealed.
CREATE FUNCTION journal.check_payees() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, sec, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM new_rows n
               WHERE n.production_id IS DISTINCT FROM (SELECT sec.production_id())) THEN
        RAISE EXCEPTION 'a payee of another production than the signed context'
            USING ERRCODE = '42501';
    END IF;
    IF EXISTS (SELECT 1 FROM new_rows n WHERE octet_length(n.salt) <> 16
               OR n.token <> journal.payee_token(n.salt, n.name, n.description)) THEN
        RAISE EXCEPTION 'a payee whose token is not that of its words' USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION journal.check_payees() FROM PUBLIC;
CREATE TRIGGER check_payees AFTER INSERT ON ledger_payee REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION journal.check_payees();

-- The key payroll's hashes are made with: for those who import, and see pay anyhow.
CALL sec.protect('ledger_paykey', '(SELECT sec.may(''import_files'') AND sec.may(''view_pay''))',
    '(SELECT sec.may(''import_files'') AND sec.may(''view_pay''))');
ALTER TABLE ledger_paykey ADD CONSTRAINT pay_key_is_whole CHECK (octet_length(key) = 32);
CALL sec.keep_forever('ledger_paykey');
GRANT SELECT, INSERT ON ledger_paykey TO prodacct_web, prodacct_worker;

-- The bytes of one received row, for whoever may see the cost it became, and pay where it is pay.
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
      AND x.cost_center_id IN (SELECT sec.cost_center_ids()) AND x.source_end > x.source_start
      AND (NOT journal.is_payee(x.vendor) OR (SELECT sec.may('view_pay')));
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

-- What is attached to a payroll line, and a deal memo wherever it hangs, says what a person is paid:
-- for whoever sees pay, and for whoever attached it and sees the cost.
DROP POLICY reader_scope ON ledger_attachment;
CREATE POLICY reader_scope ON ledger_attachment FOR SELECT TO prodacct_web, prodacct_bond
    USING (production_id = (SELECT sec.member_production_id())
           AND CASE WHEN (SELECT sec.may('view_pay')) THEN
               (SELECT sec.may('view_all_costs')) OR EXISTS (
                   SELECT 1 FROM ledger_transaction t
                   WHERE t.production_id = ledger_attachment.production_id
                     AND t.batch_id = ledger_attachment.batch_id
                     AND t.number = ledger_attachment.number)
           ELSE EXISTS (
                   SELECT 1 FROM ledger_transaction t
                   WHERE t.production_id = ledger_attachment.production_id
                     AND t.batch_id = ledger_attachment.batch_id
                     AND t.number = ledger_attachment.number
                     AND (ledger_attachment.actor_id = (SELECT sec.user_id())
                          OR NOT journal.is_payee(t.vendor)
                             AND ledger_attachment.kind <> 'deal memo')) END);

-- Nor does a log entry's line say to others what is personal in a record: a tax number, what was
-- asked and answered about a held row, what is attached.
CREATE OR REPLACE FUNCTION journal.entries_seen(asked_unit bigint, first_seq bigint, last_seq bigint)
RETURNS TABLE (unit_id bigint, seq bigint, type text, at text, actor_id bigint, leaf bytea,
               batch_id bigint, line text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, journal, pg_temp AS $$
    SELECT e.unit_id, e.seq, e.type, coalesce(substring(e.line FROM '^\{"at":"([^"]*)"'), ''),
           coalesce(b.actor_id, substring(e.line FROM '"(?:actor|by)": ?"([0-9]{1,18})"')::bigint),
           e.leaf, e.batch_id,
           CASE WHEN (SELECT sec.may('view_all_costs')) AND ((SELECT sec.may('view_pay'))
               OR e.line !~ ('"table": "(purchasing_vendortaxnumber|ingestion_question'
                             '|ledger_attachment)"|"tax_id": "[^"]')) THEN e.line END
    FROM ledger_logentry e LEFT JOIN ledger_batch b ON b.id = e.batch_id
    WHERE e.production_id = (SELECT sec.member_production_id())
      AND (asked_unit IS NULL OR e.unit_id = asked_unit AND e.seq BETWEEN first_seq AND last_seq)
      AND ((SELECT sec.may('view_all_costs')) OR EXISTS (
            SELECT 1 FROM ledger_batchtotal t WHERE t.batch_id = e.batch_id
            AND t.cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))))
$$;

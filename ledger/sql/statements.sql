-- What banks say happened, for good: accounts with their names at the bank, statements, lines.
-- Whoever sees every cost sees them; the lines come only from files, by the worker.
CALL sec.protect('ledger_bankaccount', '(SELECT sec.may(''view_all_costs''))',
    '(SELECT sec.may(''post_entries''))');
CALL sec.protect('ledger_bankidentifier', '(SELECT sec.may(''view_all_costs''))',
    '(SELECT sec.may(''post_entries''))');
CALL sec.protect('ledger_bankstatement', '(SELECT sec.may(''view_all_costs''))');
CALL sec.protect('ledger_statementline', '(SELECT sec.may(''view_all_costs''))');
GRANT SELECT ON ledger_bankaccount, ledger_bankidentifier, ledger_bankstatement,
    ledger_statementline TO prodacct_web, prodacct_worker;
GRANT INSERT ON ledger_bankaccount, ledger_bankidentifier TO prodacct_web, prodacct_worker;
GRANT INSERT ON ledger_bankstatement TO prodacct_worker;
GRANT INSERT ON ledger_statementline TO prodacct_poster;
GRANT UPDATE (is_active) ON ledger_bankaccount TO prodacct_web, prodacct_worker;
CREATE POLICY changes ON ledger_bankaccount FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id()) AND (SELECT sec.may('post_entries')))
    WITH CHECK (production_id = (SELECT sec.member_production_id()));
GRANT USAGE ON SEQUENCE ledger_bankaccount_id_seq, ledger_bankidentifier_id_seq
    TO prodacct_web, prodacct_worker;
GRANT USAGE ON SEQUENCE ledger_bankstatement_id_seq TO prodacct_worker;
GRANT USAGE ON SEQUENCE ledger_statementline_id_seq TO prodacct_poster;
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON ledger_bankaccount
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CALL sec.keep_forever('ledger_bankidentifier');
CALL sec.keep_forever('ledger_bankstatement');
CALL sec.keep_forever('ledger_statementline');
CALL journal.audit('ledger_bankaccount');
CALL journal.audit('ledger_bankidentifier');
CALL journal.audit('ledger_bankstatement');
CALL sec.keep_history('ledger_bankaccount', 'ledger_historicalbankaccount');
CALL sec.protect('ledger_historicalbankaccount', '(SELECT sec.may(''view_all_costs''))');
GRANT SELECT ON ledger_historicalbankaccount TO prodacct_web, prodacct_worker;

-- What is hashed of a line: all its columns as one line of text (see leaves.sql).
CREATE FUNCTION journal.statement_line(l public.ledger_statementline) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT 'S1' || replace(ROW(
        l.id, l.production_id, l.bank_account_id, l.statement_id, l.number, l.form,
        btrim(to_json(l.booked_on)::text, '"'), btrim(to_json(l.value_on)::text, '"'), l.amount,
        l.bank_id, l.reference, l.counterparty, l.description, encode(l.facts, 'hex'), l.twin,
        l.source_row, l.source_line, l.source_start, l.source_end)::text, E'\n', '\n')
$$;
CREATE FUNCTION journal.statement_leaf(l public.ledger_statementline) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256('\x00'::bytea || convert_to(journal.statement_line(l), 'UTF8'))
$$;

-- Lines are of the production in the signed context, of their statement's account, and follow one
-- another; the office's log says of each statement how many came, what they come to and their digest.
CREATE FUNCTION journal.log_statement_lines() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    production bigint := sec.production_id();
    taken record;
BEGIN
    IF EXISTS (SELECT 1 FROM new_rows n
               LEFT JOIN ledger_bankstatement s ON s.id = n.statement_id
               WHERE n.production_id IS DISTINCT FROM production
                  OR (s.production_id, s.bank_account_id, s.form)
                     IS DISTINCT FROM (n.production_id, n.bank_account_id, n.form)) THEN
        RAISE EXCEPTION 'a row of another production than the signed context, or of another '
            'account than its statement' USING ERRCODE = '42501';
    END IF;
    FOR taken IN
        SELECT l.statement_id, l.bank_account_id, min(l.number) AS first, max(l.number) AS last,
               count(*) AS lines, sum(l.amount) AS total,
               encode(sha256(string_agg(journal.statement_leaf(l), ''::bytea ORDER BY l.number)),
                      'hex') AS digest
        FROM new_rows n JOIN ledger_statementline l ON l.id = n.id
        GROUP BY l.statement_id, l.bank_account_id ORDER BY l.statement_id
    LOOP
        IF taken.last - taken.first + 1 <> taken.lines THEN
            RAISE EXCEPTION 'the lines of statement % do not follow one another',
                taken.statement_id USING ERRCODE = '23514';
        END IF;
        PERFORM journal.append(production, journal.office(production), 'statement',
            jsonb_build_object('account', taken.bank_account_id::text, 'by', sec.user_id()::text,
                'digest', taken.digest, 'first', taken.first::text, 'last', taken.last::text,
                'lines', taken.lines::text, 'statement', taken.statement_id::text, 'total', taken.total::text)::text, NULL);
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER log_lines AFTER INSERT ON ledger_statementline REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION journal.log_statement_lines();
REVOKE ALL ON FUNCTION journal.statement_line(public.ledger_statementline),
    journal.statement_leaf(public.ledger_statementline), journal.log_statement_lines() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.statement_line(public.ledger_statementline),
    journal.statement_leaf(public.ledger_statementline) TO prodacct_worker;

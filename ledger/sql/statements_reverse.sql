DO $$
DECLARE
    t text;
    p record;
BEGIN
    FOREACH t IN ARRAY ARRAY['ledger_bankaccount', 'ledger_bankidentifier', 'ledger_bankstatement',
                             'ledger_statementline', 'ledger_historicalbankaccount']
    LOOP
        FOR p IN SELECT polname FROM pg_policy WHERE polrelid = t::regclass
        LOOP EXECUTE format('DROP POLICY %I ON %s', p.polname, t); END LOOP;
        FOR p IN SELECT tgname FROM pg_trigger WHERE tgrelid = t::regclass AND NOT tgisinternal
        LOOP EXECUTE format('DROP TRIGGER %I ON %s', p.tgname, t); END LOOP;
    END LOOP;
END $$;
DROP FUNCTION journal.log_statement_lines();
DROP FUNCTION journal.statement_leaf(public.ledger_statementline);
DROP FUNCTION journal.statement_line(public.ledger_statementline);
DROP FUNCTION sec.history_of_ledger_bankaccount();

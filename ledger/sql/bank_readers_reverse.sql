DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['ledger_bankaccount', 'ledger_bankidentifier', 'ledger_bankstatement',
                             'ledger_statementline', 'ledger_historicalbankaccount']
    LOOP
        EXECUTE format('ALTER POLICY reader_scope ON %I USING ('
            'production_id = (SELECT sec.member_production_id())'
            ' AND (SELECT sec.may(''view_all_costs'')))', t);
    END LOOP;
END $$;

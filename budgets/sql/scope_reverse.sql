DROP TRIGGER seal_budget_kinds ON ledger_batch;
DROP FUNCTION journal.budget_kinds();
DROP POLICY budget_approver ON ledger_batch;
DROP POLICY budget_approver ON ledger_transaction;
DROP POLICY budget_approver ON ledger_posting;
DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT polname, polrelid::regclass AS rel FROM pg_policy
             WHERE polrelid::regclass::text LIKE 'budgets\_%'
    LOOP EXECUTE format('DROP POLICY %I ON %s', p.polname, p.rel); END LOOP;
END $$;

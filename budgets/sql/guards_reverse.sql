DROP TRIGGER seal_budget ON ledger_batch;
DROP TRIGGER boundary_is_frozen ON ledger_account;
DROP TRIGGER boundary_is_frozen ON taxonomy_costnode;
DO $$
DECLARE t record;
BEGIN
    FOR t IN SELECT tgname, tgrelid::regclass AS rel FROM pg_trigger
             WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'budgets\_%'
    LOOP EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.rel); END LOOP;
END $$;
ALTER TABLE budgets_budgetversion DROP COLUMN xid;
ALTER TABLE budgets_budgetchange DROP COLUMN xid;
DROP FUNCTION journal.budget_version_steps(), journal.budget_version_whole(),
    journal.budget_only_own(), journal.budget_change_steps(), journal.budget_change_whole(),
    journal.seal_budget(), journal.check_budget(public.ledger_batch),
    journal.check_forecast(public.ledger_batch), journal.check_boundary(public.ledger_batch),
    journal.boundary_is_frozen(), journal.efc_goes_forward(), journal.budget_is_locked(bigint);

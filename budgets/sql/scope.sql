-- Who sees budgets: those who see all costs. Everybody sees the EFC entries of their own accounts.
CALL sec.protect('budgets_budgetversion', '(SELECT sec.may(''view_all_costs''))',
    '(SELECT sec.may(''post_entries'')) AND made_by_id = (SELECT sec.user_id())');
CALL sec.protect('budgets_budgetline', '(SELECT sec.may(''view_all_costs''))',
    '(SELECT sec.may(''post_entries''))');
CALL sec.protect('budgets_budgetchange', '(SELECT sec.may(''view_all_costs''))',
    '(SELECT sec.may(''post_entries'')) AND requested_by_id = (SELECT sec.user_id())');
CALL sec.protect('budgets_budgetchangeline', '(SELECT sec.may(''view_all_costs''))',
    '(SELECT sec.may(''post_entries''))');
CALL sec.protect('budgets_efcentry', 'cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))',
    '(SELECT sec.may(''post_entries'')) AND entered_by_id = (SELECT sec.user_id())');
CALL sec.protect('budgets_refusedcrossing', '(SELECT sec.may(''view_all_costs''))',
    '(SELECT sec.may(''post_entries'')) AND attempted_by_id = (SELECT sec.user_id())');

CREATE POLICY approver ON budgets_budgetversion FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('approve_orders')))
    WITH CHECK (production_id = (SELECT sec.member_production_id()));
CREATE POLICY approver ON budgets_budgetchange FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('approve_orders')))
    WITH CHECK (production_id = (SELECT sec.member_production_id()));

-- Whoever approves posts what is approved. The seal takes nothing from them but that.
CREATE POLICY budget_approver ON ledger_batch FOR INSERT TO prodacct_web
    WITH CHECK (production_id = (SELECT sec.member_production_id())
                AND (SELECT sec.may('approve_orders')) AND actor_id = (SELECT sec.user_id())
                AND kind IN ('budget', 'transfer', 'draw', 'overage'));
CREATE POLICY budget_approver ON ledger_transaction FOR INSERT TO prodacct_web
    WITH CHECK (production_id = (SELECT sec.member_production_id())
                AND (SELECT sec.may('approve_orders')) AND EXISTS (
        SELECT 1 FROM ledger_batch b WHERE b.id = batch_id
            AND b.kind IN ('budget', 'transfer', 'draw', 'overage')));
CREATE POLICY budget_approver ON ledger_posting FOR INSERT TO prodacct_web
    WITH CHECK (production_id = (SELECT sec.member_production_id()) AND book = 3
                AND (SELECT sec.may('approve_orders')));
-- The seal asks the same of the batch as a whole: a kind of the budget holds the budget book alone.
CREATE FUNCTION journal.budget_kinds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    PERFORM journal.must_be_sealed(NEW);
    IF EXISTS (SELECT 1 FROM ledger_batchtotal t WHERE t.batch_id = NEW.id AND t.book <> 3) THEN
        RAISE EXCEPTION 'batch % is of the budget, and posts to another book', NEW.id
            USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION journal.budget_kinds() FROM PUBLIC;
CREATE CONSTRAINT TRIGGER seal_budget_kinds AFTER INSERT ON ledger_batch
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.kind IN ('budget', 'transfer', 'draw', 'overage'))
    EXECUTE FUNCTION journal.budget_kinds();

GRANT SELECT, INSERT ON budgets_budgetversion, budgets_budgetline, budgets_budgetchange,
    budgets_budgetchangeline, budgets_efcentry, budgets_refusedcrossing
    TO prodacct_web, prodacct_worker;
GRANT UPDATE (state, approved_by_id, approved_at, lock_asked_by_id, lock_asked_at, locked_by_id,
    locked_at, typed_total, batch_id) ON budgets_budgetversion TO prodacct_web, prodacct_worker;
GRANT UPDATE (state, decided_by_id, decided_at, batch_id) ON budgets_budgetchange
    TO prodacct_web, prodacct_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO prodacct_web, prodacct_worker;

DROP TRIGGER across_the_line ON overrides_override;
DROP FUNCTION journal.crossing_asked();
CREATE OR REPLACE FUNCTION journal.batch_may_cross(b public.ledger_batch) RETURNS boolean
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = pg_catalog AS $$ SELECT false $$;
CREATE OR REPLACE FUNCTION journal.change_may_cross(c public.budgets_budgetchange) RETURNS boolean
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = pg_catalog AS $$ SELECT false $$;
DROP FUNCTION journal.due_way(public.overrides_override),
    journal.lines_signed(public.overrides_override, int);

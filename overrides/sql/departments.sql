-- The head of a department asks that costs of their own be moved, and for nothing else: they see the
-- chart, their own documents and their own requests, and nothing of the department that would take
-- the cost. Whoever sees all costs asks as before.
CREATE FUNCTION journal.department_asks() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
DECLARE
    mine bigint[];
    batch bigint := (NEW.proposed -> 'document' ->> 0)::bigint;
    document int := (NEW.proposed -> 'document' ->> 1)::int;
BEGIN
    IF sec.may('view_all_costs') THEN RETURN NEW; END IF;
    mine := ARRAY(SELECT sec.cost_center_ids());
    IF NEW.kind <> 'reclassification' OR NOT EXISTS (
            SELECT 1 FROM journal.postings_of(NEW.production_id, batch) p
            WHERE p.transaction_number = document)
       OR EXISTS (
            SELECT 1 FROM journal.postings_of(NEW.production_id, batch) p
            WHERE p.transaction_number = document AND p.cost_center_id <> ALL (mine))
       OR EXISTS (
            SELECT 1 FROM jsonb_array_elements(NEW.proposed -> 'lines') l
            LEFT JOIN taxonomy_costcenter c ON c.production_id = NEW.production_id
                AND c.code = l ->> 'cost_center'
            WHERE (l ->> 'amount')::numeric < 0 AND (c.id = ANY (mine)) IS NOT TRUE)
       OR EXISTS (
            SELECT 1 FROM jsonb_array_elements(NEW.proposed -> 'changes') c
            WHERE c ->> 'cost_center_id' IS NOT NULL)
       OR NOT EXISTS (
            SELECT 1 FROM ledger_logentry e WHERE e.production_id = NEW.production_id
                AND e.batch_id = batch AND e.leaf = NEW.target_digest) THEN
        RAISE EXCEPTION 'a department asks that costs of its own be moved: a document that is its '
            'own whole, and nothing else' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER department_asks BEFORE INSERT ON overrides_override
    FOR EACH ROW EXECUTE FUNCTION journal.department_asks();

-- Two facts that whoever asks must know: whether overrides have begun, and which budget is locked.
CREATE FUNCTION journal.asking_facts() RETURNS TABLE (founded boolean, locked int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
    SELECT journal.overrides_founded(m.production), (
        SELECT max(v.number) FROM budgets_budgetversion v
        WHERE v.production_id = m.production AND v.state = 'locked')
    FROM (SELECT sec.member_production_id() AS production) m
    WHERE (SELECT sec.may('request_overrides'))
$$;
-- The short name of the department that an account of the chart belongs to; '' for none.
CREATE FUNCTION journal.home_of(account text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
    SELECT coalesce((
        SELECT c.code FROM ledger_account a JOIN taxonomy_costcenter c ON c.id = a.cost_center_id
        WHERE a.production_id = (SELECT sec.member_production_id()) AND a.code = account
          AND (SELECT sec.may('request_overrides'))), '')
$$;
REVOKE ALL ON FUNCTION journal.department_asks(), journal.asking_facts(), journal.home_of(text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.asking_facts(), journal.home_of(text)
    TO prodacct_web, prodacct_worker;

-- Who must sign what is for those who sign, and for those who ask about more than a department.
ALTER POLICY reader_scope ON overrides_signingrule USING (
    production_id = (SELECT sec.member_production_id())
    AND ((SELECT sec.may('sign_overrides'))
         OR (SELECT sec.may('request_overrides')) AND (SELECT sec.may('view_all_costs'))));

-- Heads of departments that are there already may ask from now on.
INSERT INTO access_productionuserobjectpermission (permission_id, user_id, content_object_id)
SELECT p.id, m.user_id, m.production_id FROM access_membership m, auth_permission p
WHERE p.codename = 'request_overrides' AND m.role = 'department_head'
ON CONFLICT DO NOTHING;

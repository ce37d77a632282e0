-- Where a document's cost belongs, for whoever gives and takes memberships and is asked why somebody
-- sees it: its cost centre, and whether it says what a person is paid. Nothing else of it.
CREATE FUNCTION sec.document_place(batch bigint, document_number int)
RETURNS TABLE (cost_center_id bigint, code text, name text, is_pay boolean)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, journal, sec, pg_temp AS $$
    SELECT c.id, c.code::text, c.name::text, journal.is_payee(t.vendor)
    FROM ledger_transaction t JOIN taxonomy_costcenter c ON c.id = t.cost_center_id
    WHERE t.production_id = (SELECT sec.member_production_id()) AND t.batch_id = batch
      AND t.number = document_number AND (SELECT sec.may('manage_access'))
$$;
REVOKE ALL ON FUNCTION sec.document_place(bigint, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.document_place(bigint, int) TO prodacct_web;

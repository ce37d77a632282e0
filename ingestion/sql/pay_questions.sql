-- A held row of payroll may have a name, a number or a rate in any of its columns: no department is
-- shown one. The sources are those of ingestion/layouts/sources.py that clear through payroll.
CREATE FUNCTION sec.is_payroll(source text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$ SELECT source IN ('payroll-register-ep', 'payroll-register-showbiz', 'union-time', 'wrapbook-payroll') $$;
REVOKE ALL ON FUNCTION sec.is_payroll(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION sec.question_fits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE center text;
BEGIN
    SELECT c.code INTO center FROM taxonomy_costcenter c
    JOIN taxonomy_costcenteruserobjectpermission g ON g.content_object_id = c.id
    JOIN auth_permission p ON p.id = g.permission_id AND p.codename = 'view_costs_of'
    WHERE c.id = NEW.cost_center_id AND c.production_id = NEW.production_id
      AND g.user_id = NEW.asked_of_id;
    IF center IS NULL THEN
        RAISE EXCEPTION 'a question goes to somebody who has the department it is about'
            USING ERRCODE = '23514';
    END IF;
    IF NEW.held_row_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM ingestion_heldrow h
        WHERE h.id = NEW.held_row_id AND h.production_id = NEW.production_id) THEN
        RAISE EXCEPTION 'a question is about a row of its own production' USING ERRCODE = '23514';
    END IF;
    IF NEW.facts <> '[]' AND NOT EXISTS (
        SELECT 1 FROM ingestion_heldrow h WHERE h.id = NEW.held_row_id
          AND center = coalesce(nullif(btrim(h.cells ->> 'cost_center'), ''), (
              SELECT k.code FROM ledger_account a
              JOIN taxonomy_costcenter k ON k.id = a.cost_center_id
              WHERE a.production_id = h.production_id
                AND a.code = btrim(h.cells ->> 'account_code')))) THEN
        RAISE EXCEPTION 'the fields of a row are shown to the department it is read as, and no other'
            USING ERRCODE = '23514';
    END IF;
    IF NEW.facts <> '[]' AND EXISTS (
        SELECT 1 FROM ingestion_heldrow h JOIN ingestion_importbatch i ON i.id = h.batch_id
        WHERE h.id = NEW.held_row_id AND sec.is_payroll(i.source)) THEN
        RAISE EXCEPTION 'what a payroll row says of a person is shown to no department'
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;

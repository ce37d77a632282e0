-- Questions to departments: accounting sees them all, a person the own ones, of departments that are
-- still theirs.
CALL sec.protect('ingestion_question', '((SELECT sec.may(''resolve_quarantine''))'
    ' OR (asked_of_id = (SELECT sec.user_id()) AND (SELECT sec.may(''view_costs''))'
    ' AND cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))))',
    '(SELECT sec.may(''resolve_quarantine'')) AND asked_by_id = (SELECT sec.user_id())'
    ' AND state = ''open''');
CREATE POLICY answers ON ingestion_question FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND asked_of_id = (SELECT sec.user_id()))
    WITH CHECK (production_id = (SELECT sec.member_production_id())
                AND asked_of_id = (SELECT sec.user_id()) AND state = 'answered');
CREATE POLICY withdraws ON ingestion_question FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('resolve_quarantine')))
    WITH CHECK (production_id = (SELECT sec.member_production_id())
                AND (SELECT sec.may('resolve_quarantine')) AND state = 'withdrawn');
GRANT SELECT ON ingestion_question TO prodacct_web, prodacct_worker;
GRANT INSERT ON ingestion_question TO prodacct_web;
GRANT UPDATE (state, answer, closed_at) ON ingestion_question TO prodacct_web;
GRANT USAGE ON SEQUENCE ingestion_question_id_seq TO prodacct_web;

-- Who has been given a department today, for whoever may ask them.
CREATE FUNCTION sec.department_heads() RETURNS TABLE (user_id bigint, cost_center_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
    SELECT DISTINCT g.user_id::bigint, c.id FROM public.taxonomy_costcenter c
    JOIN public.taxonomy_costcenteruserobjectpermission g ON g.content_object_id = c.id
    JOIN public.auth_permission p ON p.id = g.permission_id AND p.codename = 'view_costs_of'
    JOIN public.access_user u ON u.id = g.user_id AND u.is_active
    JOIN public.access_membership m ON m.user_id = u.id AND m.production_id = c.production_id
        AND m.starts_on <= (now() AT TIME ZONE 'UTC')::date
        AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'UTC')::date)
    WHERE c.production_id = (SELECT sec.member_production_id())
      AND (SELECT sec.may('resolve_quarantine'))
$$;
REVOKE ALL ON FUNCTION sec.department_heads() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.department_heads() TO prodacct_web, prodacct_worker;

-- A question goes to somebody who has the department, and shows them a row's fields only where the
-- row is read as that department's.
CREATE FUNCTION sec.question_fits() RETURNS trigger
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
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION sec.question_fits() FROM PUBLIC;
CREATE TRIGGER question_fits BEFORE INSERT ON ingestion_question
    FOR EACH ROW EXECUTE FUNCTION sec.question_fits();

-- What was asked stays; a question is closed once.
CREATE FUNCTION sec.question_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'open'
       OR (NEW.production_id, NEW.cause, NEW.cost_center_id, NEW.asked_of_id, NEW.text, NEW.facts,
           NEW.asked_by_id, NEW.asked_at)
          IS DISTINCT FROM (OLD.production_id, OLD.cause, OLD.cost_center_id, OLD.asked_of_id,
                            OLD.text, OLD.facts, OLD.asked_by_id, OLD.asked_at)
       OR NEW.held_row_id IS DISTINCT FROM OLD.held_row_id THEN
        RAISE EXCEPTION 'question % is %, and what was asked never changes', OLD.id, OLD.state
            USING ERRCODE = '55000';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION sec.question_moves() FROM PUBLIC;
CREATE TRIGGER question_moves BEFORE UPDATE ON ingestion_question
    FOR EACH ROW EXECUTE FUNCTION sec.question_moves();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON ingestion_question
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CALL journal.audit('ingestion_question');

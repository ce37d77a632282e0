-- Who sees what of the imports. Held rows and duplicates are the accounting team's.
CALL sec.protect('ingestion_importbatch', '(SELECT sec.may(''import_files''))',
    '(SELECT sec.may(''import_files''))');
CALL sec.protect('ingestion_heldrow', '(SELECT sec.may(''resolve_quarantine''))');
CALL sec.protect('ingestion_rowrevision', '(SELECT sec.may(''resolve_quarantine''))',
    '(SELECT sec.may(''resolve_quarantine'')) AND made_by_id = (SELECT sec.user_id())');
CALL sec.protect('ingestion_revisionoutcome', '(SELECT sec.may(''resolve_quarantine''))');
CALL sec.protect('ingestion_duplicaterow', '(SELECT sec.may(''import_files''))');

-- Work of every production waits in one queue: a worker must see it before it can take on the
-- signed context of the production it belongs to. An item holds ids and no figures.
ALTER TABLE ingestion_workitem ENABLE ROW LEVEL SECURITY;
ALTER TABLE ingestion_workitem FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON ingestion_workitem TO prodacct_owner USING (true) WITH CHECK (true);
CREATE POLICY worker_queue ON ingestion_workitem TO prodacct_worker USING (true) WITH CHECK (true);
CREATE POLICY writer_scope ON ingestion_workitem FOR INSERT TO prodacct_web
    WITH CHECK (production_id = (SELECT sec.member_production_id())
                AND (SELECT sec.may('import_files') OR sec.may('resolve_quarantine')));
CREATE POLICY reader_scope ON ingestion_workitem FOR SELECT TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('import_files') OR sec.may('resolve_quarantine')));

-- A held row that is being resubmitted is only marked by the web; the worker does the rest.
CREATE POLICY writer_update ON ingestion_heldrow FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('resolve_quarantine')))
    WITH CHECK (production_id = (SELECT sec.member_production_id()) AND state = 'resubmitted');

GRANT SELECT ON ingestion_importbatch, ingestion_heldrow, ingestion_rowrevision,
    ingestion_revisionoutcome, ingestion_duplicaterow, ingestion_workitem
    TO prodacct_web, prodacct_worker;
GRANT SELECT ON ingestion_importbatch, ingestion_heldrow, ingestion_duplicaterow TO prodacct_bond;
GRANT INSERT ON ingestion_importbatch, ingestion_rowrevision, ingestion_workitem
    TO prodacct_web, prodacct_worker;
GRANT UPDATE (state) ON ingestion_heldrow TO prodacct_web;
GRANT UPDATE ON ingestion_importbatch, ingestion_heldrow, ingestion_workitem TO prodacct_worker;
GRANT INSERT ON ingestion_revisionoutcome TO prodacct_worker;
GRANT INSERT ON ingestion_heldrow, ingestion_duplicaterow TO prodacct_poster;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO prodacct_web, prodacct_worker, prodacct_poster;

-- The poster's rows are of the production in the worker's signed context, or none is.
CREATE FUNCTION sec.only_own_production() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM new_rows n WHERE n.production_id IS DISTINCT FROM
               (SELECT sec.production_id())) THEN
        RAISE EXCEPTION 'a row of another production than the signed context'
            USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER own_production AFTER INSERT ON ingestion_heldrow REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sec.only_own_production();
CREATE TRIGGER own_production AFTER INSERT ON ingestion_duplicaterow
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sec.only_own_production();

-- What was received and why it was held never changes; only how it ended does, and only forward.
CREATE FUNCTION sec.held_row_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('posted', 'duplicate', 'rejected')
       OR (NEW.production_id, NEW.batch_id, NEW.row, NEW.payload_sha256, NEW.payload)
          IS DISTINCT FROM (OLD.production_id, OLD.batch_id, OLD.row, OLD.payload_sha256,
                            OLD.payload) THEN
        RAISE EXCEPTION 'held row % is %, and what was received never changes', OLD.id, OLD.state
            USING ERRCODE = '55000';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER held_row_moves BEFORE UPDATE ON ingestion_heldrow
    FOR EACH ROW EXECUTE FUNCTION sec.held_row_moves();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON ingestion_heldrow
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON ingestion_importbatch
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CALL sec.keep_forever('ingestion_rowrevision');
CALL sec.keep_forever('ingestion_revisionoutcome');
CALL sec.keep_forever('ingestion_duplicaterow');

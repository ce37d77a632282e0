-- Dead letters are the accounting team's. The web only says that somebody has decided, and the
-- worker does the rest; each decision and each limit is an entry of the office's log.
CALL sec.protect('ingestion_threshold', '(SELECT sec.may(''import_files''))',
    '(SELECT sec.may(''import_files'')) AND made_by_id = (SELECT sec.user_id())');
CALL sec.protect('ingestion_deadletter', '(SELECT sec.may(''import_files''))');
CALL sec.protect('ingestion_decision', '(SELECT sec.may(''import_files''))',
    '(SELECT sec.may(''import_files'')) AND made_by_id = (SELECT sec.user_id())');
GRANT SELECT ON ingestion_threshold, ingestion_deadletter, ingestion_decision
    TO prodacct_web, prodacct_worker;
GRANT INSERT ON ingestion_threshold, ingestion_decision TO prodacct_web, prodacct_worker;
GRANT INSERT, UPDATE ON ingestion_deadletter TO prodacct_worker;
GRANT USAGE ON SEQUENCE ingestion_threshold_id_seq, ingestion_deadletter_id_seq,
    ingestion_decision_id_seq TO prodacct_web, prodacct_worker;
GRANT UPDATE (state) ON ingestion_deadletter TO prodacct_web;
CREATE POLICY decided ON ingestion_deadletter FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('import_files')) AND state IN ('waiting', 'retrying', 'given_up'))
    WITH CHECK (production_id = (SELECT sec.member_production_id()) AND state = 'decided');
CALL sec.keep_forever('ingestion_threshold');
CALL sec.keep_forever('ingestion_decision');
CALL journal.audit('ingestion_threshold');
CALL journal.audit('ingestion_decision');

-- What a letter is about never changes, and one that is settled stays so.
CREATE FUNCTION sec.letter_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('done', 'dropped')
       OR (NEW.production_id, NEW.kind, NEW.subject_id, NEW.document_id, NEW.batch_id)
          IS DISTINCT FROM (OLD.production_id, OLD.kind, OLD.subject_id, OLD.document_id,
                            OLD.batch_id) THEN
        RAISE EXCEPTION 'dead letter % is %, and what it is about never changes', OLD.id, OLD.state
            USING ERRCODE = '55000';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER letter_moves BEFORE UPDATE ON ingestion_deadletter
    FOR EACH ROW EXECUTE FUNCTION sec.letter_moves();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON ingestion_deadletter
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();

-- Cancelling is the one thing the web does to an import: by the row's own lock it stands either
-- before or after a chunk of the worker's, never in the middle of one.
GRANT UPDATE (state, code, reason, finished_at) ON ingestion_importbatch TO prodacct_web;
CREATE POLICY cancelled ON ingestion_importbatch FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('import_files'))
           AND state NOT IN ('posted', 'posted_with_quarantine', 'rejected', 'cancelled'))
    WITH CHECK (production_id = (SELECT sec.member_production_id()) AND state = 'cancelled');

-- An import that has ended does not go on, and no row that was accounted for is taken back.
CREATE FUNCTION sec.import_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.rows < OLD.rows
       OR (OLD.state IN ('rejected', 'cancelled') AND NEW.state <> OLD.state)
       OR (OLD.state IN ('posted', 'posted_with_quarantine')
           AND NEW.state NOT IN ('posted', 'posted_with_quarantine'))
       OR (NEW.production_id, NEW.document_id, NEW.source, NEW.created_by_id)
          IS DISTINCT FROM (OLD.production_id, OLD.document_id, OLD.source, OLD.created_by_id) THEN
        RAISE EXCEPTION 'import % is % at row %, and does not go to % at row %', OLD.id, OLD.state,
            OLD.rows, NEW.state, NEW.rows USING ERRCODE = '55000';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER import_moves BEFORE UPDATE ON ingestion_importbatch
    FOR EACH ROW EXECUTE FUNCTION sec.import_moves();

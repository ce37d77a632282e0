-- Acts on many held rows: the accounting team's, made by whoever asks, carried out by the worker.
CALL sec.protect('ingestion_deskact', '(SELECT sec.may(''resolve_quarantine''))',
    '(SELECT sec.may(''resolve_quarantine'')) AND made_by_id = (SELECT sec.user_id())'
    ' AND state = ''waiting'' AND position = 0'
    ' AND posted + duplicate + held + rejected + passed = 0'
    ' AND heartbeat_at IS NULL AND finished_at IS NULL');
-- Whoever resolves held rows may stop an act; nothing else of it is theirs to change.
CREATE POLICY stops ON ingestion_deskact FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('resolve_quarantine')))
    WITH CHECK (production_id = (SELECT sec.member_production_id()) AND state = 'stopped');
GRANT SELECT ON ingestion_deskact TO prodacct_web, prodacct_worker;
GRANT INSERT ON ingestion_deskact TO prodacct_web, prodacct_worker;
GRANT UPDATE (state) ON ingestion_deskact TO prodacct_web;
GRANT UPDATE ON ingestion_deskact TO prodacct_worker;
GRANT USAGE ON SEQUENCE ingestion_deskact_id_seq TO prodacct_web, prodacct_worker;

-- What was decided stays; counters only grow, and an act that has ended has ended.
CREATE FUNCTION sec.desk_act_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.finished_at IS NOT NULL
       OR (NEW.production_id, NEW.kind, NEW.action, NEW.cause, NEW.values, NEW.reason, NEW.last_row,
           NEW.made_by_id, NEW.made_at)
          IS DISTINCT FROM (OLD.production_id, OLD.kind, OLD.action, OLD.cause, OLD.values,
                            OLD.reason, OLD.last_row, OLD.made_by_id, OLD.made_at)
       OR NEW.batch_id IS DISTINCT FROM OLD.batch_id
       OR NEW.document_id IS DISTINCT FROM OLD.document_id
       OR (NEW.rows <> OLD.rows AND NOT (OLD.kind = 'upload' AND OLD.state = 'waiting'))
       OR NEW.position < OLD.position OR NEW.posted < OLD.posted
       OR NEW.duplicate < OLD.duplicate OR NEW.held < OLD.held OR NEW.rejected < OLD.rejected
       OR NEW.passed < OLD.passed OR (OLD.state = 'stopped' AND NEW.state <> 'stopped') THEN
        RAISE EXCEPTION 'act % is %: what was decided stays, and an act goes one way',
            OLD.id, OLD.state USING ERRCODE = '55000';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION sec.desk_act_moves() FROM PUBLIC;
CREATE TRIGGER desk_act_moves BEFORE UPDATE ON ingestion_deskact
    FOR EACH ROW EXECUTE FUNCTION sec.desk_act_moves();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON ingestion_deskact
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();

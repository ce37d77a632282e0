-- Mapping versions, drift and dry runs are the accounting team's.
CALL sec.protect('ingestion_mappingversion', '(SELECT sec.may(''import_files''))',
    '(SELECT sec.may(''import_files'')) AND accepted_by_id = (SELECT sec.user_id())');
CALL sec.protect('ingestion_driftentry', '(SELECT sec.may(''import_files''))',
    '(SELECT sec.may(''import_files'')) AND decided_by_id = (SELECT sec.user_id())');
CALL sec.protect('ingestion_dryrun', '(SELECT sec.may(''import_files''))',
    '(SELECT sec.may(''import_files'')) AND made_by_id = (SELECT sec.user_id())');
GRANT SELECT, INSERT ON ingestion_mappingversion, ingestion_driftentry,
    ingestion_dryrun TO prodacct_web, prodacct_worker;
GRANT UPDATE ON ingestion_dryrun TO prodacct_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO prodacct_web, prodacct_worker;
CALL sec.keep_forever('ingestion_mappingversion');
CALL sec.keep_forever('ingestion_driftentry');
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON ingestion_dryrun
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CALL journal.audit('ingestion_mappingversion');

-- An import that waits for its mapping is sent on by a person, with the version that reads it.
CREATE POLICY sent_on ON ingestion_importbatch FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('import_files')) AND state = 'mapping_needed')
    WITH CHECK (production_id = (SELECT sec.member_production_id()) AND state = 'received');
GRANT UPDATE (mapping) ON ingestion_importbatch TO prodacct_web;

-- Only what waits is sent on, and what has read a row of a file reads all of it. (Policies are
-- joined by OR: that of cancelling lets a running import be found, and must not let it start anew.)
CREATE FUNCTION sec.import_is_sent_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'import % is % by % at row %, and is not sent on to % by %', OLD.id, OLD.state,
        OLD.mapping, OLD.rows, NEW.state, NEW.mapping USING ERRCODE = '55000';
END $$;
CREATE TRIGGER sent_on BEFORE UPDATE ON ingestion_importbatch FOR EACH ROW
    WHEN ((OLD.mapping IS DISTINCT FROM NEW.mapping AND (OLD.rows > 0 OR NEW.rows > 0))
          OR (NEW.state = 'received' AND OLD.state IN ('checking', 'posting')))
    EXECUTE FUNCTION sec.import_is_sent_on();

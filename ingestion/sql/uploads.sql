-- Unfinished uploads are their sender's alone, on the production they were begun on; the worker
-- gives up what was left, and alone removes bytes. Bytes come in order, never past the stated size, and only while it is open.
ALTER TABLE ingestion_upload ADD CONSTRAINT upload_is_stated CHECK (octet_length(sha256) = 32);
ALTER TABLE ingestion_uploadpiece ADD CONSTRAINT upload_piece_size
    CHECK (octet_length(data) BETWEEN 1 AND 8388608);
-- Files are packed already or will be read once: packing each piece would cost more than it saves.
ALTER TABLE ingestion_uploadpiece ALTER COLUMN data SET STORAGE EXTERNAL;
CALL sec.protect('ingestion_upload',
    '(SELECT sec.may(''import_files'')) AND made_by_id = (SELECT sec.user_id())',
    '(SELECT sec.may(''import_files'')) AND made_by_id = (SELECT sec.user_id())'
    ' AND state = ''open'' AND received = 0');
CALL sec.protect('ingestion_uploadpiece',
    '(SELECT sec.may(''import_files'')) AND made_by_id = (SELECT sec.user_id())',
    '(SELECT sec.may(''import_files'')) AND made_by_id = (SELECT sec.user_id())');
CREATE POLICY moved ON ingestion_upload FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('import_files')) AND made_by_id = (SELECT sec.user_id()))
    WITH CHECK (production_id = (SELECT sec.member_production_id())
                AND made_by_id = (SELECT sec.user_id()));
GRANT SELECT ON ingestion_upload, ingestion_uploadpiece TO prodacct_web, prodacct_worker;
GRANT INSERT ON ingestion_upload, ingestion_uploadpiece TO prodacct_web;
GRANT UPDATE (state, received, moved_at) ON ingestion_upload TO prodacct_web;
GRANT UPDATE (state, moved_at) ON ingestion_upload TO prodacct_worker;
GRANT DELETE ON ingestion_uploadpiece TO prodacct_worker;
GRANT USAGE ON SEQUENCE ingestion_upload_id_seq, ingestion_uploadpiece_id_seq TO prodacct_web;

CREATE FUNCTION sec.upload_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'open' OR NEW.received < OLD.received
       OR (NEW.state = 'done' AND NEW.received <> NEW.byte_size)
       OR (NEW.production_id, NEW.made_by_id, NEW.file_name, NEW.sha256, NEW.byte_size)
          IS DISTINCT FROM (OLD.production_id, OLD.made_by_id, OLD.file_name, OLD.sha256,
                            OLD.byte_size) THEN
        RAISE EXCEPTION 'upload % is % at byte %, and what was stated of it stays', OLD.id,
            OLD.state, OLD.received USING ERRCODE = '55000';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION sec.upload_moves() FROM PUBLIC;
CREATE TRIGGER upload_moves BEFORE UPDATE ON ingestion_upload
    FOR EACH ROW EXECUTE FUNCTION sec.upload_moves();

-- A piece goes on where its own sender's upload stands, and its bytes stay as they came.
CREATE FUNCTION sec.upload_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'a piece stays as it came' USING ERRCODE = '55000';
    END IF;
    PERFORM 1 FROM ingestion_upload u
    WHERE u.id = NEW.upload_id AND u.production_id = NEW.production_id
      AND u.made_by_id = NEW.made_by_id AND u.state = 'open' AND u.received = NEW.start
      AND NEW.start + octet_length(NEW.data) <= u.byte_size;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'upload % does not go on with % bytes at byte %', NEW.upload_id,
            octet_length(NEW.data), NEW.start USING ERRCODE = '55000';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION sec.upload_goes_on() FROM PUBLIC;
CREATE TRIGGER upload_goes_on BEFORE INSERT OR UPDATE ON ingestion_uploadpiece
    FOR EACH ROW EXECUTE FUNCTION sec.upload_goes_on();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON ingestion_upload
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();

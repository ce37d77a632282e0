-- What a person did with a held row is taken back with a reason, by a step more.
CREATE FUNCTION sec.undo_says_why() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF btrim(NEW.reason) = '' THEN
        RAISE EXCEPTION 'what was done with a row is taken back with a reason'
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION sec.undo_says_why() FROM PUBLIC;
CREATE TRIGGER undo_says_why BEFORE INSERT ON ingestion_rowrevision
    FOR EACH ROW WHEN (NEW.action = 'undo') EXECUTE FUNCTION sec.undo_says_why();

-- As before, and: a rejected row goes back to the desk where a person's step says so, and only
-- there, until that step has its outcome.
CREATE OR REPLACE FUNCTION sec.held_row_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.production_id, NEW.batch_id, NEW.row, NEW.payload_sha256, NEW.payload)
          IS DISTINCT FROM (OLD.production_id, OLD.batch_id, OLD.row, OLD.payload_sha256,
                            OLD.payload)
       OR OLD.state IN ('posted', 'duplicate')
       OR (OLD.state = 'rejected' AND NOT (NEW.state = 'resubmitted' AND EXISTS (
           SELECT 1 FROM ingestion_rowrevision r
           WHERE r.production_id = OLD.production_id AND r.held_row_id = OLD.id
             AND r.action = 'undo' AND NOT EXISTS (
                 SELECT 1 FROM ingestion_revisionoutcome o WHERE o.revision_id = r.id)))) THEN
        RAISE EXCEPTION 'held row % is %, and what was received never changes', OLD.id, OLD.state
            USING ERRCODE = '55000';
    END IF;
    RETURN NEW;
END $$;

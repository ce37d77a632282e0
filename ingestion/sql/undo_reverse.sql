DROP TRIGGER undo_says_why ON ingestion_rowrevision;
DROP FUNCTION sec.undo_says_why();
CREATE OR REPLACE FUNCTION sec.held_row_moves() RETURNS trigger LANGUAGE plpgsql AS $$
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

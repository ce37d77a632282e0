-- Terms are changed by whoever imports, each state of them in the log (ingestion_feed is audited). A
-- feed stays what it was made: its name, source, kind and who made it are what its documents say.
GRANT UPDATE (terms, vendor, unit_id, calls_per_minute, every_minutes) ON ingestion_feed
    TO prodacct_web, prodacct_worker;
CREATE FUNCTION sec.feed_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.production_id, NEW.name, NEW.source, NEW.made_by_id, NEW.made_at)
       IS DISTINCT FROM (OLD.production_id, OLD.name, OLD.source, OLD.made_by_id, OLD.made_at)
       OR NEW.terms->>'kind' IS DISTINCT FROM OLD.terms->>'kind' THEN
        RAISE EXCEPTION 'feed % stays of its name, source and kind', OLD.id USING ERRCODE = '55000';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION sec.feed_stays() FROM PUBLIC;
CREATE TRIGGER feed_stays BEFORE UPDATE ON ingestion_feed
    FOR EACH ROW EXECUTE FUNCTION sec.feed_stays();

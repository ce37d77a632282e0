-- What bond representatives and auditors ask for and are shown: appended for good, each entry in the
-- office's sealed log as well. A person reads their own; who sees all costs or gives memberships
-- reads everybody's. Rows are written by one function, which says itself who asks and when.
ALTER TABLE readlog_read
    ADD CONSTRAINT body_hash_is_a_hash CHECK (length(sha256) = 32),
    ADD CONSTRAINT a_body_has_a_size CHECK (body_bytes >= 0 AND duration_ms >= 0);
CALL sec.protect('readlog_read', '(user_id = (SELECT sec.user_id())'
    ' OR (SELECT sec.may(''view_all_costs'')) OR (SELECT sec.may(''manage_access'')))');
CALL sec.keep_forever('readlog_read');
CALL journal.audit('readlog_read');
GRANT SELECT ON readlog_read TO prodacct_web, prodacct_worker, prodacct_bond;

-- An entry waits for the log's head a few seconds at most: then the request is refused.
CREATE FUNCTION sec.read_noted(strength_ text, method_ text, route_ text, address_ text,
    filters_ text, rows_ integer, status_ smallint, sha256_ bytea, bytes_ bigint, download boolean,
    ms integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp
SET lock_timeout = '3s' AS $$
DECLARE
    held text;
    made bigint;
BEGIN
    SELECT m.role INTO held FROM public.access_membership m
    WHERE m.user_id = sec.user_id() AND m.production_id = (SELECT sec.member_production_id());
    IF NOT FOUND THEN
        RAISE EXCEPTION 'what is read is recorded of a member, in their own name'
            USING ERRCODE = '42501';
    END IF;
    INSERT INTO public.readlog_read (production_id, user_id, at, role, strength, method, route,
        address, filters, rows_shown, status, sha256, body_bytes, is_download, duration_ms)
    VALUES (sec.production_id(), sec.user_id(), clock_timestamp(), held, strength_, method_, route_,
        address_, filters_, rows_, status_, sha256_, bytes_, download, ms)
    RETURNING id INTO made;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION sec.read_noted(text, text, text, text, text, integer, smallint, bytea, bigint,
    boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.read_noted(text, text, text, text, text, integer, smallint, bytea,
    bigint, boolean, integer) TO prodacct_web;

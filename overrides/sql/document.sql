-- The file that supports a request, for those who sign it and whoever asked: the guarantor sees no
-- attachment otherwise. What was withdrawn is opened by nobody.
CREATE FUNCTION journal.override_document(number int)
RETURNS TABLE (name text, media_type text, sha256 bytea, data bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
    SELECT a.name, a.media_type, a.sha256, (
        SELECT string_agg(p.data, ''::bytea ORDER BY p.number) FROM ledger_sourcepiece p
        WHERE p.production_id = a.production_id AND p.document_id = a.document_id)
    FROM overrides_override o JOIN ledger_attachment a ON a.id = o.attachment_id
    WHERE o.production_id = (SELECT sec.member_production_id())
      AND o.number = override_document.number
      AND ((SELECT sec.may('sign_overrides')) OR o.requested_by_id = (SELECT sec.user_id()))
      AND NOT EXISTS (SELECT 1 FROM ledger_attachmentwithdrawal w WHERE w.attachment_id = a.id)
$$;
REVOKE ALL ON FUNCTION journal.override_document(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.override_document(int) TO prodacct_web;

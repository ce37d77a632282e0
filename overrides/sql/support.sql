-- The document that supports a request is handed in by whoever may ask, also one who imports no
-- files: a line producer. As journal.attach, with nothing to choose but the file.
CREATE FUNCTION journal.attach_support(name text, data bytea) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
DECLARE
    production bigint := sec.member_production_id();
    made bigint;
BEGIN
    IF production IS NULL OR NOT sec.may('request_overrides') THEN
        RAISE EXCEPTION 'who supports a request may ask for overrides' USING ERRCODE = '42501';
    END IF;
    IF octet_length(data) NOT BETWEEN 1 AND 26214400 OR btrim(name) = '' THEN
        RAISE EXCEPTION 'a document has a name and 1 to 26214400 bytes' USING ERRCODE = '22023';
    END IF;
    INSERT INTO ledger_attachment (production_id, document_id, sha256, byte_size, media_type,
        name, kind, unit_id, batch_id, number, target, actor_id)
    VALUES (production, journal.keep_bytes(production, sec.user_id(), name, data), sha256(data),
        octet_length(data), journal.media_type_of(data), name, 'other',
        journal.office(production), NULL, NULL, 'override', sec.user_id())
    RETURNING id INTO made;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION journal.attach_support(text, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.attach_support(text, bytea) TO prodacct_web;

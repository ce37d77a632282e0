-- Attachments: files that support a cost. One function makes them, for everybody: who attaches a
-- file hands in all its bytes, so nobody comes to see a file by naming one that was received
-- before. What is attached to a cost is seen by whoever sees the cost.
ALTER TABLE ledger_attachment ADD CONSTRAINT attachment_is_whole CHECK (
    byte_size BETWEEN 1 AND 26214400 AND octet_length(sha256) = 32 AND name <> ''
    AND (batch_id IS NULL) = (number IS NULL));
ALTER TABLE ledger_attachmentwithdrawal ADD CONSTRAINT withdrawal_says_why
    CHECK (btrim(reason) <> '');

-- The kind of a file by its first bytes: as ledger/media.py says.
CREATE FUNCTION journal.media_type_of(data bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN substring(data FOR 3) = '\xffd8ff' THEN 'image/jpeg'
        WHEN substring(data FOR 8) = '\x89504e470d0a1a0a'
             AND substring(data FROM 13 FOR 4) = '\x49484452' THEN 'image/png'
        WHEN substring(data FOR 6) IN ('\x474946383761', '\x474946383961') THEN 'image/gif'
        WHEN substring(data FOR 4) = '\x52494646'
             AND substring(data FROM 9 FOR 4) = '\x57454250' THEN 'image/webp'
        WHEN substring(data FOR 5) = '\x255044462d' THEN 'application/pdf'
        ELSE 'application/octet-stream' END
$$;

-- A document's bytes, kept once by content; the document that holds them.
CREATE FUNCTION journal.keep_bytes(production bigint, person bigint, label text, data bytea)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    document bigint;
BEGIN
    INSERT INTO ledger_sourcedocument (production_id, sha256, byte_size, name, received_at,
        received_by_id)
    VALUES (production, sha256(data), octet_length(data), label, clock_timestamp(), person)
    ON CONFLICT (production_id, sha256) DO NOTHING RETURNING id INTO document;
    IF document IS NULL THEN
        SELECT d.id INTO STRICT document FROM ledger_sourcedocument d
        WHERE d.production_id = production AND d.sha256 = sha256(data);
        RETURN document;
    END IF;
    INSERT INTO ledger_sourcepiece (production_id, document_id, number, data)
    SELECT production, document, n, substring(data FROM n * 1048576 + 1 FOR 1048576)
    FROM generate_series(0, (octet_length(data) - 1) / 1048576) n;
    RETURN document;
END $$;

CREATE FUNCTION journal.attach(batch bigint, transaction_number int, target text, kind text,
                               name text, data bytea) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    production bigint := sec.member_production_id();
    unit bigint := journal.office(production);
    made bigint;
BEGIN
    IF production IS NULL OR NOT sec.may('view_costs')
       OR (batch IS NULL AND NOT sec.may('import_files')) THEN
        RAISE EXCEPTION 'who attaches a file may see the cost, or import files'
            USING ERRCODE = '42501';
    END IF;
    IF kind NOT IN ('receipt', 'deal memo', 'permit', 'rate sheet', 'other')
       OR (batch IS NULL) <> (btrim(target) <> '') THEN
        RAISE EXCEPTION 'an attachment is of a known kind, and supports a document or a target'
            USING ERRCODE = '22023';
    END IF;
    IF batch IS NOT NULL THEN
        SELECT b.unit_id INTO unit FROM ledger_transaction t JOIN ledger_batch b ON b.id = t.batch_id
        WHERE t.production_id = production AND t.batch_id = batch
          AND t.number = transaction_number
          AND t.cost_center_id IN (SELECT sec.cost_center_ids());
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no such document, or it is outside the cost centre'
                USING ERRCODE = '42501';
        END IF;
    END IF;
    IF octet_length(data) NOT BETWEEN 1 AND 26214400 THEN
        RAISE EXCEPTION 'an attachment has 1 to 26214400 bytes, not %', octet_length(data)
            USING ERRCODE = '22023';
    END IF;
    INSERT INTO ledger_attachment (production_id, document_id, sha256, byte_size, media_type,
        name, kind, unit_id, batch_id, number, target, actor_id)
    VALUES (production, journal.keep_bytes(production, sec.user_id(), name, data), sha256(data),
        octet_length(data), journal.media_type_of(data), name, kind, unit, batch,
        transaction_number, target, sec.user_id())
    RETURNING id INTO made;
    RETURN made;
END $$;

CREATE FUNCTION journal.check_withdrawal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    SELECT a.unit_id INTO NEW.unit_id FROM ledger_attachment a
    WHERE a.id = NEW.attachment_id AND a.production_id = NEW.production_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'attachment % is of another production', NEW.attachment_id
            USING ERRCODE = '23503';
    END IF;
    NEW.recorded_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER check_withdrawal BEFORE INSERT ON ledger_attachmentwithdrawal
    FOR EACH ROW EXECUTE FUNCTION journal.check_withdrawal();
-- Each takes a place in the log of the cost's unit, or of the production office.
CALL journal.audit('ledger_attachment');
CALL journal.audit('ledger_attachmentwithdrawal');
CALL sec.keep_forever('ledger_attachment');
CALL sec.keep_forever('ledger_attachmentwithdrawal');
CALL sec.protect('ledger_attachment', '((SELECT sec.may(''view_all_costs'')) OR EXISTS ('
    'SELECT 1 FROM ledger_transaction t WHERE t.production_id = ledger_attachment.production_id'
    ' AND t.batch_id = ledger_attachment.batch_id AND t.number = ledger_attachment.number))');
CALL sec.protect('ledger_attachmentwithdrawal', 'EXISTS (SELECT 1 FROM ledger_attachment a'
    ' WHERE a.id = ledger_attachmentwithdrawal.attachment_id)',
    'actor_id = (SELECT sec.user_id()) AND EXISTS (SELECT 1 FROM ledger_attachment a'
    ' WHERE a.id = ledger_attachmentwithdrawal.attachment_id'
    ' AND (a.actor_id = (SELECT sec.user_id()) OR (SELECT sec.may(''import_files''))))');

-- Imported files stay with those who import. Of the other bytes one sees what is attached where one
-- may look, as long as it has not been withdrawn.
DROP POLICY reader_scope ON ledger_sourcepiece;
CREATE POLICY reader_scope ON ledger_sourcepiece FOR SELECT TO prodacct_web, prodacct_bond
    USING (production_id = (SELECT sec.member_production_id())
           AND ((SELECT sec.may('import_files')) OR EXISTS (
                SELECT 1 FROM ledger_attachment a
                WHERE a.document_id = ledger_sourcepiece.document_id
                  AND a.production_id = ledger_sourcepiece.production_id
                  AND NOT EXISTS (SELECT 1 FROM ledger_attachmentwithdrawal w
                                  WHERE w.attachment_id = a.id))));

REVOKE ALL ON FUNCTION journal.media_type_of(bytea), journal.keep_bytes(bigint, bigint, text, bytea),
    journal.attach(bigint, int, text, text, text, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.attach(bigint, int, text, text, text, bytea) TO prodacct_web;
GRANT SELECT ON ledger_attachment, ledger_attachmentwithdrawal
    TO prodacct_web, prodacct_worker, prodacct_bond;
GRANT INSERT ON ledger_attachmentwithdrawal TO prodacct_web;
GRANT USAGE ON SEQUENCE ledger_attachmentwithdrawal_id_seq TO prodacct_web;

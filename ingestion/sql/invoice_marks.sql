-- What posted invoices are found by: written by the worker with the invoices themselves, for good.
CALL sec.protect('ingestion_invoicemark', '(SELECT sec.may(''import_files''))',
    '(SELECT sec.may(''import_files'') OR sec.may(''resolve_quarantine''))');
GRANT SELECT ON ingestion_invoicemark TO prodacct_web, prodacct_worker;
GRANT INSERT ON ingestion_invoicemark TO prodacct_worker;
CALL sec.keep_forever('ingestion_invoicemark');

-- The invoices that stand already.
INSERT INTO ingestion_invoicemark
    (production_id, batch_id, number, number_key, currency, amount)
SELECT t.production_id, t.batch_id, t.number,
    regexp_replace(normalize(t.reference, NFKC), '[^1-9]', '', 'g'), p.currency, p.amount
FROM ledger_batch b
JOIN ledger_transaction t ON t.production_id = b.production_id AND t.batch_id = b.id
JOIN ledger_posting p ON p.production_id = t.production_id AND p.batch_id = t.batch_id
    AND p.transaction_number = t.number AND p.component = 'cost'
WHERE b.kind = 'import' AND b.origin LIKE 'vendor-invoices v%' AND t.reference <> ''
ON CONFLICT DO NOTHING;

-- A row is released as no duplicate by a person who says why, and only where it is held as one.
CREATE FUNCTION sec.release_says_why() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF btrim(NEW.reason) = '' THEN
        RAISE EXCEPTION 'a row is released as no duplicate with a reason' USING ERRCODE = '23514';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM ingestion_heldrow h
                   WHERE h.production_id = NEW.production_id AND h.id = NEW.held_row_id
                     AND h.codes @> ARRAY['E_NEAR_DUPLICATE']::varchar[]) THEN
        RAISE EXCEPTION 'held row % is not held as a near duplicate', NEW.held_row_id
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION sec.release_says_why() FROM PUBLIC;
CREATE TRIGGER release_says_why BEFORE INSERT ON ingestion_rowrevision
    FOR EACH ROW WHEN (NEW.action = 'release') EXECUTE FUNCTION sec.release_says_why();

-- A held row is posted as it stands under an override signed for just that row: overrides/sql/steps.sql
-- holds who signed and what is posted; here is held which row it is, and what may be passed over.
-- The list is ledger/override_tree.py's.
CREATE FUNCTION journal.waiver_asked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
DECLARE h ingestion_heldrow;
BEGIN
    SELECT x.* INTO h FROM ingestion_heldrow x
    WHERE x.id::text = NEW.proposed ->> 'held_row' AND x.production_id = NEW.production_id
      AND x.state = 'held';
    IF NOT FOUND OR NOT sec.may('resolve_quarantine')
       OR encode(h.payload_sha256, 'hex') IS DISTINCT FROM NEW.proposed ->> 'payload'
       OR (NEW.proposed ->> 'row', NEW.proposed ->> 'import')
          IS DISTINCT FROM (h.row::text, h.batch_id::text) THEN
        RAISE EXCEPTION 'a waiver is about a row that is held, asked for by somebody who settles '
            'held rows' USING ERRCODE = '42501';
    END IF;
    IF cardinality(h.codes) = 0 OR NOT h.codes::text[] <@ ARRAY['E_NET_PAY', 'E_SEGMENT']
       OR NEW.proposed -> 'codes' IS DISTINCT FROM
          (SELECT jsonb_agg(c ORDER BY c) FROM unnest(h.codes) c) THEN
        RAISE EXCEPTION 'row % is held for %, which no override passes over', h.row,
            array_to_string(h.codes, ', ') USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER of_a_held_row BEFORE INSERT ON overrides_override
    FOR EACH ROW WHEN (NEW.kind = 'validation_waiver') EXECUTE FUNCTION journal.waiver_asked();

-- What is done with a row under an override is the clock's, in the name of whoever asked, and while
-- the override is carried out or taken back.
CREATE FUNCTION journal.row_waived() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
BEGIN
    IF session_user <> 'prodacct_worker' OR NOT EXISTS (
        SELECT 1 FROM overrides_override o WHERE o.id = NEW.override_id
            AND o.production_id = NEW.production_id AND o.kind = 'validation_waiver'
            AND o.requested_by_id = NEW.made_by_id
            AND o.proposed ->> 'held_row' = NEW.held_row_id::text
            AND (NEW.action, o.state) IN (('waive', 'approved'), ('undo', 'executed'))) THEN
        RAISE EXCEPTION 'a held row is posted as it stands under a signed override for that row'
            USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER row_waived BEFORE INSERT ON ingestion_rowrevision
    FOR EACH ROW WHEN (NEW.override_id IS NOT NULL OR NEW.action = 'waive')
    EXECUTE FUNCTION journal.row_waived();

-- The step is the row's own posting, or its reversal, and the row's history says so.
CREATE FUNCTION journal.waiver_carried() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, journal, pg_temp AS $$
DECLARE
    o overrides_override;
    executed bigint;
BEGIN
    SELECT x.* INTO o FROM overrides_override x WHERE x.id = NEW.override_id;
    IF o.kind IS DISTINCT FROM 'validation_waiver' THEN RETURN NEW; END IF;
    PERFORM 1 FROM ingestion_rowrevision r JOIN ingestion_revisionoutcome w
        ON w.revision_id = r.id AND w.batch_id = NEW.batch_id
    WHERE r.override_id = o.id AND r.held_row_id::text = o.proposed ->> 'held_row'
      AND (NEW.step, r.action, w.outcome) IN
          (('execute', 'waive', 'posted'), ('revert', 'undo', 'undone'));
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is carried out on the row it was signed for',
            journal.override_name(o.number) USING ERRCODE = '23514';
    END IF;
    SELECT min(s.batch_id) INTO executed FROM overrides_step s
        WHERE s.override_id = o.id AND s.step = 'execute';
    IF NOT EXISTS (
        SELECT 1 FROM journal.transactions_of(o.production_id, NEW.batch_id) t
        JOIN ingestion_heldrow h ON h.id::text = o.proposed ->> 'held_row'
        JOIN ingestion_importbatch b ON b.id = h.batch_id
        HAVING count(*) = 1 AND (NEW.step = 'execute' AND bool_and(t.document_id = b.document_id
                AND t.source_row = h.row)
            OR NEW.step = 'revert' AND bool_and(t.reverses_batch_id = executed))) THEN
        RAISE EXCEPTION '% posts the one row it was signed for, or takes it back',
            journal.override_name(o.number) USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER waiver_carried BEFORE INSERT ON overrides_step
    FOR EACH ROW WHEN (NEW.step IN ('execute', 'revert'))
    EXECUTE FUNCTION journal.waiver_carried();
REVOKE ALL ON FUNCTION journal.waiver_asked(), journal.row_waived(), journal.waiver_carried()
    FROM PUBLIC;

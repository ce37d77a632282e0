-- Nothing is committed but what an approved order says: no line of an order in force has more
-- ordered and not cancelled than it is for. After the seal, like all that a batch is held to.
CREATE OR REPLACE FUNCTION purchasing.seal_orders() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE wrong record;
BEGIN
    PERFORM journal.must_be_sealed(NEW);
    IF NOT EXISTS (SELECT 1 FROM ledger_batchtotal t WHERE t.batch_id = NEW.id AND t.book = 2) THEN
        RETURN NULL;
    END IF;
    SELECT c.reference, s.committed, coalesce(l.amount, 0) AS ordered INTO wrong
    FROM (SELECT p.commitment_id, sum(p.amount) FILTER (
                     WHERE p.component IN ('ordered', 'cancelled')) AS committed
          FROM ledger_posting p
          WHERE p.production_id = NEW.production_id AND p.commitment_id IN (
              SELECT q.commitment_id FROM journal.postings_of(NEW.production_id, NEW.id) q
              WHERE q.book = 2)
          GROUP BY 1) s
    JOIN ledger_commitment c ON c.id = s.commitment_id
    LEFT JOIN purchasing_ordercommitment x ON x.commitment_id = c.id
    LEFT JOIN purchasing_purchaseorder o ON o.id = x.order_id AND o.production_id = c.production_id
    LEFT JOIN purchasing_orderline l ON l.order_id = o.id AND l.version = o.version
        AND l.line_no = x.line_no AND l.account_id = c.account_id AND l.segments = c.segments
    WHERE s.committed > coalesce(l.amount, 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% would have % committed, and % is approved and in force',
            wrong.reference, wrong.committed, wrong.ordered USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS seal_orders ON ledger_batch;
CREATE CONSTRAINT TRIGGER seal_orders AFTER INSERT ON ledger_batch
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION purchasing.seal_orders();
REVOKE ALL ON FUNCTION purchasing.seal_orders() FROM PUBLIC;

-- A transfer moves budget that is there: what it takes from an account does not leave it below
-- nothing. Fires after the seal and seal_budget (triggers of one event fire by name), whose lock
-- keeps two transfers from taking the same money.
CREATE FUNCTION journal.seal_transfer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE wrong record;
BEGIN
    PERFORM journal.must_be_sealed(NEW);
    SELECT a.code, sum(t.base_amount) AS remains INTO wrong
    FROM ledger_batchtotal t JOIN ledger_account a ON a.id = t.account_id AND a.statement = 'cost'
    WHERE t.production_id = NEW.production_id AND t.book = 3 AND t.account_id IN (
        SELECT x.account_id FROM ledger_batchtotal x WHERE x.batch_id = NEW.id AND x.amount < 0)
    GROUP BY a.code HAVING sum(t.base_amount) < 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the budget of account % would be at %: no more is transferred than is '
            'there', wrong.code, wrong.remains USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER seal_transfer AFTER INSERT ON ledger_batch
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'transfer')
    EXECUTE FUNCTION journal.seal_transfer();
REVOKE ALL ON FUNCTION journal.seal_transfer() FROM PUBLIC;

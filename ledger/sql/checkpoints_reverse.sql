DROP TRIGGER agrees ON ledger_checkpoint;
DROP FUNCTION journal.held_head(bigint, bigint), journal.checkpoint_agrees(),
    journal.found_by_hash(bytea, bytea), journal.entries_seen(bigint, bigint, bigint);
DROP POLICY reader_scope ON ledger_logentry;
CREATE POLICY reader_scope ON ledger_logentry FOR SELECT TO prodacct_web, prodacct_bond
    USING (production_id = (SELECT sec.member_production_id())
        AND EXISTS (SELECT 1 FROM ledger_batchtotal t
                    WHERE t.batch_id = ledger_logentry.batch_id));

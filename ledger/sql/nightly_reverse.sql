DROP TRIGGER now ON ledger_alteration;
DROP TRIGGER agrees ON ledger_verification;
DROP FUNCTION journal.verification_agrees(), journal.alteration_is_now();
REVOKE INSERT ON ledger_verification FROM prodacct_worker;
REVOKE EXECUTE ON FUNCTION journal.audited_rows(bigint), journal.image(jsonb),
    journal.node_data(public.taxonomy_costnode), journal.batch_data(public.ledger_batch, bytea)
    FROM prodacct_worker;

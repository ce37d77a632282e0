DROP TRIGGER not_paid ON ledger_transaction;
DROP TRIGGER seal_orders ON ledger_batch;
DROP SCHEMA purchasing CASCADE;

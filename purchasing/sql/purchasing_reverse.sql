DROP TRIGGER not_paid ON ledger_transaction;
DROP SCHEMA purchasing CASCADE;

DROP TRIGGER seal_transfer ON ledger_batch;
DROP FUNCTION journal.seal_transfer();

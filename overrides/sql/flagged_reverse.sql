DROP FUNCTION journal.overrides_of(bigint[]);

DROP FUNCTION journal.attach_support(text, bytea);

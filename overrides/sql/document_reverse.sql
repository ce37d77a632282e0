DROP FUNCTION journal.override_document(int);

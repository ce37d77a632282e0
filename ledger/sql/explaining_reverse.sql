DROP FUNCTION sec.document_place(bigint, int);

DROP TRIGGER release_says_why ON ingestion_rowrevision;
DROP FUNCTION sec.release_says_why();

-- What could not be taken of a fixed list: the worker says it, the accounting team reads it.
CALL sec.protect('ingestion_deskfinding', '(SELECT sec.may(''resolve_quarantine''))');
GRANT SELECT ON ingestion_deskfinding TO prodacct_web, prodacct_worker;
GRANT INSERT ON ingestion_deskfinding TO prodacct_worker;
GRANT USAGE ON SEQUENCE ingestion_deskfinding_id_seq TO prodacct_worker;
CALL sec.keep_forever('ingestion_deskfinding');

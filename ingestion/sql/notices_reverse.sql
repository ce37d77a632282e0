DROP TRIGGER queued ON ingestion_notice;
DROP FUNCTION sec.queue_notice();

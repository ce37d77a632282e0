DROP TRIGGER feed_stays ON ingestion_feed;
DROP FUNCTION sec.feed_stays();
REVOKE UPDATE (terms, vendor, unit_id, calls_per_minute, every_minutes) ON ingestion_feed
    FROM prodacct_web, prodacct_worker;

DROP FUNCTION sec.repeated_attempts(integer, integer);
DROP FUNCTION sec.attempt_quarantined(text, smallint, text, text, text, bigint, text, inet, text,
    bytea, bytea);
DROP POLICY worker_production ON readlog_attempt;
DROP POLICY administrators ON readlog_attempt;
DROP POLICY owner_all ON readlog_attempt;
DROP FUNCTION sec.people_here();

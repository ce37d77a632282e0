-- What has been told is the worker's to know. What stood before there was telling is not told now.
CALL sec.protect('overrides_told', '(SELECT sec.may(''sign_overrides''))');
GRANT SELECT ON overrides_told TO prodacct_web, prodacct_worker, prodacct_bond;
GRANT INSERT ON overrides_told TO prodacct_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO prodacct_worker;
CALL sec.keep_forever('overrides_told');
INSERT INTO overrides_told (production_id, override_id, kind, number)
SELECT production_id, id, 'asked', 0 FROM overrides_override
UNION ALL SELECT production_id, override_id, CASE step WHEN 'approve' THEN 'signed'
    WHEN 'reject' THEN 'refused' WHEN 'stop' THEN 'refused' WHEN 'expire' THEN 'expired'
    WHEN 'execute' THEN 'executed' WHEN 'ratify' THEN 'ratified' WHEN 'revert' THEN 'reverted'
    ELSE 'audited' END, number FROM overrides_step;

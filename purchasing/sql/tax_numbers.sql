-- Tax numbers stand in a table of their own: a vendor is known to every member, and the number of
-- somebody who works on their own account is their person's.
CALL sec.protect('purchasing_vendortaxnumber', '(SELECT sec.may(''view_pay''))',
    '(SELECT sec.may(''post_entries''))');
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON purchasing_vendortaxnumber
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CALL journal.audit('purchasing_vendortaxnumber');
GRANT SELECT, INSERT ON purchasing_vendortaxnumber TO prodacct_web, prodacct_worker;
GRANT SELECT ON purchasing_vendortaxnumber TO prodacct_bond;
GRANT USAGE ON SEQUENCE purchasing_vendortaxnumber_id_seq TO prodacct_web, prodacct_worker;

-- What was entered before moves over, each in its production's log.
DO $$
DECLARE
    p bigint;
    body text;
    k record;
BEGIN
    SELECT inner_key, outer_key INTO k FROM sec.context_key;
    FOR p IN SELECT DISTINCT production_id FROM purchasing_vendor WHERE tax_id <> '' LOOP
        body := format('0.%s.%s.%s', p, (extract(epoch FROM clock_timestamp()) + 300)::bigint,
                       pg_backend_pid());
        PERFORM set_config('prodacct.context', body || '.' || encode(
            sha256(k.outer_key || sha256(k.inner_key || body::bytea)), 'hex'), true);
        INSERT INTO purchasing_vendortaxnumber (production_id, vendor_id, number)
        SELECT production_id, id, tax_id FROM purchasing_vendor
        WHERE production_id = p AND tax_id <> '' ORDER BY id;
    END LOOP;
    PERFORM set_config('prodacct.context', '', true);
END $$;

-- In the vendors' own table and its history the column stays for the log's sake, and is the
-- owner's and the worker's, who holds rows against the log.
ALTER TABLE purchasing_vendor ALTER COLUMN tax_id SET DEFAULT '';
REVOKE SELECT, INSERT, UPDATE ON purchasing_vendor FROM prodacct_web, prodacct_bond;
REVOKE UPDATE (tax_id, terms_days, is_active) ON purchasing_vendor FROM prodacct_web;
GRANT SELECT (id, production_id, name, terms_days, is_active) ON purchasing_vendor
    TO prodacct_web, prodacct_bond;
GRANT INSERT (production_id, name, terms_days, is_active), UPDATE (terms_days, is_active)
    ON purchasing_vendor TO prodacct_web;
REVOKE SELECT ON purchasing_historicalvendor FROM prodacct_web, prodacct_bond;
GRANT SELECT (id, production_id, name, terms_days, is_active, history_id, history_date,
    history_change_reason, history_type, history_user_id) ON purchasing_historicalvendor
    TO prodacct_web, prodacct_bond;

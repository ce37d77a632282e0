GRANT SELECT ON purchasing_vendor, purchasing_historicalvendor TO prodacct_web, prodacct_bond;
GRANT INSERT ON purchasing_vendor TO prodacct_web;
GRANT UPDATE (tax_id, terms_days, is_active) ON purchasing_vendor TO prodacct_web;
ALTER TABLE purchasing_vendor ALTER COLUMN tax_id DROP DEFAULT;
DROP TRIGGER log_row ON purchasing_vendortaxnumber;
DROP TRIGGER no_removal ON purchasing_vendortaxnumber;
DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT polname FROM pg_policy WHERE polrelid = 'purchasing_vendortaxnumber'::regclass
    LOOP EXECUTE format('DROP POLICY %I ON purchasing_vendortaxnumber', p.polname); END LOOP;
END $$;

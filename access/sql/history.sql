-- Temporal history of a master that may change, in django-simple-history's own tables.
--   CALL sec.keep_history('purchasing_vendor', 'purchasing_historicalvendor');
-- Statement triggers see every road a row can change by: save, bulk_create, update, COPY and raw
-- SQL alike; simple-history's own writer sees only save. An application role cannot write history,
-- so it cannot forge any. history_date is the clock's, not the transaction's: two changes in one
-- transaction are two versions, in their order. A migration that changes the model calls it again.
CREATE FUNCTION sec.history_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what was is not changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = '55000';
END $$;
CREATE PROCEDURE sec.keep_history(t regclass, h regclass) LANGUAGE plpgsql AS $$
DECLARE
    columns text;
    name text := 'history_of_' || t::text;
BEGIN
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns
    FROM pg_attribute a WHERE a.attrelid = t AND a.attnum > 0 AND NOT a.attisdropped;
    EXECUTE format('CREATE OR REPLACE FUNCTION sec.%I() RETURNS trigger'
        ' LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $f$'
        ' BEGIN'
        ' IF TG_OP = ''DELETE'' THEN'
        '   INSERT INTO %s (%s, history_date, history_type, history_user_id)'
        '   SELECT %s, clock_timestamp(), ''-'', nullif(sec.user_id(), 0) FROM old_rows;'
        ' ELSIF TG_OP = ''INSERT'' THEN'
        '   INSERT INTO %s (%s, history_date, history_type, history_user_id)'
        '   SELECT %s, clock_timestamp(), ''+'', nullif(sec.user_id(), 0) FROM new_rows;'
        ' ELSE'
        '   INSERT INTO %s (%s, history_date, history_type, history_user_id)'
        '   SELECT %s, clock_timestamp(), ''~'', nullif(sec.user_id(), 0)'
        '   FROM (SELECT %s FROM new_rows EXCEPT ALL SELECT %s FROM old_rows) changed;'
        ' END IF;'
        ' RETURN NULL; END $f$',
        name, h, columns, columns, h, columns, columns, h, columns, columns, columns, columns);
    EXECUTE format('REVOKE ALL ON FUNCTION sec.%I() FROM PUBLIC', name);
    EXECUTE format('DROP TRIGGER IF EXISTS history_insert ON %s', t);
    EXECUTE format('DROP TRIGGER IF EXISTS history_update ON %s', t);
    EXECUTE format('DROP TRIGGER IF EXISTS history_delete ON %s', t);
    EXECUTE format('CREATE TRIGGER history_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows'
        ' FOR EACH STATEMENT EXECUTE FUNCTION sec.%I()', t, name);
    EXECUTE format('CREATE TRIGGER history_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows'
        ' NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sec.%I()', t, name);
    EXECUTE format('CREATE TRIGGER history_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows'
        ' FOR EACH STATEMENT EXECUTE FUNCTION sec.%I()', t, name);
    EXECUTE format('DROP TRIGGER IF EXISTS stays ON %s', h);
    EXECUTE format('CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON %s'
        ' FOR EACH STATEMENT EXECUTE FUNCTION sec.history_stays()', h);
    -- What is there already has a history from today on.
    EXECUTE format('INSERT INTO %s (%s, history_date, history_type)'
        ' SELECT %s, clock_timestamp(), ''+'' FROM %s x WHERE NOT EXISTS'
        ' (SELECT 1 FROM %s y WHERE y.id = x.id)', h, columns, columns, t, h);
END $$;
REVOKE ALL ON FUNCTION sec.history_stays() FROM PUBLIC;
REVOKE ALL ON PROCEDURE sec.keep_history(regclass, regclass) FROM PUBLIC;

CALL sec.keep_history('access_membership', 'access_historicalmembership');
ALTER TABLE access_historicalmembership ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_historicalmembership FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON access_historicalmembership TO prodacct_owner
    USING (true) WITH CHECK (true);
-- One's own, and everybody's to whoever gives and takes memberships.
CREATE POLICY own ON access_historicalmembership FOR SELECT
    TO prodacct_web, prodacct_worker, prodacct_bond
    USING (user_id = (SELECT sec.user_id())
           OR (production_id = (SELECT sec.member_production_id())
               AND (SELECT sec.may('manage_access'))));
GRANT SELECT ON access_historicalmembership TO prodacct_web, prodacct_worker, prodacct_bond;

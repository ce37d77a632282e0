-- Records that people make and change, apart from the journal: orders, vendors, funds, settlements.
-- The database itself writes each new state of such a row into the log of the row's unit, whoever
-- wrote it and by what road; verify_journal holds the rows against their last image.

-- A row as text by column, the same in every session whatever its time zone.
CREATE FUNCTION journal.image(r jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT jsonb_object_agg(key, coalesce(value, '')) FROM jsonb_each_text(r)
$$;

CREATE FUNCTION journal.log_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp
SET timezone = 'UTC' AS $$
DECLARE image jsonb := journal.image(to_jsonb(NEW));
BEGIN
    PERFORM journal.append(NEW.production_id,
        coalesce(nullif(image ->> 'unit_id', '')::bigint, journal.office(NEW.production_id)), 'row',
        jsonb_build_object('by', sec.user_id()::text, 'row', image, 'table', TG_TABLE_NAME)::text,
        NULL);
    RETURN NULL;
END $$;

-- The rows of a production, in all tables that are audited, as the log would have their images.
CREATE FUNCTION journal.audited_rows(production bigint)
RETURNS TABLE (table_name text, id text, image text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, journal, pg_temp
SET timezone = 'UTC' AS $$
DECLARE t regclass;
BEGIN
    FOR t IN SELECT g.tgrelid::regclass FROM pg_trigger g
             WHERE g.tgname = 'log_row' AND NOT g.tgisinternal ORDER BY g.tgrelid::regclass::text
    LOOP
        RETURN QUERY EXECUTE format('SELECT %L, to_jsonb(x) ->> ''id'','
            ' journal.image(to_jsonb(x))::text FROM %s x WHERE x.production_id = $1', t, t)
            USING production;
    END LOOP;
END $$;

-- Rows are audited by their own id, and stay in the unit they were made in.
CREATE PROCEDURE journal.audit(t regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER log_row AFTER INSERT OR UPDATE ON %s'
        ' FOR EACH ROW EXECUTE FUNCTION journal.log_row()', t);
END $$;
REVOKE ALL ON FUNCTION journal.image(jsonb), journal.log_row(), journal.audited_rows(bigint)
    FROM PUBLIC;
REVOKE ALL ON PROCEDURE journal.audit(regclass) FROM PUBLIC;
CALL journal.audit('ledger_commitment');

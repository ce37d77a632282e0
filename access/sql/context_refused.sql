-- A context that is not right is nobody's, as ever; and it is said, so that it can be written down. A
-- policy's function writes no row. It warns: the process that sent the statement hears it, whatever
-- the session has set for itself, and so does the server's own log. The word names what is wrong.
CREATE OR REPLACE FUNCTION sec.context() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, sec, pg_temp SET client_min_messages = 'warning' AS $$
DECLARE
    said text := current_setting('prodacct.context', true);
    parts text[] := string_to_array(said, '.');
    n int := cardinality(parts) - 1;
    inner_k bytea;
    outer_k bytea;
    wrong text;
BEGIN
    IF coalesce(said, '') = '' THEN RETURN NULL; END IF;
    IF n NOT IN (4, 5) OR array_to_string(parts[1:n], '') !~ '^[0-9]{1,60}$' THEN
        wrong := 'form';
    ELSE
        SELECT inner_key, outer_key INTO inner_k, outer_k FROM sec.context_key;
        wrong := CASE
            WHEN encode(sha256(outer_k || sha256(inner_k
                || array_to_string(parts[1:n], '.')::bytea)), 'hex')
                IS DISTINCT FROM parts[n + 1] THEN 'seal'
            WHEN parts[3]::numeric < extract(epoch FROM clock_timestamp()) THEN 'expired'
            WHEN parts[4]::numeric <> pg_backend_pid() THEN 'backend'
            WHEN n = 5 AND current_setting('transaction_read_only') <> 'on' THEN 'viewer' END;
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE WARNING 'prodacct context refused: %', wrong USING ERRCODE = 'PC001';
        RETURN NULL;
    END IF;
    RETURN ARRAY[parts[1]::bigint, parts[2]::bigint, CASE WHEN n = 5 THEN parts[5]::bigint END];
END $$;

CREATE OR REPLACE FUNCTION sec.context() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, sec, pg_temp AS $$
DECLARE
    parts text[] := string_to_array(current_setting('prodacct.context', true), '.');
    n int := cardinality(parts) - 1;
    inner_k bytea;
    outer_k bytea;
BEGIN
    IF parts IS NULL OR n NOT IN (4, 5) THEN RETURN NULL; END IF;
    IF array_to_string(parts[1:n], '') !~ '^[0-9]{1,60}$' THEN RETURN NULL; END IF;
    SELECT inner_key, outer_key INTO inner_k, outer_k FROM sec.context_key;
    IF encode(sha256(outer_k || sha256(inner_k || array_to_string(parts[1:n], '.')::bytea)), 'hex')
       IS DISTINCT FROM parts[n + 1] THEN RETURN NULL; END IF;
    IF parts[3]::numeric < extract(epoch FROM clock_timestamp()) THEN RETURN NULL; END IF;
    IF parts[4]::numeric <> pg_backend_pid() THEN RETURN NULL; END IF;
    IF n = 5 AND current_setting('transaction_read_only') <> 'on' THEN RETURN NULL; END IF;
    RETURN ARRAY[parts[1]::bigint, parts[2]::bigint, CASE WHEN n = 5 THEN parts[5]::bigint END];
END $$;

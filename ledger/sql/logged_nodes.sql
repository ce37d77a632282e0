-- Every node that somebody appends takes a place in its unit's log, in the transaction that appends
-- it: the database writes the entry, so that no road to the table goes past it, and nobody who
-- may append a node need be able to write the log.

-- What a 'node' entry says, as JSON with sorted ASCII keys and numbers as strings.
CREATE FUNCTION journal.node_data(n public.taxonomy_costnode) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT format('{"actor":"%s","code":%s,"digest":"%s","flag":"%s","kind":%s,"line":%s,'
        '"name":%s,"node":"%s","original":"%s","parent":"%s","production":"%s","reason":%s,'
        '"recorded_at":"%s"}',
        n.actor_id, to_json(n.code), encode(n.digest, 'hex'), n.flag, to_json(n.kind),
        to_json(n.line), to_json(n.name), n.id, encode(n.original, 'hex'), n.parent_id,
        n.production_id, to_json(n.reason),
        to_char(n.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
$$;

CREATE FUNCTION journal.log_node() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    PERFORM journal.append(NEW.production_id, NEW.unit_id, 'node', journal.node_data(NEW), NULL);
    RETURN NULL;
END $$;
-- At commit, as the seal: whoever holds a log's head has nothing left to wait for.
CREATE CONSTRAINT TRIGGER log_node AFTER INSERT ON taxonomy_costnode
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.actor_id IS NOT NULL)
    EXECUTE FUNCTION journal.log_node();
REVOKE ALL ON FUNCTION journal.node_data(public.taxonomy_costnode) FROM PUBLIC;

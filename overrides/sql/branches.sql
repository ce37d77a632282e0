-- An override whose target is a node of the cost tree hangs a branch beside it as it is carried out,
-- and beside that as it is taken back. taxonomy/sql/overrides.sql computes every digest.
CREATE FUNCTION journal.branch_asked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    IF NEW.proposed ? 'branch' AND NOT EXISTS (
        SELECT 1 FROM taxonomy_costnode n
        WHERE n.production_id = NEW.production_id AND n.digest = NEW.target_digest
          AND n.id::text = NEW.proposed #>> '{branch,node}' AND n.kind = 'account'
          AND n.branch_id IS NULL
          AND encode(n.digest, 'hex') = NEW.proposed #>> '{branch,digest}'
          AND EXISTS (SELECT 1 FROM jsonb_array_elements(NEW.proposed -> 'lines') l
                      WHERE l ->> 'account' = n.code)
          AND EXISTS (SELECT 1 FROM ledger_logentry e WHERE e.production_id = NEW.production_id
                      AND encode(e.leaf, 'hex') = NEW.proposed #>> '{branch,departs}'))
       OR NOT NEW.proposed ? 'branch' AND NOT EXISTS (
        SELECT 1 FROM ledger_logentry e WHERE e.production_id = NEW.production_id
            AND e.leaf = NEW.target_digest) THEN
        RAISE EXCEPTION 'an override that departs from a cost node names it, and posts to its '
            'account' USING ERRCODE = '23503';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER branch_asked BEFORE INSERT ON overrides_override
    FOR EACH ROW EXECUTE FUNCTION journal.branch_asked();

-- A branch that says it is an override's is appended by the clock while that is carried out, or taken
-- back; and the clock appends nothing else.
CREATE FUNCTION journal.branch_signed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
BEGIN
    IF session_user <> 'prodacct_worker' OR NEW.flag <> 'OVERRIDE' OR NOT EXISTS (
        SELECT 1 FROM overrides_override o
        WHERE o.production_id = NEW.production_id AND o.proposed ? 'branch'
          AND o.requested_by_id = NEW.actor_id AND (
            o.state = 'approved' AND o.target_digest = NEW.original
            AND starts_with(NEW.reason, 'OVERRIDE ' || journal.override_name(o.number) || ': ')
            OR o.state = 'executed' AND o.ratify_by < clock_timestamp()
            AND starts_with(NEW.reason, journal.override_name(o.number) || ' ')
            AND EXISTS (SELECT 1 FROM taxonomy_costnode n
                WHERE n.production_id = o.production_id AND n.original = o.target_digest
                  AND n.digest = NEW.original AND n.flag = 'OVERRIDE' AND starts_with(
                    n.reason, 'OVERRIDE ' || journal.override_name(o.number) || ': ')))) THEN
        RAISE EXCEPTION 'cost node %: no override that is carried out has this branch', NEW.code
            USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER branch_signed BEFORE INSERT ON taxonomy_costnode
    FOR EACH ROW WHEN (NEW.reason LIKE 'OVERRIDE OVR-%' OR session_user = 'prodacct_worker')
    EXECUTE FUNCTION journal.branch_signed();
GRANT INSERT ON taxonomy_costnode TO prodacct_worker;
GRANT USAGE ON SEQUENCE taxonomy_costnode_id_seq TO prodacct_worker;

-- The step has its branch, appended in its own transaction.
CREATE FUNCTION journal.branch_grown() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    o overrides_override;
    branch taxonomy_costnode;
    called text;
BEGIN
    SELECT x.* INTO o FROM overrides_override x WHERE x.id = NEW.override_id;
    IF NOT o.proposed ? 'branch' THEN RETURN NEW; END IF;
    called := journal.override_name(o.number);
    SELECT n.* INTO branch FROM taxonomy_costnode n
    WHERE n.production_id = o.production_id AND n.flag = 'OVERRIDE'
      AND n.original = o.target_digest AND starts_with(n.reason, 'OVERRIDE ' || called || ': ');
    IF NOT FOUND OR NEW.step = 'execute' AND branch.recorded_at < now()
       OR NEW.step = 'revert' AND NOT EXISTS (
        SELECT 1 FROM taxonomy_costnode n
        WHERE n.production_id = o.production_id AND n.flag = 'OVERRIDE'
          AND n.original = branch.digest AND n.recorded_at >= now()
          AND starts_with(n.reason, called || ' ')) THEN
        RAISE EXCEPTION '% is carried out as a branch beside the node it departs from', called
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER branch_grown BEFORE INSERT ON overrides_step
    FOR EACH ROW WHEN (NEW.step IN ('execute', 'revert')) EXECUTE FUNCTION journal.branch_grown();
REVOKE ALL ON FUNCTION journal.branch_asked(), journal.branch_signed(), journal.branch_grown()
    FROM PUBLIC;

-- Corrections and override branches of the cost tree. A node states its digest, and the database
-- computes it again before it takes the node in: nothing that is not chained to its parent, and
-- nothing that names a digest nobody recorded, ever stands in the tree.

-- The digest of taxonomy/digest.py: a tag, a version, and every field behind its length.
CREATE FUNCTION sec.framed(v bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT int4send(octet_length(v)) || v $$;
CREATE FUNCTION sec.framed(v text) RETURNS bytea LANGUAGE sql STABLE AS
$$ SELECT int4send(octet_length(convert_to(v, 'UTF8'))) || convert_to(v, 'UTF8') $$;
CREATE FUNCTION sec.node_digest(n public.taxonomy_costnode, parent bytea) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to('prodacct/cost-node', 'UTF8')
        || CASE WHEN n.flag = '' THEN '\x01'::bytea ELSE '\x02'::bytea END
        || sec.framed(parent) || sec.framed(n.kind::text) || sec.framed(n.code::text)
        || sec.framed(coalesce((SELECT u.code::text FROM public.taxonomy_unit u
                                WHERE u.id = n.unit_id), ''))
        || sec.framed(n.line::text)
        || sec.framed(to_char(n.window_start, 'YYYY-MM-DD'))
        || sec.framed(to_char(n.window_end, 'YYYY-MM-DD'))
        || sec.framed(n.original)
        || CASE WHEN n.flag = '' THEN ''::bytea ELSE sec.framed(n.flag::text) END)
$$;

-- Where a node may hang: below a node of its production and unit, one level or more above it.
-- Returns the parent; a root has none.
CREATE FUNCTION sec.parent_of(n public.taxonomy_costnode) RETURNS public.taxonomy_costnode
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE
    above taxonomy_costnode;
    levels text[] := ARRAY['production', 'unit', 'department', 'account'];
BEGIN
    IF n.parent_id IS NULL THEN
        IF n.kind <> 'production' OR n.flag <> '' OR EXISTS (
            SELECT 1 FROM taxonomy_costnode o
            WHERE o.production_id = n.production_id AND o.parent_id IS NULL) THEN
            RAISE EXCEPTION 'cost node %: a production has one root, and everything else a parent',
                n.code USING ERRCODE = '23514';
        END IF;
        RETURN NULL;
    END IF;
    SELECT o.* INTO above FROM taxonomy_costnode o
    WHERE o.id = n.parent_id AND o.production_id = n.production_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'cost node %: its parent is no node of this production', n.code
            USING ERRCODE = '23503';
    END IF;
    IF coalesce(array_position(levels, n.kind::text) <= array_position(levels, above.kind::text),
                true) THEN
        RAISE EXCEPTION 'cost node %: a % does not hang below a %', n.code, n.kind, above.kind
            USING ERRCODE = '23514';
    END IF;
    IF n.unit_id IS NULL OR n.unit_id <> coalesce(above.unit_id, n.unit_id) OR NOT EXISTS (
        SELECT 1 FROM taxonomy_unit u
        WHERE u.id = n.unit_id AND u.production_id = n.production_id) THEN
        RAISE EXCEPTION 'cost node %: it is of another unit than its parent', n.code
            USING ERRCODE = '23514';
    END IF;
    RETURN above;
END $$;

-- A flagged node names, by digest, a node of the same kind, code and unit, and says why.
CREATE FUNCTION sec.check_flag(n public.taxonomy_costnode) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
BEGIN
    IF n.flag = '' THEN
        IF n.original <> ''::bytea OR n.reason <> '' THEN
            RAISE EXCEPTION 'cost node %: only a correction or an override names another node',
                n.code USING ERRCODE = '23514';
        END IF;
        RETURN;
    END IF;
    IF n.flag NOT IN ('CORRECTION', 'OVERRIDE') OR btrim(n.reason) = '' OR n.actor_id IS NULL THEN
        RAISE EXCEPTION 'cost node %: a % needs a person and a reason', n.code, n.flag
            USING ERRCODE = '23514';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM taxonomy_costnode o
        WHERE o.production_id = n.production_id AND o.digest = n.original AND o.kind = n.kind
          AND o.code = n.code AND o.unit_id IS NOT DISTINCT FROM n.unit_id) THEN
        RAISE EXCEPTION 'cost node %: no % of this unit with that code has the digest %', n.code,
            n.kind, left(encode(n.original, 'hex'), 16) USING ERRCODE = '23503';
    END IF;
END $$;

CREATE FUNCTION sec.check_node() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
DECLARE
    above taxonomy_costnode;
    computed bytea;
BEGIN
    IF NEW.window_end < NEW.window_start OR NEW.window_start < '0001-01-01'
       OR NEW.window_end > '9999-12-31' THEN
        RAISE EXCEPTION 'cost node %: its window is no span of days', NEW.code
            USING ERRCODE = '23514';
    END IF;
    above := sec.parent_of(NEW);
    PERFORM sec.check_flag(NEW);
    -- Neither the moment nor the branch is in the hands of whoever writes.
    NEW.recorded_at := clock_timestamp();
    NEW.branch_id := CASE WHEN NEW.flag = 'OVERRIDE' THEN NEW.id ELSE above.branch_id END;
    computed := sec.node_digest(NEW, coalesce(above.digest, ''::bytea));
    IF NEW.digest IS DISTINCT FROM computed THEN
        RAISE EXCEPTION 'cost node %: its digest is stated as % and computed as %', NEW.code,
            left(encode(NEW.digest, 'hex'), 16), left(encode(computed, 'hex'), 16)
            USING ERRCODE = '23514';
    END IF;
    -- Equal nodes are for a person to judge; one code with two meanings is refused.
    IF NEW.actor_id IS NOT NULL AND NEW.flag = '' AND NEW.kind = 'account' AND EXISTS (
        SELECT 1 FROM taxonomy_costnode o
        WHERE o.production_id = NEW.production_id AND o.unit_id = NEW.unit_id
          AND o.code = NEW.code AND o.kind = 'account' AND o.flag = '' AND o.digest <> NEW.digest
          AND o.branch_id IS NOT DISTINCT FROM NEW.branch_id) THEN
        RAISE EXCEPTION 'cost node %: the account stands in this unit with other facts', NEW.code
            USING ERRCODE = '23514', HINT = 'Append a correction that names the node.';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER check_node BEFORE INSERT ON taxonomy_costnode
    FOR EACH ROW EXECUTE FUNCTION sec.check_node();

-- The branches of the departments a person has been given: up to the root, down to the leaves, and
-- what corrects or overrides any of their departments.
CREATE FUNCTION sec.own_node_ids() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, public, sec, pg_temp AS $$
    WITH RECURSIVE own(id, digest, parent_id) AS (
        SELECT n.id, n.digest, n.parent_id FROM taxonomy_costnode n
        JOIN taxonomy_costcenter c ON c.production_id = n.production_id AND c.name = n.name
        WHERE n.production_id = (SELECT sec.member_production_id()) AND n.kind = 'department'
          AND n.flag = '' AND c.id = ANY (ARRAY(SELECT sec.cost_center_ids()))
        UNION
        SELECT n.id, n.digest, n.parent_id FROM taxonomy_costnode n JOIN own o
            ON n.production_id = (SELECT sec.member_production_id()) AND n.original = o.digest),
    below(id) AS (
        SELECT id FROM own
        UNION SELECT n.id FROM taxonomy_costnode n JOIN below b ON n.parent_id = b.id),
    above(id) AS (
        SELECT parent_id FROM own
        UNION SELECT n.parent_id FROM taxonomy_costnode n JOIN above a ON n.id = a.id)
    SELECT id FROM below UNION SELECT id FROM above WHERE id IS NOT NULL
$$;

REVOKE ALL ON FUNCTION sec.framed(bytea), sec.framed(text),
    sec.node_digest(public.taxonomy_costnode, bytea), sec.parent_of(public.taxonomy_costnode),
    sec.check_flag(public.taxonomy_costnode), sec.own_node_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.own_node_ids() TO prodacct_web, prodacct_worker, prodacct_bond;

DROP POLICY reader_scope ON taxonomy_costnode;
CREATE POLICY reader_scope ON taxonomy_costnode FOR SELECT TO prodacct_web, prodacct_bond
    USING (production_id = (SELECT sec.member_production_id())
           AND ((SELECT sec.may('view_all_costs')) OR id = ANY (ARRAY(SELECT sec.own_node_ids()))));
CREATE POLICY writer_scope ON taxonomy_costnode FOR INSERT TO prodacct_web
    WITH CHECK (production_id = (SELECT sec.member_production_id())
                AND (SELECT sec.may('post_entries')) AND actor_id = (SELECT sec.user_id()));
GRANT INSERT ON taxonomy_costnode TO prodacct_web;
GRANT USAGE ON SEQUENCE taxonomy_costnode_id_seq TO prodacct_web;

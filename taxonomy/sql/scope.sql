-- The cost centres the person who asks may see, in the production in question: all of them for
-- those who see all costs, else those granted one by one (django-guardian).
CREATE FUNCTION sec.cost_center_ids() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, sec, pg_temp AS $$
    SELECT c.id FROM public.taxonomy_costcenter c
    WHERE c.production_id = (SELECT sec.member_production_id())
      AND (SELECT sec.may('view_all_costs'))
    UNION
    SELECT c.id FROM public.taxonomy_costcenter c
    JOIN public.taxonomy_costcenteruserobjectpermission g ON g.content_object_id = c.id
    JOIN public.auth_permission p ON p.id = g.permission_id AND p.codename = 'view_costs_of'
    WHERE c.production_id = (SELECT sec.member_production_id())
      AND g.user_id = (SELECT sec.user_id()) AND (SELECT sec.may('view_costs'))
$$;
REVOKE ALL ON FUNCTION sec.cost_center_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.cost_center_ids()
    TO prodacct_web, prodacct_worker, prodacct_bond;

CALL sec.protect('taxonomy_unit', 'true');
CALL sec.protect('taxonomy_costcenter', 'id = ANY (ARRAY(SELECT sec.cost_center_ids()))');
CALL sec.protect('taxonomy_costnode', 'true');

ALTER TABLE taxonomy_costcenteruserobjectpermission ENABLE ROW LEVEL SECURITY;
ALTER TABLE taxonomy_costcenteruserobjectpermission FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON taxonomy_costcenteruserobjectpermission TO prodacct_owner
    USING (true) WITH CHECK (true);
CREATE POLICY own ON taxonomy_costcenteruserobjectpermission FOR SELECT
    TO prodacct_web, prodacct_worker, prodacct_bond USING (user_id = (SELECT sec.user_id()));

GRANT SELECT ON taxonomy_unit, taxonomy_costcenter, taxonomy_costnode,
    taxonomy_costcenteruserobjectpermission TO prodacct_web, prodacct_worker, prodacct_bond;

-- Records that are never changed. The function is shared by every append-only table.
CREATE FUNCTION sec.append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the record is append-only; correct it with a new entry',
        TG_OP, TG_TABLE_NAME USING ERRCODE = '55000';
END $$;
CREATE PROCEDURE sec.keep_forever(t regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s'
        ' FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only()', t);
    EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %s'
        ' FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only()', t);
END $$;
REVOKE ALL ON PROCEDURE sec.keep_forever(regclass) FROM PUBLIC;
CALL sec.keep_forever('taxonomy_costnode');

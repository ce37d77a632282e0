REVOKE INSERT ON taxonomy_costnode FROM prodacct_web;
DROP POLICY writer_scope ON taxonomy_costnode;
DROP POLICY reader_scope ON taxonomy_costnode;
CREATE POLICY reader_scope ON taxonomy_costnode FOR SELECT TO prodacct_web, prodacct_bond
    USING (production_id = (SELECT sec.member_production_id()) AND true);
DROP TRIGGER check_node ON taxonomy_costnode;
DROP FUNCTION sec.check_node();
DROP FUNCTION sec.check_flag(public.taxonomy_costnode);
DROP FUNCTION sec.parent_of(public.taxonomy_costnode);
DROP FUNCTION sec.own_node_ids();
DROP FUNCTION sec.node_digest(public.taxonomy_costnode, bytea);
DROP FUNCTION sec.framed(text);
DROP FUNCTION sec.framed(bytea);

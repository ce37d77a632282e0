DROP TRIGGER log_node ON taxonomy_costnode;
DROP FUNCTION journal.log_node();
DROP FUNCTION journal.node_data(public.taxonomy_costnode);

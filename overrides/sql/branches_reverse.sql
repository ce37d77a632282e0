REVOKE INSERT ON taxonomy_costnode FROM prodacct_worker;
DROP TRIGGER branch_grown ON overrides_step;
DROP TRIGGER branch_signed ON taxonomy_costnode;
DROP TRIGGER branch_asked ON overrides_override;
DROP FUNCTION journal.branch_asked(), journal.branch_signed(), journal.branch_grown();

DROP TRIGGER waiver_carried ON overrides_step;
DROP TRIGGER row_waived ON ingestion_rowrevision;
DROP TRIGGER of_a_held_row ON overrides_override;
DROP FUNCTION journal.waiver_asked(), journal.row_waived(), journal.waiver_carried();

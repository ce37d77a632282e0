-- An unfinished upload is its sender's own: who looks at pages as them is not shown it.
ALTER POLICY reader_scope ON ingestion_upload
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('import_files')) AND made_by_id = (SELECT sec.own_id()));
ALTER POLICY reader_scope ON ingestion_uploadpiece
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('import_files')) AND made_by_id = (SELECT sec.own_id()));

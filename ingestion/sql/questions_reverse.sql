DROP TRIGGER log_row ON ingestion_question;
DROP TRIGGER no_removal ON ingestion_question;
DROP TRIGGER question_moves ON ingestion_question;
DROP TRIGGER question_fits ON ingestion_question;
DROP FUNCTION sec.question_moves();
DROP FUNCTION sec.question_fits();
DROP FUNCTION sec.department_heads();
DO $$
DECLARE p record;
BEGIN
    FOR p IN SELECT polname FROM pg_policy WHERE polrelid = 'ingestion_question'::regclass
    LOOP EXECUTE format('DROP POLICY %I ON ingestion_question', p.polname); END LOOP;
END $$;

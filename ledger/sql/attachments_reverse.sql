DROP POLICY reader_scope ON ledger_sourcepiece;
CREATE POLICY reader_scope ON ledger_sourcepiece FOR SELECT TO prodacct_web, prodacct_bond
    USING (production_id = (SELECT sec.member_production_id())
           AND (SELECT sec.may('import_files')));
DROP TRIGGER log_row ON ledger_attachmentwithdrawal;
DROP TRIGGER log_row ON ledger_attachment;
DROP TRIGGER check_withdrawal ON ledger_attachmentwithdrawal;
DROP FUNCTION journal.check_withdrawal();
DROP FUNCTION journal.attach(bigint, int, text, text, text, bytea);
DROP FUNCTION journal.keep_bytes(bigint, bigint, text, bytea);
DROP FUNCTION journal.media_type_of(bytea);

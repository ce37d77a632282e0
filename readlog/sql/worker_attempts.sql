-- The worker writes down what was refused to statements of its own.
GRANT EXECUTE ON FUNCTION
    sec.attempt_quarantined(text, smallint, text, text, text, bigint, text, inet, text, bytea, bytea)
    TO prodacct_worker;

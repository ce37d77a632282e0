REVOKE EXECUTE ON FUNCTION
    sec.attempt_quarantined(text, smallint, text, text, text, bigint, text, inet, text, bytea, bytea)
    FROM prodacct_worker;

-- Accounts and periods as they were.
CALL sec.keep_history('ledger_account', 'ledger_historicalaccount');
CALL sec.keep_history('ledger_period', 'ledger_historicalperiod');
CALL sec.protect('ledger_historicalaccount', 'true');
CALL sec.protect('ledger_historicalperiod', 'true');
GRANT SELECT ON ledger_historicalaccount, ledger_historicalperiod
    TO prodacct_web, prodacct_worker, prodacct_bond;

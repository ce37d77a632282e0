-- Vendors, orders and funds as they were.
CALL sec.keep_history('purchasing_vendor', 'purchasing_historicalvendor');
CALL sec.keep_history('purchasing_purchaseorder', 'purchasing_historicalpurchaseorder');
CALL sec.keep_history('purchasing_fund', 'purchasing_historicalfund');
CALL sec.protect('purchasing_historicalvendor', 'true');
CALL sec.protect('purchasing_historicalpurchaseorder',
    'cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))');
CALL sec.protect('purchasing_historicalfund',
    'cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))');
GRANT SELECT ON purchasing_historicalvendor, purchasing_historicalpurchaseorder,
    purchasing_historicalfund TO prodacct_web, prodacct_worker, prodacct_bond;

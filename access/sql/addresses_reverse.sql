DROP FUNCTION sec.address_confirmed(bytea, bytea);
DROP FUNCTION sec.address_asked(bytea, text);
DROP POLICY own ON access_addresschange;
DROP POLICY owner_all ON access_addresschange;

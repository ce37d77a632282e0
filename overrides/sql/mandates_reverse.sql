DROP TRIGGER stays ON overrides_key;
DROP TRIGGER stays ON overrides_mandate;
DROP TRIGGER confirm ON overrides_confirmation;
DROP TRIGGER propose ON overrides_mandate;
DROP FUNCTION journal.mandate_stays(), journal.confirm_mandate(), journal.propose_mandate(),
    journal.put_in_force(public.overrides_mandate, jsonb),
    journal.confirmation_data(public.overrides_confirmation), journal.check_rules(jsonb),
    journal.append_leaf(bigint, text, jsonb), journal.signing_key(bigint, bigint, text),
    journal.overrides_founded(bigint), journal.role_of(bigint, bigint);
DROP TRIGGER no_removal ON overrides_mandate;
DROP TRIGGER no_removal ON overrides_key;

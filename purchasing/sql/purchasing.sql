-- Who sees orders and papers, and what the database holds them to whatever road they come by.
CREATE SCHEMA purchasing;
-- NaN is above every number and equal to itself: it would pass every other check.
ALTER TABLE purchasing_orderline ADD CONSTRAINT order_line_numbers
    CHECK (quantity <> 'NaN' AND rate <> 'NaN' AND amount <> 'NaN');
ALTER TABLE purchasing_entry ADD CONSTRAINT entry_number_is_one CHECK (total <> 'NaN');
ALTER TABLE purchasing_settlement ADD CONSTRAINT settlement_is_a_number CHECK (amount <> 'NaN');
ALTER TABLE purchasing_fund ADD CONSTRAINT fund_imprest_is_a_number CHECK (imprest <> 'NaN');

-- A paper of several cost centres is seen by those who see them all.
CALL sec.protect('purchasing_vendor', 'true', '(SELECT sec.may(''post_entries''))');
CALL sec.protect('purchasing_purchaseorder', 'cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))',
    '(SELECT sec.may(''post_entries'')) AND requested_by_id = (SELECT sec.user_id())'
    ' AND state = ''draft'' AND version = 0');
CALL sec.protect('purchasing_orderline', 'cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))',
    '(SELECT sec.may(''post_entries''))');
CALL sec.protect('purchasing_ordercommitment', 'cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))',
    '(SELECT sec.may(''post_entries''))');
CALL sec.protect('purchasing_fund', 'cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))',
    '(SELECT sec.may(''post_entries''))');
CALL sec.protect('purchasing_entry', '(cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))'
    ' OR (SELECT sec.may(''view_all_costs'')))',
    '(SELECT sec.may(''post_entries'')) AND entered_by_id = (SELECT sec.user_id())');
CALL sec.protect('purchasing_settlement', '(cost_center_id = ANY (ARRAY(SELECT sec.cost_center_ids()))'
    ' OR (SELECT sec.may(''view_all_costs'')))', '(SELECT sec.may(''post_entries''))');

GRANT SELECT ON purchasing_vendor, purchasing_purchaseorder, purchasing_orderline,
    purchasing_ordercommitment, purchasing_fund, purchasing_entry, purchasing_settlement
    TO prodacct_web, prodacct_worker, prodacct_bond;
GRANT INSERT ON purchasing_vendor, purchasing_purchaseorder, purchasing_orderline,
    purchasing_ordercommitment, purchasing_fund, purchasing_entry, purchasing_settlement
    TO prodacct_web, prodacct_worker;
GRANT UPDATE (tax_id, terms_days, is_active) ON purchasing_vendor TO prodacct_web, prodacct_worker;
GRANT UPDATE (state, version, drafted, approved_by_id, reason) ON purchasing_purchaseorder
    TO prodacct_web, prodacct_worker;
GRANT UPDATE (imprest, is_open) ON purchasing_fund TO prodacct_web, prodacct_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO prodacct_web, prodacct_worker;
CREATE POLICY changes ON purchasing_vendor FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id()) AND (SELECT sec.may('post_entries')))
    WITH CHECK (production_id = (SELECT sec.member_production_id()));
CREATE POLICY changes ON purchasing_fund FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id()) AND (SELECT sec.may('post_entries')))
    WITH CHECK (production_id = (SELECT sec.member_production_id()));
CREATE POLICY changes ON purchasing_purchaseorder FOR UPDATE TO prodacct_web
    USING (production_id = (SELECT sec.member_production_id())
           AND ((SELECT sec.may('post_entries')) OR (SELECT sec.may('approve_orders'))))
    WITH CHECK (production_id = (SELECT sec.member_production_id()));

CALL sec.keep_forever('purchasing_orderline');
CALL sec.keep_forever('purchasing_ordercommitment');
CALL sec.keep_forever('purchasing_entry');
CALL sec.keep_forever('purchasing_settlement');
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON purchasing_vendor
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON purchasing_purchaseorder
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CREATE TRIGGER no_removal BEFORE DELETE OR TRUNCATE ON purchasing_fund
    FOR EACH STATEMENT EXECUTE FUNCTION sec.append_only();
CALL journal.audit('purchasing_vendor');
CALL journal.audit('purchasing_purchaseorder');
CALL journal.audit('purchasing_orderline');
CALL journal.audit('purchasing_ordercommitment');
CALL journal.audit('purchasing_fund');
CALL journal.audit('purchasing_entry');
CALL journal.audit('purchasing_settlement');

-- An order's steps (purchasing/states.py). Whoever approves is not who asked, and may approve;
-- every other step is a posting person's. The rules read who asks from the signed context.
CREATE FUNCTION purchasing.order_steps() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE step text := OLD.state || ' ' || NEW.state;
BEGIN
    IF (NEW.id, NEW.production_id, NEW.unit_id, NEW.cost_center_id, NEW.number, NEW.vendor_id,
        NEW.kind, NEW.currency, NEW.requested_by_id, NEW.ordered_on) IS DISTINCT FROM
       (OLD.id, OLD.production_id, OLD.unit_id, OLD.cost_center_id, OLD.number, OLD.vendor_id,
        OLD.kind, OLD.currency, OLD.requested_by_id, OLD.ordered_on) THEN
        RAISE EXCEPTION 'order %: who ordered what of whom, and when, stays', OLD.number
            USING ERRCODE = '55000';
    END IF;
    IF NOT (step = ANY (ARRAY['draft approved', 'draft open', 'draft void', 'approved draft',
        'approved open', 'approved void', 'open draft', 'open void', 'draft draft']))
       OR (step = 'draft open' AND OLD.version = 0)
       OR (NEW.state = 'void' AND OLD.state <> 'open' AND OLD.version > 0) THEN
        RAISE EXCEPTION 'order % is %: it cannot become %', OLD.number, OLD.state, NEW.state
            USING ERRCODE = '55000';
    END IF;
    IF NEW.drafted NOT IN (OLD.drafted, OLD.drafted + 1)
       OR (NEW.drafted > OLD.drafted AND NEW.state <> 'draft')
       OR NEW.version NOT IN (OLD.version, OLD.drafted)
       OR (NEW.version <> OLD.version AND step <> 'approved open') THEN
        RAISE EXCEPTION 'order %: versions follow each other, and each is approved before it '
            'is opened', OLD.number USING ERRCODE = '55000';
    END IF;
    IF step = 'draft approved' THEN
        IF NOT sec.may('approve_orders') OR NEW.approved_by_id IS DISTINCT FROM sec.user_id() THEN
            RAISE EXCEPTION 'order % is approved by somebody who may approve orders, in their '
                'own name', OLD.number USING ERRCODE = '42501';
        END IF;
    ELSIF NOT sec.may('post_entries')
        AND NOT (step = 'approved draft' AND sec.may('approve_orders')) THEN
        RAISE EXCEPTION 'order %: only who enters orders may change it', OLD.number
            USING ERRCODE = '42501';
    ELSIF NEW.state = 'draft' AND NEW.approved_by_id IS NOT NULL THEN
        RAISE EXCEPTION 'order %: a draft is approved by nobody yet', OLD.number
            USING ERRCODE = '55000';
    ELSIF NEW.state <> 'draft' AND NEW.approved_by_id IS DISTINCT FROM OLD.approved_by_id THEN
        RAISE EXCEPTION 'order %: who approved it stays', OLD.number USING ERRCODE = '55000';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER order_steps BEFORE UPDATE ON purchasing_purchaseorder
    FOR EACH ROW EXECUTE FUNCTION purchasing.order_steps();

-- A line belongs to the newest version while it is a draft, and to the order's own department.
CREATE FUNCTION purchasing.line_of_draft() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM purchasing_purchaseorder o
        JOIN ledger_account a ON a.id = NEW.account_id AND a.production_id = NEW.production_id
            AND a.is_postable
        WHERE o.id = NEW.order_id AND o.production_id = NEW.production_id
          AND o.unit_id = NEW.unit_id AND o.cost_center_id = NEW.cost_center_id
          AND o.state = 'draft' AND o.drafted = NEW.version) THEN
        RAISE EXCEPTION 'a line is written to the newest draft of its order, on an account and '
            'in the department of its production' USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER line_of_draft AFTER INSERT ON purchasing_orderline
    FOR EACH ROW EXECUTE FUNCTION purchasing.line_of_draft();

-- The document a paper became: of its own production and unit, and posted by the same database
-- transaction. A number is used again only after everything under it was voided.
CREATE FUNCTION purchasing.entry_of_batch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_batch b JOIN ledger_transaction t
            ON t.production_id = b.production_id AND t.batch_id = b.id
        WHERE b.id = NEW.batch_id AND b.production_id = NEW.production_id
          AND b.unit_id = NEW.unit_id AND t.number = NEW.transaction_number
          AND b.xid = pg_current_xact_id()) THEN
        RAISE EXCEPTION '% % names a document that was not posted with it', NEW.kind, NEW.number
            USING ERRCODE = '23514';
    END IF;
    -- Two at once wait for each other here, and the second finds the first.
    PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(':', 'entry', NEW.production_id,
        NEW.kind, NEW.vendor_id, NEW.fund_id, NEW.number), 0));
    IF EXISTS (SELECT 1 FROM purchasing_entry e
        WHERE e.production_id = NEW.production_id AND e.kind = NEW.kind AND e.number = NEW.number
          AND e.vendor_id IS NOT DISTINCT FROM NEW.vendor_id
          AND e.fund_id IS NOT DISTINCT FROM NEW.fund_id AND e.id <> NEW.id
          AND NOT purchasing.is_void(e)) THEN
        RAISE EXCEPTION '% % was entered before and stands', NEW.kind, NEW.number
            USING ERRCODE = '23505';
    END IF;
    RETURN NULL;
END $$;

-- An invoice or a payment is of exactly what its document posted.
CREATE FUNCTION purchasing.entry_total() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.total IS DISTINCT FROM (
        SELECT sum(p.amount) FROM ledger_posting p WHERE p.production_id = NEW.production_id
            AND p.batch_id = NEW.batch_id AND p.transaction_number = NEW.transaction_number
            AND p.book = 1 AND p.currency = NEW.currency AND p.component IN ('cost', 'payment')) THEN
        RAISE EXCEPTION '% % says %, its document posted something else', NEW.kind, NEW.number,
            NEW.total USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_total AFTER INSERT ON purchasing_entry FOR EACH ROW
    WHEN (NEW.kind IN ('invoice', 'payment')) EXECUTE FUNCTION purchasing.entry_total();

-- A paper is void when its document was taken back.
CREATE FUNCTION purchasing.is_void(e public.purchasing_entry) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM ledger_transaction t WHERE t.production_id = e.production_id
        AND t.reverses_batch_id = e.batch_id AND t.reverses_number = e.transaction_number)
$$;
CREATE TRIGGER entry_of_batch AFTER INSERT ON purchasing_entry
    FOR EACH ROW EXECUTE FUNCTION purchasing.entry_of_batch();

-- Nothing is paid twice: what living payments pay of an invoice never passes its total.
CREATE FUNCTION purchasing.paid(invoice bigint) RETURNS numeric
LANGUAGE sql STABLE SET search_path = pg_catalog, public, purchasing, pg_temp AS $$
    SELECT coalesce(sum(s.amount), 0) FROM purchasing_settlement s
    JOIN purchasing_entry p ON p.id = s.payment_id
    WHERE s.invoice_id = invoice AND NOT purchasing.is_void(p)
$$;
CREATE FUNCTION purchasing.settles() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, purchasing, pg_temp AS $$
DECLARE
    i purchasing_entry;
    p purchasing_entry;
BEGIN
    SELECT * INTO i FROM purchasing_entry WHERE id = NEW.invoice_id FOR NO KEY UPDATE;
    SELECT * INTO p FROM purchasing_entry WHERE id = NEW.payment_id;
    IF i.kind <> 'invoice' OR p.kind <> 'payment' OR i.vendor_id IS DISTINCT FROM p.vendor_id
       OR i.currency <> p.currency OR i.unit_id <> p.unit_id
       OR (i.production_id, p.production_id, NEW.unit_id) IS DISTINCT FROM
          (NEW.production_id, NEW.production_id, i.unit_id)
       OR i.cost_center_id IS DISTINCT FROM NEW.cost_center_id THEN
        RAISE EXCEPTION 'a payment settles invoices of its own vendor, unit and currency'
            USING ERRCODE = '23514';
    END IF;
    IF purchasing.is_void(i) THEN
        RAISE EXCEPTION 'invoice % was voided: there is nothing to pay', i.number
            USING ERRCODE = '23514';
    END IF;
    IF i.total > 0 AND NOT (NEW.amount > 0 AND purchasing.paid(i.id) <= i.total)
       OR i.total < 0 AND NOT (NEW.amount < 0 AND purchasing.paid(i.id) >= i.total) THEN
        RAISE EXCEPTION 'invoice % is for % %: with this payment % would be paid', i.number,
            i.total, i.currency, purchasing.paid(i.id) USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER settles AFTER INSERT ON purchasing_settlement
    FOR EACH ROW EXECUTE FUNCTION purchasing.settles();

-- A payment settles what it pays, to the cent. Asked when all its settlements are there; called
-- earlier it is asked again for each that comes after.
CREATE FUNCTION purchasing.settles_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p purchasing_entry;
    settled numeric;
BEGIN
    SELECT * INTO p FROM purchasing_entry WHERE id = NEW.payment_id;
    SELECT sum(s.amount) INTO settled FROM purchasing_settlement s WHERE s.payment_id = p.id;
    IF settled <> p.total THEN
        RAISE EXCEPTION 'payment % is % %, and would settle %', p.number, p.total, p.currency,
            settled USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER settles_all AFTER INSERT ON purchasing_settlement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION purchasing.settles_all();

-- An invoice that is paid is not taken back: the payment is voided first. Held at the journal,
-- because a document can be taken back without knowing that it was an invoice.
CREATE FUNCTION purchasing.not_paid() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, purchasing, pg_temp AS $$
DECLARE e purchasing_entry;
BEGIN
    SELECT * INTO e FROM purchasing_entry x WHERE x.production_id = NEW.production_id
        AND x.batch_id = NEW.reverses_batch_id AND x.transaction_number = NEW.reverses_number
        FOR NO KEY UPDATE;
    IF FOUND AND purchasing.paid(e.id) <> 0 THEN
        RAISE EXCEPTION '% % is paid (% %): void the payment first', e.kind, e.number,
            purchasing.paid(e.id), e.currency USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER not_paid AFTER INSERT ON ledger_transaction
    FOR EACH ROW WHEN (NEW.reverses_batch_id IS NOT NULL)
    EXECUTE FUNCTION purchasing.not_paid();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA purchasing FROM PUBLIC;

-- Reference rates as they were taken, the conversions made with them, and the holes filled later.
-- What the seal has always checked stays as it is: these checks stand beside it, and run before it
-- ("rates" comes before "seal"; triggers of one event fire by name).

-- A sheet says for each currency its units for one euro, as text: "1.0842", nothing else.
CREATE FUNCTION journal.check_sheet() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    wrong record;
    before record;
BEGIN
    IF jsonb_typeof(NEW.rates) IS DISTINCT FROM 'object' OR NEW.rates = '{}'::jsonb THEN
        RAISE EXCEPTION 'the rates of % are not a list of currencies with their rates',
            NEW.published_on USING ERRCODE = '23514';
    END IF;
    SELECT r.key, r.value #>> '{}' AS found INTO wrong FROM jsonb_each(NEW.rates) r
    WHERE r.key !~ '^[A-Z]{3}$' OR r.key = 'EUR' OR jsonb_typeof(r.value) <> 'string'
       OR r.value #>> '{}' !~ '^[0-9]{1,9}([.][0-9]{1,8})?$' OR r.value #>> '{}' !~ '[1-9]'
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the rate of % on % is not a number above zero: %', wrong.key,
            NEW.published_on, wrong.found USING ERRCODE = '23514';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM ledger_sourcedocument d
                   WHERE d.id = NEW.document_id AND d.production_id = NEW.production_id) THEN
        RAISE EXCEPTION 'the rates of % come from a file of another production',
            NEW.published_on USING ERRCODE = '23503';
    END IF;
    IF NEW.supersedes_id IS NOT NULL THEN
        SELECT s.production_id, s.source, s.published_on INTO before
        FROM ledger_ratesheet s WHERE s.id = NEW.supersedes_id;
        IF (before.production_id, before.source, before.published_on)
           IS DISTINCT FROM (NEW.production_id, NEW.source, NEW.published_on) THEN
            RAISE EXCEPTION 'the rates of % correct those of another day, source or production',
                NEW.published_on USING ERRCODE = '23503';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER check_sheet BEFORE INSERT ON ledger_ratesheet
    FOR EACH ROW EXECUTE FUNCTION journal.check_sheet();

-- What a sheet says of a currency; the euro is one.
CREATE FUNCTION journal.quote(rates jsonb, currency text) RETURNS numeric
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT CASE WHEN currency = 'EUR' THEN 1 ELSE (rates ->> currency)::numeric END
$$;

-- The smallest coin of a currency: most have cents.
CREATE FUNCTION journal.coin(currency text) RETURNS numeric
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT CASE
        WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF',
                          'UGX', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 1
        WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 0.001
        ELSE 0.01 END
$$;

-- A conversion states both legs of a sheet of its own production, by the day rule: the sheet's day
-- is the day itself or at most a week before it.
CREATE FUNCTION journal.check_conversion() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    sheet record;
    home text;
BEGIN
    SELECT p.currency INTO home FROM access_production p WHERE p.id = NEW.production_id;
    SELECT s.published_on, s.rates INTO sheet FROM ledger_ratesheet s
    WHERE s.id = NEW.sheet_id AND s.production_id = NEW.production_id;
    IF NOT FOUND OR NEW.day - sheet.published_on NOT BETWEEN 0 AND 7 THEN
        RAISE EXCEPTION 'the rate of % for % is not of that day or the week before it',
            NEW.currency, NEW.day USING ERRCODE = '23514';
    END IF;
    IF NEW.currency = home OR NEW.lines < 1
       OR NEW.numerator IS DISTINCT FROM journal.quote(sheet.rates, home)
       OR NEW.denominator IS DISTINCT FROM journal.quote(sheet.rates, NEW.currency) THEN
        RAISE EXCEPTION 'the rate of % for % is not what was published on %', NEW.currency,
            NEW.day, sheet.published_on USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER check_conversion BEFORE INSERT ON ledger_conversion
    FOR EACH ROW EXECUTE FUNCTION journal.check_conversion();
CREATE TRIGGER own_batch AFTER INSERT ON ledger_conversion REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION journal.only_own_batch();
CREATE TRIGGER own_batch AFTER INSERT ON ledger_filledhole REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION journal.only_own_batch();

-- The day whose rate a document's amounts take. What takes a document back, or moves it, keeps the
-- day of the document it is about: a correction is no new dealing in foreign money.
CREATE FUNCTION journal.rate_day(production bigint, batch bigint, document int) RETURNS date
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, journal, pg_temp AS $$
DECLARE
    day date;
    original record;
BEGIN
    SELECT t.effective_date INTO day FROM ledger_transaction t
    WHERE t.production_id = production AND t.batch_id = batch AND t.number = document;
    SELECT t.reverses_batch_id AS batch, t.reverses_number AS number INTO original
    FROM ledger_transaction t JOIN ledger_batch b ON b.id = t.batch_id
    WHERE t.production_id = production AND t.batch_id = batch AND t.reverses_batch_id IS NOT NULL
      AND (t.number = document OR b.kind IN ('was_is', 'reissue'))
    ORDER BY t.number = document DESC, t.number LIMIT 1;
    IF NOT FOUND THEN RETURN day; END IF;
    RETURN coalesce(journal.rate_day(production, original.batch, original.number), day);
END $$;

-- Every posting's value in the production's currency: the amount itself, or the amount at a rate
-- that the batch keeps, or what the document it takes back was worth, or a hole.
CREATE FUNCTION journal.check_rates() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_nestloop = off AS $$
DECLARE
    home text;
    r record;
    has_reversals boolean;
BEGIN
    PERFORM journal.must_be_whole(NEW);
    SELECT p.currency INTO home FROM access_production p WHERE p.id = NEW.production_id;
    SELECT min(p.line_no) FILTER (WHERE p.currency = home
               AND (p.base_amount IS DISTINCT FROM p.amount
                    OR p.component IN ('fx_realised', 'fx_unrealised', 'fx_rounding'))) AS wrong,
           count(*) FILTER (WHERE p.currency <> home AND p.base_amount IS NOT NULL) AS converted
    INTO r FROM journal.postings_of(NEW.production_id, NEW.id) p;
    IF r.wrong IS NOT NULL THEN
        RAISE EXCEPTION 'batch % line % is in % and is worth something else in %', NEW.id, r.wrong,
            home, home USING ERRCODE = '23514';
    END IF;
    IF r.converted > 0 THEN
        SELECT count(*) > 0 INTO has_reversals
        FROM journal.transactions_of(NEW.production_id, NEW.id) t
        WHERE t.reverses_batch_id IS NOT NULL;
        IF has_reversals AND EXISTS (
            SELECT 1 FROM journal.transactions_of(NEW.production_id, NEW.id) t
            JOIN ledger_batch o ON o.id = t.reverses_batch_id AND o.kind = 'fx_convert') THEN
            RAISE EXCEPTION 'batch % takes back what gave a document its value: take back the '
                'document itself', NEW.id USING ERRCODE = '23514';
        END IF;
        PERFORM journal.check_values(NEW, home, has_reversals);
    ELSIF EXISTS (SELECT 1 FROM ledger_conversion c WHERE c.batch_id = NEW.id) THEN
        RAISE EXCEPTION 'batch % keeps a rate that nothing was converted with', NEW.id
            USING ERRCODE = '23514';
    END IF;
    IF NEW.kind = 'fx_convert' OR EXISTS (
        SELECT 1 FROM ledger_filledhole f WHERE f.batch_id = NEW.id) THEN
        PERFORM journal.check_filled(NEW);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER rates AFTER INSERT ON ledger_batch
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal.check_rates();

-- Within half a coin of the exact fraction, without dividing: |base x source - amount x target|
-- is at most half a coin x source.
CREATE FUNCTION journal.check_values(b public.ledger_batch, home text, has_reversals boolean)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, journal, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_nestloop = off AS $$
DECLARE wrong record;
BEGIN
    SELECT p.line_no, p.currency, p.amount, p.base_amount, t.effective_date INTO wrong
    FROM journal.postings_of(b.production_id, b.id) p
    JOIN journal.transactions_of(b.production_id, b.id) t ON t.number = p.transaction_number
    LEFT JOIN ledger_conversion c ON c.production_id = b.production_id AND c.batch_id = b.id
        AND c.currency = p.currency AND c.day = t.effective_date
    WHERE p.currency <> home AND p.base_amount IS NOT NULL AND p.amount <> 0
      AND (c.day IS NULL OR 2 * abs(p.base_amount * c.denominator - p.amount * c.numerator)
               > journal.coin(home) * c.denominator
           OR p.base_amount % journal.coin(home) <> 0)
      AND NOT (has_reversals AND journal.is_carried(b, p))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'batch % line %: % % of % is not % % at a rate the batch keeps', b.id,
            wrong.line_no, wrong.amount, wrong.currency, wrong.effective_date, wrong.base_amount,
            home USING ERRCODE = '23514';
    END IF;
    SELECT p.line_no, p.component INTO wrong
    FROM journal.postings_of(b.production_id, b.id) p
    JOIN ledger_account a ON a.id = p.account_id
    JOIN ledger_account k ON k.id = p.counter_account_id
    WHERE p.amount = 0 AND (p.book <> 1 OR p.base_amount % journal.coin(home) <> 0
        OR p.component NOT IN (a.clearing_role, k.clearing_role)
        OR p.component = 'fx_rounding' AND abs(p.base_amount) > journal.coin(home) * b.line_count)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'batch % line %: a difference of this kind (%) stands on its own account, '
            'in the actual book, in whole coins', b.id, wrong.line_no, wrong.component
            USING ERRCODE = '23514';
    END IF;
    IF has_reversals THEN RETURN; END IF;
    SELECT c.currency, c.day, c.lines, coalesce(u.lines, 0) AS used INTO wrong
    FROM ledger_conversion c LEFT JOIN (
        SELECT p.currency, t.effective_date, count(*) AS lines
        FROM journal.postings_of(b.production_id, b.id) p
        JOIN journal.transactions_of(b.production_id, b.id) t ON t.number = p.transaction_number
        WHERE p.currency <> home AND p.base_amount IS NOT NULL
          AND (p.amount <> 0 OR p.component = 'fx_unrealised')
        GROUP BY 1, 2) u ON u.currency = c.currency AND u.effective_date = c.day
    WHERE c.production_id = b.production_id AND c.batch_id = b.id
      AND c.lines <> coalesce(u.lines, 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'batch % says its rate of % for % converted % lines; it converted %', b.id,
            wrong.currency, wrong.day, wrong.lines, wrong.used USING ERRCODE = '23514';
    END IF;
END $$;

-- A line of a correction may carry the value of a line of the document it is about.
CREATE FUNCTION journal.is_carried(b public.ledger_batch, p public.ledger_posting)
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, journal, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM ledger_transaction t JOIN ledger_posting o
            ON o.production_id = t.production_id AND o.batch_id = t.reverses_batch_id
            AND o.transaction_number = t.reverses_number
        WHERE t.production_id = b.production_id AND t.batch_id = b.id
          AND t.reverses_batch_id IS NOT NULL AND o.currency = p.currency
          AND (o.amount, o.base_amount) IN ((p.amount, p.base_amount), (-p.amount, -p.base_amount)))
$$;

-- What has a value and what has none are summed apart: a sum over both would hide the holes.
CREATE OR REPLACE FUNCTION journal.add_totals(b public.ledger_batch) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, journal, pg_temp AS $$
    WITH sums AS MATERIALIZED (
        SELECT p.book, p.account_id, p.counter_account_id, p.cost_center_id, p.currency,
               p.period_id, p.base_amount IS NULL AS hole, sum(p.amount) AS amount,
               sum(p.base_amount) AS base_amount, count(*)::int AS lines
        FROM journal.postings_of(b.production_id, b.id) p GROUP BY 1, 2, 3, 4, 5, 6, 7)
    INSERT INTO ledger_batchtotal (production_id, batch_id, unit_id, book, account_id,
        cost_center_id, currency, period_id, amount, base_amount, lines)
    SELECT b.production_id, b.id, b.unit_id, legs.book, legs.account_id, legs.cost_center_id,
           legs.currency, legs.period_id, legs.amount, legs.base_amount, legs.lines FROM (
        SELECT s.book, s.account_id, s.cost_center_id, s.currency, s.period_id, s.hole,
               sum(s.amount) AS amount, sum(s.base_amount) AS base_amount,
               sum(s.lines)::int AS lines
        FROM sums s GROUP BY 1, 2, 3, 4, 5, 6
        UNION ALL
        SELECT s.book, s.counter_account_id, s.cost_center_id, s.currency, s.period_id, s.hole,
               -sum(s.amount), -sum(s.base_amount), sum(s.lines)::int
        FROM sums s GROUP BY 1, 2, 3, 4, 5, 6) legs
$$;

REVOKE ALL ON FUNCTION journal.check_sheet(), journal.quote(jsonb, text), journal.coin(text),
    journal.check_conversion(), journal.rate_day(bigint, bigint, int), journal.check_rates(),
    journal.check_values(public.ledger_batch, text, boolean),
    journal.is_carried(public.ledger_batch, public.ledger_posting) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION journal.rate_day(bigint, bigint, int)
    TO prodacct_web, prodacct_worker, prodacct_bond;

-- Rates belong to one production: which rate its books used is its own record, a correction by one
-- accountant must not move another film's, and each film's log tells of its own.
CALL sec.keep_forever('ledger_ratesheet');
CALL sec.keep_forever('ledger_conversion');
CALL sec.keep_forever('ledger_filledhole');
CALL journal.audit('ledger_ratesheet');
CALL sec.protect('ledger_ratesheet', 'true',
    '(SELECT sec.may(''post_entries'')) AND actor_id = (SELECT sec.user_id())');
CALL sec.protect('ledger_conversion', '((SELECT sec.may(''view_all_costs'')) OR EXISTS ('
    'SELECT 1 FROM ledger_batchtotal t WHERE t.batch_id = ledger_conversion.batch_id))',
    '(SELECT sec.may(''post_entries''))');
CALL sec.protect('ledger_filledhole', '((SELECT sec.may(''view_all_costs'')) OR EXISTS ('
    'SELECT 1 FROM ledger_batchtotal t WHERE t.batch_id = ledger_filledhole.batch_id))',
    '(SELECT sec.may(''post_entries''))');
GRANT SELECT ON ledger_ratesheet, ledger_conversion, ledger_filledhole
    TO prodacct_web, prodacct_worker, prodacct_bond;
GRANT INSERT ON ledger_ratesheet, ledger_conversion, ledger_filledhole
    TO prodacct_web, prodacct_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO prodacct_web, prodacct_worker;

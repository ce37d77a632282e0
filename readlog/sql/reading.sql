-- How much each person asked for and was shown, by the minute. Counted beside the requests, so that no
-- request waits for another; not logged ahead, since it is no record: after a crash it begins anew.
CREATE UNLOGGED TABLE sec.reading (
    person bigint NOT NULL,
    minute timestamptz NOT NULL,
    requests integer NOT NULL DEFAULT 0,
    rows_shown bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (person, minute)
);

-- Count a request, or say for how many seconds the person has to wait: 0 where they go on. Requests
-- are those of the last sixty seconds, as if those of the minute before came evenly; rows are those
-- of the last `minutes_`. What is refused is not counted, so that waiting helps.
CREATE FUNCTION sec.reading_asked(who bigint, most_requests integer, most_rows bigint,
    minutes_ integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
DECLARE
    now_ timestamptz := clock_timestamp();
    minute_ timestamptz := date_trunc('minute', now_, 'UTC');
    gone double precision := extract(epoch FROM now_ - minute_);
    asked double precision;
    free_at timestamptz;
    is_first boolean;
BEGIN
    SELECT coalesce(sum(CASE WHEN r.minute = minute_ THEN r.requests
                    ELSE r.requests * (60 - gone) / 60 END), 0) INTO asked
    FROM sec.reading r WHERE r.person = who AND r.minute >= minute_ - interval '1 minute';
    IF asked >= most_requests THEN RETURN ceil(greatest(60 - gone, 1)); END IF;
    SELECT min(x.minute) INTO free_at FROM (
        SELECT r.minute, sum(r.rows_shown) OVER () - sum(r.rows_shown) OVER (ORDER BY r.minute) AS kept,
            sum(r.rows_shown) OVER () AS shown
        FROM sec.reading r
        WHERE r.person = who AND r.minute > minute_ - make_interval(mins => minutes_)) x
    WHERE x.shown >= most_rows AND x.kept < most_rows;
    IF free_at IS NOT NULL THEN
        RETURN ceil(greatest(extract(epoch FROM
            free_at + make_interval(mins => minutes_) - now_), 1));
    END IF;
    INSERT INTO sec.reading AS r (person, minute, requests) VALUES (who, minute_, 1)
    ON CONFLICT (person, minute) DO UPDATE SET requests = r.requests + 1
    RETURNING r.requests = 1 INTO is_first;
    IF is_first THEN
        DELETE FROM sec.reading r
        WHERE r.person = who AND r.minute < minute_ - make_interval(mins => minutes_ + 1);
    END IF;
    RETURN 0;
END $$;

CREATE FUNCTION sec.rows_read(who bigint, how_many bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, sec, pg_temp AS $$
    INSERT INTO sec.reading AS r (person, minute, rows_shown)
    VALUES (who, date_trunc('minute', clock_timestamp(), 'UTC'), greatest(how_many, 0))
    ON CONFLICT (person, minute) DO UPDATE SET rows_shown = r.rows_shown + excluded.rows_shown
$$;

-- People who were held for reading too much of late, as far as this production's administrators are
-- told of them. For the worker, in the context of a production.
CREATE FUNCTION sec.readers_held(minutes_ integer)
    RETURNS TABLE (sender text, times bigint, latest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, sec, pg_temp AS $$
    SELECT 'person ' || a.user_id, sum(a.count), max(a.last_at) FROM public.readlog_attempt a
    WHERE a.reason = 'reading' AND a.last_at > clock_timestamp() - make_interval(mins => minutes_)
      AND a.user_id IS NOT NULL AND (
        a.production_id = (SELECT sec.production_id())
        OR a.production_id IS NULL AND EXISTS (
            SELECT 1 FROM public.access_membership m WHERE m.user_id = a.user_id
                AND m.production_id = (SELECT sec.production_id())))
    GROUP BY 1 ORDER BY 1
$$;
REVOKE ALL ON FUNCTION sec.reading_asked(bigint, integer, bigint, integer),
    sec.rows_read(bigint, bigint), sec.readers_held(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sec.reading_asked(bigint, integer, bigint, integer),
    sec.rows_read(bigint, bigint) TO prodacct_web;
GRANT EXECUTE ON FUNCTION sec.readers_held(integer) TO prodacct_worker;

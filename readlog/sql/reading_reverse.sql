DROP FUNCTION sec.readers_held(integer);
DROP FUNCTION sec.rows_read(bigint, bigint);
DROP FUNCTION sec.reading_asked(bigint, integer, bigint, integer);
DROP TABLE sec.reading;

-- A time in any form that PostgreSQL reads.
-- $1 text  text
-- >> at  bigint  microseconds since 1970, within the years 1 to 9999
select (extract(epoch from greatest(least($1::text::timestamptz, '9999-12-31Z'), '0001-01-02Z')) * 1000000)::bigint at;

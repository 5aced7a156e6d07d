-- A table has one copy more, which is active.
-- $1 which text
-- $2 server text
-- $3 seen bigint  how often the table was written to when it was copied
-- >> ok  boolean
select public.add_copy($1::text, $2::text, $3::bigint) is null ok;

-- Has nobody written to a table since?
-- $1 which text
-- $2 seen bigint  how often it was written to
-- >> ok  boolean
select public.check_written($1::text, $2::bigint) is null ok;

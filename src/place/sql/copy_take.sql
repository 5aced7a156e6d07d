-- Put the table that was made aside in its place.
-- $1 which text
-- $2 rows bigint
-- >> ok  boolean
select public.take_staged($1::text, $2::bigint) is null ok;

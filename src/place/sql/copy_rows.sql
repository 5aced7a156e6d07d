-- How many rows of a table came here, when all came.
-- $1 name  text
-- >> rows  bigint
select rowcount "rows" from public.loaded_copy where tablename = $1::text;

-- What the table that was made aside is; reads all of its rows.
-- $1 name   text
-- >> rows   bigint
-- >> bytes  bigint  with indexes
-- >> hash   text    of the rows in any order
select s."rows", s.bytes, s.hash from public.table_state(format('staging.%I', $1::text)::regclass) s;

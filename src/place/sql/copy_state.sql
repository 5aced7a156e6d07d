-- What a copy of a table is; reads all of its rows.
-- $1 name   text
-- >> rows   bigint
-- >> bytes  bigint  with indexes
-- >> hash   text    of the rows in any order
select "rows", bytes, hash from public.copy_state($1::text);

-- All copies of a table have its rows: it can be read.
-- $1 name  text
-- $2 rows  bigint
update public.data_table set loaded = true, rowcount = $2::bigint where tablename = $1::text;

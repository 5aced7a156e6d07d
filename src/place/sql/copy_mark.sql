-- Note that all rows of a table are here, in the transaction that brings them.
-- $1 name  text
-- $2 rows  bigint
insert into public.loaded_copy (tablename, rowcount) values ($1::text, $2::bigint);

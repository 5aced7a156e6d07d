-- All copies of tables have their rows: they can be read.
-- $1 names  text[]
-- $2 rows   bigint[]
update public.data_table d set loaded = true, rowcount = u.r from unnest($1::text[], $2::bigint[]) u (n, r) where d.tablename = u.n;

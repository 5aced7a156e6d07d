-- Copies of tables.
-- $1 names      text[]
-- $2 servers    text[]
-- $3 active     boolean[]
-- $4 primaries  boolean[]
insert into public.table_db_mapping (tablename, nodename, isactive, isprimary)
select n, s, a, p from unnest($1::text[], $2::text[], $3::boolean[], $4::boolean[]) u (n, s, a, p);

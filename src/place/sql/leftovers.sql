-- Tables that are no system tables and that the mapping does not know on this server, or of.
-- $1 server     text
-- $2 system     text[]   names of the system tables
-- >> schema     text
-- >> name       text
-- >> ours       boolean  a copy that was made here; else nobody knows what it is
-- >> bytes      bigint   with indexes
-- >> statement  text     which drops one that is not in its place
select n.nspname::text "schema", c.relname::text "name", n.nspname = 'staging' or l.tablename is not null ours,
       pg_total_relation_size(c.oid) bytes, format('drop table %I.%I', n.nspname, c.relname) as statement
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  left join public.loaded_copy l on n.nspname = 'public' and l.tablename = c.relname
 where n.nspname in ('public', 'staging') and c.relkind in ('r', 'p')
   and not (n.nspname = 'public'
            and (c.relname = any ($2::text[])
                 or exists (select from public.table_db_mapping m where m.tablename = c.relname and m.nodename = $1::text)))
 order by n.nspname collate "C", c.relname collate "C";

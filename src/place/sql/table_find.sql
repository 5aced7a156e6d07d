-- Tables of the dataset, loaded or not, a row for each of their copies.
-- $1 names     text[]
-- >> name      text
-- >> source    text
-- >> firstrow  bigint
-- >> rows      bigint
-- >> loaded    boolean
-- >> server    text
select d.tablename::text "name", d.source::text source, d.firstrow, d.rowcount "rows", d.loaded, m.nodename::text server
  from public.data_table d
  join public.table_db_mapping m on m.tablename = d.tablename
 where d.tablename = any($1::text[])
 order by d.tablename collate "C", m.nodename collate "C";

-- All copies of all tables that can be read.
-- >> table_name  text
-- >> server      text
-- >> active      boolean
-- >> is_primary  boolean
select m.tablename::text table_name, m.nodename::text server, m.isactive active, m.isprimary is_primary
  from public.table_db_mapping m
  join public.data_table d on d.tablename = m.tablename and d.loaded
 order by m.tablename collate "C", m.nodename collate "C";

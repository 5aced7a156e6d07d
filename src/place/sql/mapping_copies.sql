-- All copies of all tables.
-- >> table_name  text
-- >> server      text
-- >> active      boolean
-- >> is_primary  boolean
select tablename::text table_name, nodename::text server, isactive active, isprimary is_primary
  from public.table_db_mapping
 order by tablename collate "C", nodename collate "C";

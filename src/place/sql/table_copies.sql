-- Where a table is, loaded or not.
-- $1 name    text
-- >> server  text
select nodename::text server from public.table_db_mapping where tablename = $1::text order by nodename collate "C";

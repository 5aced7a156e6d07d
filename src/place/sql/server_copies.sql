-- How many copies of tables the mapping has on a server, loaded or not.
-- $1 server  text
-- >> copies  bigint
select count(*) copies from public.table_db_mapping where nodename = $1::text;

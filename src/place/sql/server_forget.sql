-- All copies on a server are gone with it.
-- $1 server  text
-- >> copies  bigint
select count(public.remove_copy(t, $1::text)) copies
  from unnest((select array_agg(tablename::text) from public.table_db_mapping where nodename = $1::text)) t;

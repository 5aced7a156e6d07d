-- Bytes on the disk, with indexes, of those of these tables that are on this server.
-- $1 names  text[]
-- >> table_name  text
-- >> bytes       bigint
select n table_name, pg_total_relation_size(c.oid) bytes
  from unnest($1::text[]) n
  join pg_class c on c.relname = n and c.relnamespace = 'public'::regnamespace;

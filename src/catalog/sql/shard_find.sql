-- A shard by its name.
-- $1 shard     text
-- >> root      text
-- >> bulk      boolean  a first load is under way or was cut off
-- >> unlogged  boolean
select sh_path root, sh_bulk bulk, sh_unlogged unlogged
  from public.shards
 where sh_code = $1::text;

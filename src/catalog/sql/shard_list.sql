-- All shards by name.
-- >> name      text
-- >> path      text
-- >> unlogged  boolean
-- >> loading   boolean  a first load is under way or was cut off
-- >> created   timestamptz
select sh_code as name, sh_path as path, sh_unlogged unlogged, sh_bulk loading, sh_created created
  from public.shards
 order by sh_code;

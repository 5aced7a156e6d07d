-- All shards that are not in the middle of a first load.
-- >> sh_code  text
select sh_code
  from public.shards
 where not sh_bulk
 order by sh_code;

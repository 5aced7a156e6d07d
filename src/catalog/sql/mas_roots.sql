-- The roots of all shards.
-- >> sh_path  text
select sh_path
  from public.shards
 order by sh_path;

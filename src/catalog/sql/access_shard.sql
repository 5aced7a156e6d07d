-- The shard that somebody asks for.
-- $1 shard  text
-- >> root   text  the directory that all its paths lie in
select sh_path root
  from public.shards
 where sh_code = $1::text;

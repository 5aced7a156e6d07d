-- The shard that a path belongs to: the one whose root is the path or its nearest ancestor.
-- $1 path  text
-- >> shard  text
-- >> root   text
select sh_code shard, sh_path root
  from public.shards
 where $1::text = sh_path or starts_with($1::text, rtrim(sh_path, '/') || '/')
 order by length(sh_path) desc
 limit 1;

-- The shards of a MAS database, ours or the original's, by name.
-- $1 codes  text[]  only these; null: all
-- >> code   text
-- >> root   text
select sh_code code, sh_path root
  from public.shards
 where $1::text[] is null or sh_code = any($1::text[])
 order by 1;

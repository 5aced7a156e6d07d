-- All shards, by name, with what is in them.
-- $1 after    text    go on behind this name; null: from the start
-- $2 count    bigint  at most; null: all
-- >> name     text
-- >> path     text    the directory that all its paths lie in
-- >> files    bigint
-- >> size     bigint  bytes
-- >> datasets bigint
-- >> unlogged boolean
-- >> created  timestamptz
-- >> key      text
select sh_code as name, sh_path as path, files, size, datasets, sh_unlogged as unlogged, sh_created as created, sh_code as key
  from public.shards
  left join lateral catalog.shard_tally(sh_code, sh_path) on true
 where sh_code > coalesce($1::text, '')
 order by sh_code
 limit $2::bigint;

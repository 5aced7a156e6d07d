-- A directory's files and bytes, and those of the directories below it, down to a depth; the largest of a depth first.
-- $1 dir       uuid
-- $2 depth     integer  0: itself alone
-- $3 uid       bigint   who asks: only directories he may list; null: all
-- $4 groups    bigint[]
-- $5 after_depth integer  go on behind this depth, ...
-- $6 after_size  bigint   ... size ...
-- $7 after_hash  uuid     ... and key; null: from the start
-- $8 count     bigint   at most; null: all
-- >> path      text
-- >> depth     integer  0: the directory itself
-- >> files     bigint   below, at any depth
-- >> size      bigint   bytes of these
-- >> datasets  bigint
-- >> mtime     timestamptz
-- >> user      text
-- >> group     text
-- >> key       text
  with recursive below as (
    select di_hash, 0 depth
      from directories
     where di_hash = $1::uuid
     union all
    select d.di_hash, b.depth + 1
      from below b
      join directories d on d.di_parent = b.di_hash or (b.di_hash = md5('/')::uuid and d.di_parent is null and d.di_hash <> b.di_hash)
     where b.depth < $2::integer
       and ($3::bigint is null or catalog.may(5, $3::bigint, $4::bigint[], d.di_nuid, d.di_ngid, d.di_nmode))
)
select pa_path as path, depth, di_count::bigint as files, di_size::bigint as size, di_datasets as datasets, di_mtime as mtime,
       di_user as "user", di_group as "group", depth || ' ' || di_size::bigint || ' ' || di_hash as key
  from below
  join directories using (di_hash)
  join paths on pa_hash = di_hash
 where $5::integer is null
    or (depth, -di_size, di_hash) > ($5::integer, -($6::bigint), $7::uuid)
 order by depth, di_size desc, di_hash
 limit $8::bigint;

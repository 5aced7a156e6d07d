-- The files at or below a path that a crawler of contents has not looked at as they are now.
-- $1 type      text
-- $2 root      text
-- >> path      text
-- >> size      bigint
-- >> mtime     timestamptz
-- >> has       boolean      there is a record of this type, of an earlier state
select pa_path as path, fi_size size, fi_mtime mtime,
       exists (select from metadata where md_hash = fi_hash and md_type = $1::text) has
  from files
  join paths on pa_hash = fi_hash
  left join looks on lk_hash = fi_hash and lk_type = $1::text
 where (pa_parents @> array[md5($2::text)::uuid] or pa_hash = md5($2::text)::uuid or $2::text = '/')
   and fi_size is not null and fi_mtime is not null
   and (lk_hash is null or lk_size <> fi_size or lk_mtime <> fi_mtime);

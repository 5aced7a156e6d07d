-- What the batch's magic and checksum records say of their files.
update files
   set fi_kind = coalesce(k.kind, fi_kind), fi_sha256 = coalesce(k.sum, fi_sha256)
  from (select md_hash,
               max(catalog.kind_of(md_json)) filter (where md_type = 'magic') kind,
               (array_agg(catalog.checksum_of(md_json, f.fi_size, f.fi_mtime)) filter (where md_type = 'checksum'))[1] sum
          from stage_metadata
          join files f on f.fi_hash = md_hash
         where md_type in ('magic', 'checksum')
         group by md_hash) k
 where fi_hash = k.md_hash
   and (coalesce(k.kind, fi_kind) is distinct from fi_kind or coalesce(k.sum, fi_sha256) is distinct from fi_sha256);

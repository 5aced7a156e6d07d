-- What magic and checksum records say of the batch's files: new records of files that are known, and records that
-- were there before a file came back or is again as it was.
update files
   set fi_kind = k.kind, fi_sha256 = k.sum
  from (select f.fi_hash, catalog.kind_of(m.md_json) kind, catalog.checksum_of(c.md_json, f.fi_size, f.fi_mtime) sum
          from stage_paths s
          join files f on f.fi_hash = s.pa_hash
          left join metadata m on m.md_hash = f.fi_hash and m.md_type = 'magic'
          left join metadata c on c.md_hash = f.fi_hash and c.md_type = 'checksum') k
 where files.fi_hash = k.fi_hash
   and (files.fi_kind, files.fi_sha256) is distinct from (k.kind, k.sum);

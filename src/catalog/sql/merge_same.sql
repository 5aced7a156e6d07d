-- Note the records that are already here word for word.
insert into stage_same (ss_hash, ss_type)
select s.md_hash, s.md_type
  from stage_records s
  join records m on m.md_hash = s.md_hash and m.md_type = s.md_type
 where m.md_text = s.md_text
    or coalesce(m.md_json, m.md_text::jsonb) = coalesce(s.md_json, s.md_text::jsonb)
 union all
select s.fi_hash, 'posix'
  from stage_files s
  join files o on o.fi_hash = s.fi_hash
 where (o.fi_size, o.fi_ctime, o.fi_mtime, o.fi_atime, o.fi_mode, o.fi_inode, o.fi_uid, o.fi_gid, o.fi_user,
        o.fi_group, o.fi_nuid, o.fi_ngid, o.fi_nmode, o.fi_nlink, o.fi_dev, o.fi_btime, o.fi_nanos)
       is not distinct from
       (s.fi_size, s.fi_ctime, s.fi_mtime, s.fi_atime, s.fi_mode, s.fi_inode, s.fi_uid, s.fi_gid, s.fi_user,
        s.fi_group, s.fi_nuid, s.fi_ngid, s.fi_nmode, s.fi_nlink, s.fi_dev, s.fi_btime, s.fi_nanos)
   and s.fi_nanos is not null
 union all
select s.di_hash, 'posix'
  from stage_directories s
  join directories o on o.di_hash = s.di_hash
 where (o.di_ctime, o.di_mtime, o.di_atime, o.di_mode, o.di_inode, o.di_uid, o.di_gid, o.di_user, o.di_group,
        o.di_nuid, o.di_ngid, o.di_nmode, o.di_nlink, o.di_dev, o.di_btime, o.di_nanos, o.di_bytes)
       is not distinct from
       (s.di_ctime, s.di_mtime, s.di_atime, s.di_mode, s.di_inode, s.di_uid, s.di_gid, s.di_user, s.di_group,
        s.di_nuid, s.di_ngid, s.di_nmode, s.di_nlink, s.di_dev, s.di_btime, s.di_nanos, s.di_bytes)
   and s.di_nanos is not null
 union all
select s.li_hash, 'posix'
  from stage_links s
  join links o on o.li_hash = s.li_hash
 where (o.li_ctime, o.li_mtime, o.li_atime, o.li_inode, o.li_uid, o.li_gid, o.li_user, o.li_group, o.li_intact,
        o.li_target, o.li_nuid, o.li_ngid, o.li_nlink, o.li_dev, o.li_btime, o.li_nanos, o.li_bytes)
       is not distinct from
       (s.li_ctime, s.li_mtime, s.li_atime, s.li_inode, s.li_uid, s.li_gid, s.li_user, s.li_group, s.li_intact,
        s.li_target, s.li_nuid, s.li_ngid, s.li_nlink, s.li_dev, s.li_btime, s.li_nanos, s.li_bytes)
   and s.li_nanos is not null;

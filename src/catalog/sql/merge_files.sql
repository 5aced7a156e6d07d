-- Take in the batch's files, writing only what differs. A checksum is kept while size and time are the same.
insert into files (fi_hash, fi_parent, fi_name, fi_size, fi_ctime, fi_mtime, fi_atime, fi_mode, fi_inode, fi_uid,
                   fi_gid, fi_user, fi_group, fi_nuid, fi_ngid, fi_nmode, fi_nlink, fi_dev, fi_btime, fi_nanos)
select fi_hash, fi_parent, fi_name, fi_size, fi_ctime, fi_mtime, fi_atime, fi_mode, fi_inode, fi_uid, fi_gid,
       fi_user, fi_group, fi_nuid, fi_ngid, fi_nmode, fi_nlink, fi_dev, fi_btime, fi_nanos
  from stage_files
 where not exists (select from stage_same where ss_hash = fi_hash and ss_type = 'posix' and fi_nanos is not null)
 order by fi_hash
    on conflict (fi_hash) do update
   set fi_size = excluded.fi_size, fi_ctime = excluded.fi_ctime, fi_mtime = excluded.fi_mtime,
       fi_atime = excluded.fi_atime, fi_mode = excluded.fi_mode, fi_inode = excluded.fi_inode,
       fi_uid = excluded.fi_uid, fi_gid = excluded.fi_gid, fi_user = excluded.fi_user, fi_group = excluded.fi_group,
       fi_nuid = excluded.fi_nuid, fi_ngid = excluded.fi_ngid, fi_nmode = excluded.fi_nmode,
       fi_nlink = excluded.fi_nlink, fi_dev = excluded.fi_dev, fi_btime = excluded.fi_btime,
       fi_nanos = excluded.fi_nanos, fi_ingested = now(),
       fi_sha256 = case when (files.fi_size, files.fi_mtime) is not distinct from (excluded.fi_size, excluded.fi_mtime)
                        then files.fi_sha256 end
 where (files.fi_size, files.fi_ctime, files.fi_mtime, files.fi_atime, files.fi_mode, files.fi_inode, files.fi_uid,
        files.fi_gid, files.fi_user, files.fi_group, files.fi_nuid, files.fi_ngid, files.fi_nmode, files.fi_nlink,
        files.fi_dev, files.fi_btime, files.fi_nanos)
       is distinct from
       (excluded.fi_size, excluded.fi_ctime, excluded.fi_mtime, excluded.fi_atime, excluded.fi_mode,
        excluded.fi_inode, excluded.fi_uid, excluded.fi_gid, excluded.fi_user, excluded.fi_group, excluded.fi_nuid,
        excluded.fi_ngid, excluded.fi_nmode, excluded.fi_nlink, excluded.fi_dev, excluded.fi_btime,
        excluded.fi_nanos);

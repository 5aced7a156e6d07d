-- Take in the batch's directories, writing only what differs; counts are kept.
insert into directories (di_hash, di_parent, di_name, di_ctime, di_mtime, di_atime, di_mode, di_inode, di_uid,
                         di_gid, di_user, di_group, di_nuid, di_ngid, di_nmode, di_nlink, di_dev, di_btime,
                         di_nanos, di_bytes)
select di_hash, di_parent, di_name, di_ctime, di_mtime, di_atime, di_mode, di_inode, di_uid, di_gid, di_user,
       di_group, di_nuid, di_ngid, di_nmode, di_nlink, di_dev, di_btime, di_nanos, di_bytes
  from stage_directories
 where not exists (select from stage_same where ss_hash = di_hash and ss_type = 'posix' and di_nanos is not null)
 order by di_hash
    on conflict (di_hash) do update
   set di_ctime = excluded.di_ctime, di_mtime = excluded.di_mtime, di_atime = excluded.di_atime,
       di_mode = excluded.di_mode, di_inode = excluded.di_inode, di_uid = excluded.di_uid, di_gid = excluded.di_gid,
       di_user = excluded.di_user, di_group = excluded.di_group, di_nuid = excluded.di_nuid,
       di_ngid = excluded.di_ngid, di_nmode = excluded.di_nmode, di_nlink = excluded.di_nlink,
       di_dev = excluded.di_dev, di_btime = excluded.di_btime, di_nanos = excluded.di_nanos,
       di_bytes = excluded.di_bytes, di_ingested = now()
 where (directories.di_ctime, directories.di_mtime, directories.di_atime, directories.di_mode, directories.di_inode,
        directories.di_uid, directories.di_gid, directories.di_user, directories.di_group, directories.di_nuid,
        directories.di_ngid, directories.di_nmode, directories.di_nlink, directories.di_dev, directories.di_btime,
        directories.di_nanos, directories.di_bytes)
       is distinct from
       (excluded.di_ctime, excluded.di_mtime, excluded.di_atime, excluded.di_mode, excluded.di_inode,
        excluded.di_uid, excluded.di_gid, excluded.di_user, excluded.di_group, excluded.di_nuid, excluded.di_ngid,
        excluded.di_nmode, excluded.di_nlink, excluded.di_dev, excluded.di_btime, excluded.di_nanos,
        excluded.di_bytes);

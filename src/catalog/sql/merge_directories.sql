-- Take in the batch's directories, writing only what differs; counts are kept.
insert into directories (di_hash, di_parent, di_name, di_ctime, di_mtime, di_atime, di_mode, di_inode, di_uid, di_gid,
                         di_user, di_group, di_nuid, di_ngid, di_nmode)
select di_hash, di_parent, di_name, di_ctime, di_mtime, di_atime, di_mode, di_inode, di_uid, di_gid,
       di_user, di_group, di_nuid, di_ngid, di_nmode
  from stage_directories
 order by di_hash
    on conflict (di_hash) do update
   set di_ctime = excluded.di_ctime, di_mtime = excluded.di_mtime, di_atime = excluded.di_atime,
       di_mode = excluded.di_mode, di_inode = excluded.di_inode, di_uid = excluded.di_uid, di_gid = excluded.di_gid,
       di_user = excluded.di_user, di_group = excluded.di_group, di_nuid = excluded.di_nuid,
       di_ngid = excluded.di_ngid, di_nmode = excluded.di_nmode
 where (directories.di_ctime, directories.di_mtime, directories.di_atime, directories.di_mode, directories.di_inode,
        directories.di_uid, directories.di_gid, directories.di_user, directories.di_group, directories.di_nuid,
        directories.di_ngid, directories.di_nmode)
       is distinct from
       (excluded.di_ctime, excluded.di_mtime, excluded.di_atime, excluded.di_mode, excluded.di_inode, excluded.di_uid,
        excluded.di_gid, excluded.di_user, excluded.di_group, excluded.di_nuid, excluded.di_ngid, excluded.di_nmode);

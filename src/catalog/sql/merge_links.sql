-- Take in the batch's links, writing only what differs.
insert into links (li_hash, li_parent, li_name, li_ctime, li_mtime, li_atime, li_inode, li_uid, li_gid, li_user,
                   li_group, li_intact, li_target, li_nuid, li_ngid, li_nlink, li_dev, li_btime, li_nanos, li_bytes)
select li_hash, li_parent, li_name, li_ctime, li_mtime, li_atime, li_inode, li_uid, li_gid, li_user, li_group,
       li_intact, li_target, li_nuid, li_ngid, li_nlink, li_dev, li_btime, li_nanos, li_bytes
  from stage_links
 where not exists (select from stage_same where ss_hash = li_hash and ss_type = 'posix' and li_nanos is not null)
 order by li_hash
    on conflict (li_hash) do update
   set li_ctime = excluded.li_ctime, li_mtime = excluded.li_mtime, li_atime = excluded.li_atime,
       li_inode = excluded.li_inode, li_uid = excluded.li_uid, li_gid = excluded.li_gid, li_user = excluded.li_user,
       li_group = excluded.li_group, li_intact = excluded.li_intact, li_target = excluded.li_target,
       li_nuid = excluded.li_nuid, li_ngid = excluded.li_ngid, li_nlink = excluded.li_nlink,
       li_dev = excluded.li_dev, li_btime = excluded.li_btime, li_nanos = excluded.li_nanos,
       li_bytes = excluded.li_bytes, li_ingested = now()
 where (links.li_ctime, links.li_mtime, links.li_atime, links.li_inode, links.li_uid, links.li_gid, links.li_user,
        links.li_group, links.li_intact, links.li_target, links.li_nuid, links.li_ngid, links.li_nlink,
        links.li_dev, links.li_btime, links.li_nanos, links.li_bytes)
       is distinct from
       (excluded.li_ctime, excluded.li_mtime, excluded.li_atime, excluded.li_inode, excluded.li_uid,
        excluded.li_gid, excluded.li_user, excluded.li_group, excluded.li_intact, excluded.li_target,
        excluded.li_nuid, excluded.li_ngid, excluded.li_nlink, excluded.li_dev, excluded.li_btime,
        excluded.li_nanos, excluded.li_bytes);

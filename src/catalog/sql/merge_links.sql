-- Take in the batch's links, writing only what differs.
insert into links
select *
  from stage_links
 order by li_hash
    on conflict (li_hash) do update
   set li_ctime = excluded.li_ctime, li_mtime = excluded.li_mtime, li_atime = excluded.li_atime,
       li_inode = excluded.li_inode, li_uid = excluded.li_uid, li_gid = excluded.li_gid, li_user = excluded.li_user,
       li_group = excluded.li_group, li_intact = excluded.li_intact, li_target = excluded.li_target,
       li_nuid = excluded.li_nuid, li_ngid = excluded.li_ngid
 where links is distinct from excluded;

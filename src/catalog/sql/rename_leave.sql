-- What the directories above the old places lose.
insert into stage_delta (sd_dir, sd_count, sd_size, sd_datasets)
select t.sm_above, -c, -s, -d
  from stage_moved t
 cross join lateral (select count(*) c, coalesce(sum(fi_size), 0) s
                       from stage_moved b join files on fi_hash = b.sm_old where b.sm_no = t.sm_no) f
 cross join lateral (select count(*) d
                       from stage_moved b join datasets on po_hash = b.sm_old where b.sm_no = t.sm_no) k
 where t.sm_top;

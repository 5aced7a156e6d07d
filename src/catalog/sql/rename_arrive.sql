-- What the directories above the new places gain.
insert into stage_delta (sd_dir, sd_count, sd_size, sd_datasets)
select t.sm_parents[array_length(t.sm_parents, 1)], c, s, d
  from stage_moved t
 cross join lateral (select count(*) c, coalesce(sum(fi_size), 0) s
                       from stage_moved b join files on fi_hash = b.sm_new where b.sm_no = t.sm_no) f
 cross join lateral (select count(*) d
                       from stage_moved b join datasets on po_hash = b.sm_new where b.sm_no = t.sm_no) k
 where t.sm_top;

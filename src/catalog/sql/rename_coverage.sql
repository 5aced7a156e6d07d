-- Where datasets moved, the coverage of the directories that they left and came to is due.
  with top as (
    select t.sm_above, t.sm_parents
      from stage_moved t
     where t.sm_top
       and exists (select from stage_moved b join datasets on po_hash = b.sm_new where b.sm_no = t.sm_no)
), due (dir) as (
    select u.dir
      from top
      join paths on pa_hash = sm_above
     cross join lateral unnest(pa_parents || pa_hash) u (dir)
     where exists (select from coverage where co_dir = u.dir)
     union
    select u.dir
      from top
     cross join lateral unnest(sm_parents) u (dir)
     where exists (select from coverage where co_dir = u.dir)
     union
    select di_hash
      from stage_moved
      join directories on di_hash = sm_new
     where di_datasets >= catalog.coverage_threshold()
)
insert into coverage_due (cd_dir)
select dir
  from due
 order by dir
    on conflict (cd_dir) do update set cd_dir = excluded.cd_dir;

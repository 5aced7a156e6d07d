-- Note the directories whose coverage changes with the batch's datasets: those that have one, and those that
-- hold enough datasets now.
insert into coverage_due (cd_dir)
select distinct u.dir
  from stage_metadata
  join paths on pa_hash = md_hash
 cross join lateral unnest(pa_parents) u (dir)
  join directories on di_hash = u.dir
 where md_type = 'gdal'
   and not exists (select from stage_same where ss_hash = md_hash and ss_type = 'gdal')
   and (di_datasets >= catalog.coverage_threshold() or exists (select from coverage where co_dir = u.dir))
    on conflict do nothing;

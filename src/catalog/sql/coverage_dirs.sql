-- The directories whose coverage changes: those that lost something, and those that something came to.
-- >> dir       uuid
-- >> whole     boolean  it has to be made anew
-- >> datasets  bigint   below it; 0 when it is gone
with due as (
    select cd_dir dir from coverage_due
), came as (
    select distinct u.dir
      from (select distinct ds_parent from coverage_new join datasets on ds_id = cn_dataset) x
      join paths on pa_hash = ds_parent
     cross join lateral unnest(pa_parents || pa_hash) u (dir)
)
select dir, true as whole, coalesce(di_datasets, 0) datasets
  from due
  left join directories on di_hash = dir
 union all
select dir, not exists (select from coverage where co_dir = dir) as whole, di_datasets datasets
  from came
  join directories on di_hash = dir
 where dir not in (select due.dir from due)
   and (di_datasets >= catalog.coverage_threshold() or exists (select from coverage where co_dir = dir));

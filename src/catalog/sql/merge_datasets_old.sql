-- Remove the datasets of files whose gdal record differs from before, and note which directories' coverage that changes.
  with d as (
    delete from datasets
     using stage_records
     where po_hash = md_hash
       and md_type = 'gdal'
       and not exists (select from stage_same where ss_hash = md_hash and ss_type = 'gdal')
    returning ds_id, ds_parent
  ), c as (
    delete from cells using d where ce_dataset = d.ds_id
    returning ce_key
  ), l as (
    update levels set le_count = le_count - n
      from (select ce_key >> 40 name, (ce_key >> 37) & 7 t, (ce_key >> 32) & 31 s, count(*) n from c group by 1, 2, 3) k
     where le_name = k.name and le_time = k.t and le_space = k.s
  ), v as (
    insert into coverage_due (cd_dir)
    select distinct u.dir
      from (select distinct ds_parent from d) x
      join paths p on p.pa_hash = x.ds_parent
     cross join lateral unnest(p.pa_parents || p.pa_hash) u (dir)
     where exists (select from coverage where co_dir = u.dir)
     order by 1
        on conflict (cd_dir) do update set cd_dir = excluded.cd_dir
  )
insert into stage_delta (sd_dir, sd_count, sd_size, sd_datasets)
select ds_parent, 0, 0, -count(*)
  from d
 group by ds_parent;

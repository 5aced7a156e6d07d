-- Remove the datasets of files that are gone, and note which directories' coverage that changes.
  with d as (
    delete from datasets using stage_gone where po_hash = sg_hash
    returning ds_id, ds_parent
  ), c as (
    delete from cells using d where ce_dataset = d.ds_id
    returning ce_key
  ), l as (
    update levels set le_count = le_count - n
      from (select ce_key >> 40 name, (ce_key >> 37) & 7 t, (ce_key >> 32) & 31 s, count(*) n from c group by 1, 2, 3) k
     where le_name = k.name and le_time = k.t and le_space = k.s
  )
insert into coverage_due (cd_dir)
select distinct u.dir
  from (select distinct ds_parent from d) x
  join paths p on p.pa_hash = x.ds_parent
 cross join lateral unnest(p.pa_parents || p.pa_hash) u (dir)
 where exists (select from coverage where co_dir = u.dir)
 order by 1
    on conflict (cd_dir) do update set cd_dir = excluded.cd_dir;

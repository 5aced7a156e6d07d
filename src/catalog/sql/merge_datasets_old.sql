-- Remove the datasets of files whose gdal record differs from before.
  with d as (
    delete from datasets
     using stage_metadata
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
  )
insert into stage_delta (sd_dir, sd_count, sd_size, sd_datasets)
select ds_parent, 0, 0, -count(*)
  from d
 group by ds_parent;

-- Take in the datasets of the batch's gdal records, but for records that are here already.
  with d as (
    insert into datasets
    select *
      from stage_datasets
     where not exists (select from stage_same where ss_hash = po_hash and ss_type = 'gdal')
    returning ds_parent
  )
insert into stage_delta (sd_dir, sd_count, sd_size, sd_datasets)
select ds_parent, 0, 0, count(*)
  from d
 group by ds_parent;

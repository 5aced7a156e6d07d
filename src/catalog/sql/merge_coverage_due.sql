-- Note the batch's datasets as ones that coverage does not hold yet.
insert into coverage_new (cn_dataset)
select ds_id
  from stage_datasets
 where not exists (select from stage_same where ss_hash = po_hash and ss_type = 'gdal');

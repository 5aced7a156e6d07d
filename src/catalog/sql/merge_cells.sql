-- Take in the cells of these datasets.
insert into cells
select c.*
  from stage_cells c
  join stage_datasets d on d.ds_id = c.ce_dataset
 where not exists (select from stage_same where ss_hash = d.po_hash and ss_type = 'gdal');

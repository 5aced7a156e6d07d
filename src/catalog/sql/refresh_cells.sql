-- Take in the cells of these.
insert into cells
select c.*
  from stage_cells c
  join stage_datasets on ds_id = ce_dataset
 where po_hash in (select st_hash from stage_turned);

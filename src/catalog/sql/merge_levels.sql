-- Count the batch's cells by name, length of time and size.
insert into levels (le_name, le_time, le_space, le_count)
select (ce_key >> 40)::integer, ((ce_key >> 37) & 7)::smallint, ((ce_key >> 32) & 31)::smallint, count(*)
  from stage_cells c
  join stage_datasets d on d.ds_id = c.ce_dataset
 where not exists (select from stage_same where ss_hash = d.po_hash and ss_type = 'gdal')
 group by 1, 2, 3
    on conflict (le_name, le_time, le_space) do update
   set le_count = levels.le_count + excluded.le_count;

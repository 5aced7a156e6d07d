-- Note the files whose datasets, or cells of these, are not those that their gdal record gives.
  with old as (
    select po_hash, sum(hashtextextended(row(ds_parent, ds_no, po_stamps, po_name, ds_name, po_pixel_x, po_pixel_y, st_asewkb(po_polygon), ds_srs, ds_axes,
                     ds_xmin, ds_ymin, ds_xmax, ds_ymax, ds_west, ds_south, ds_east, ds_north, ds_json, ds_shape, ds_gap, ds_alike)::text,
                     0)) sum
      from datasets
     group by po_hash
  ), new as (
    select po_hash, sum(hashtextextended(row(ds_parent, ds_no, po_stamps, po_name, ds_name, po_pixel_x, po_pixel_y, st_asewkb(po_polygon), ds_srs, ds_axes,
                     ds_xmin, ds_ymin, ds_xmax, ds_ymax, ds_west, ds_south, ds_east, ds_north, ds_json, ds_shape, ds_gap, ds_alike)::text,
                     0)) sum
      from stage_datasets
     group by po_hash
  ), old_cells as (
    select po_hash, sum(hashtextextended((ds_no, ce_key, ce_max, ce_min, ce_west, ce_south, ce_east, ce_north, ce_shape)::text, 0)) sum
      from cells
      join datasets on ds_id = ce_dataset
     group by po_hash
  ), new_cells as (
    select po_hash, sum(hashtextextended((ds_no, ce_key, ce_max, ce_min, ce_west, ce_south, ce_east, ce_north, ce_shape)::text, 0)) sum
      from stage_cells
      join stage_datasets on ds_id = ce_dataset
     group by po_hash
  )
insert into stage_turned (st_hash)
select po_hash
  from (select * from old except all select * from new) a
 union
select po_hash
  from (select * from new except all select * from old) b
 union
select po_hash
  from (select * from old_cells except all select * from new_cells) c
 union
select po_hash
  from (select * from new_cells except all select * from old_cells) d;

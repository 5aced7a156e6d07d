-- The datasets that came since the coverage was made.
-- >> ds_parent  uuid
-- >> name       integer
-- >> stamps     timestamptz[]
-- >> ds_xmin    double precision
-- >> ds_ymin    double precision
-- >> ds_xmax    double precision
-- >> ds_ymax    double precision
select ds_parent, coalesce(ds_name, 0) as name, po_stamps stamps, ds_xmin, ds_ymin, ds_xmax, ds_ymax
  from coverage_new
  join datasets on ds_id = cn_dataset
 where ds_parent is not null;

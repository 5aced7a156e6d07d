-- Every dataset of the shard, as coverage needs it.
-- >> ds_parent  uuid
-- >> name       integer
-- >> stamps     timestamptz[]
-- >> ds_xmin    double precision
-- >> ds_ymin    double precision
-- >> ds_xmax    double precision
-- >> ds_ymax    double precision
select ds_parent, coalesce(ds_name, 0) as name, po_stamps stamps, ds_xmin, ds_ymin, ds_xmax, ds_ymax
  from datasets
 where ds_parent is not null;

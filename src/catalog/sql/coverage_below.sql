-- The datasets below some directories.
-- $1 dirs  uuid[]
-- >> ds_parent  uuid
-- >> name       integer
-- >> stamps     timestamptz[]
-- >> ds_xmin    double precision
-- >> ds_ymin    double precision
-- >> ds_xmax    double precision
-- >> ds_ymax    double precision
select ds_parent, coalesce(ds_name, 0) as name, po_stamps stamps, ds_xmin, ds_ymin, ds_xmax, ds_ymax
  from (select pa_hash from paths where pa_type = 'directory' and (pa_parents && $1::uuid[] or pa_hash = any($1::uuid[]))) p
  join datasets on ds_parent = pa_hash;

-- The box, period and names of the datasets below a directory.
-- $1 dir    uuid
-- $2 names  text[]   as the API compares them; null: all
-- $3 kept   boolean  the directory's coverage is there and true
-- $4 root   boolean  it is the shard's
-- >> xmin   double precision  EPSG:3857
-- >> ymin   double precision
-- >> xmax   double precision
-- >> ymax   double precision
-- >> since  timestamptz
-- >> until  timestamptz
-- >> names  text     ascending, a comma between
with wanted as materialized (
    select case when $2::text[] is not null then coalesce(array_agg(na_id), '{}') end ids
      from names
     where na_name = any($2::text[])
), part as (
    select co_name id, co_xmin x0, co_ymin y0, co_xmax x1, co_ymax y1, co_min_stamp t0, co_max_stamp t1
      from coverage, wanted
     where $3::boolean and co_dir = $1::uuid and (ids is null or co_name = any(ids))
    union all
    select ds_name, ds_xmin, ds_ymin, ds_xmax, ds_ymax, po_min_stamp, po_max_stamp
      from wanted, coverage_new
      join datasets on ds_id = cn_dataset
     where $3::boolean and (ids is null or ds_name = any(ids))
       and ($4::boolean or ds_parent = $1::uuid
            or exists (select from paths where pa_hash = ds_parent and pa_parents @> array[$1::uuid]))
    union all
    select ds_name, ds_xmin, ds_ymin, ds_xmax, ds_ymax, po_min_stamp, po_max_stamp
      from wanted, datasets
     where not $3::boolean and $4::boolean and (ids is null or ds_name = any(ids))
    union all
    select ds_name, ds_xmin, ds_ymin, ds_xmax, ds_ymax, po_min_stamp, po_max_stamp
      from wanted, paths
      join datasets on po_hash = pa_hash
     where not $3::boolean and not $4::boolean and pa_parents @> array[$1::uuid] and (ids is null or ds_name = any(ids))
)
select min(x0) as xmin, min(y0) ymin, max(x1) as xmax, max(y1) ymax, min(t0) since, max(t1) "until",
       (select string_agg(na_name, ',' order by na_name)
          from names
         where na_id = any(array_agg(distinct id))) as names
  from part;

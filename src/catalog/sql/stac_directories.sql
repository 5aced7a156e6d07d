-- The directories with datasets of a shard, and the shard itself (id null) first, with where and when their datasets are.
-- For a user, of a directory those of files that he may read, and of the shard nothing.
-- $1 only     uuid      this directory alone; null: all
-- $2 whole    boolean   the shard itself too
-- $3 uid      bigint    who asks; null: sees all
-- $4 groups   bigint[]
-- $5 after    uuid      go on behind this directory; null: from the start
-- $6 count    bigint    at most; null: all
-- >> id       text      key of the directory; null: the shard
-- >> path     text
-- >> west     double precision
-- >> south    double precision
-- >> east     double precision
-- >> north    double precision
-- >> first    timestamptz
-- >> last     timestamptz
-- >> variables text     JSON: their names
-- >> key      text
  with inner_boxes as (
    select ds_parent, min(ds_west) w, min(ds_south) s, max(ds_east) e, max(ds_north) n, bool_or(ds_west > ds_east) cut,
           min(po_min_stamp) first, max(po_max_stamp) last,
           jsonb_agg(distinct po_name) filter (where po_name is not null) variables
      from datasets
     where ds_west is not null
       and ($3::bigint is null
            or exists (select from files
                        where fi_hash = po_hash and catalog.may(4, $3::bigint, $4::bigint[], fi_nuid, fi_ngid, fi_nmode)))
       and ($1::uuid is null or ds_parent = $1::uuid)
       and ($5::uuid is null or ds_parent > $5::uuid)
     group by ds_parent
    having $3::bigint is null or not exists (
           select from paths join directories on di_hash = any(pa_parents || pa_hash)
            where pa_hash = ds_parent
              and not catalog.may(5, $3::bigint, $4::bigint[], di_nuid, di_ngid, di_nmode))
     order by ds_parent
     limit $6::bigint
), kept (whole) as materialized ( -- does the root's coverage say all of it?
    select exists (select from coverage where co_dir = root) and not exists (select from coverage_due where cd_dir = root)
       and not exists (select from levels where le_count > 0 and le_name not in (select na_id from names))
      from (select md5(sh_path)::uuid root from public.shards where sh_code = current_schema()) r
), whole (w, s, e, n, f, l) as (
    select round((co_xmin / 20037508.342789244 * 180)::numeric, 9)::double precision,
           case when co_ymin <= -20037508.342789 then -90
                else round((degrees(2 * atan(exp(co_ymin / 6378137))) - 90)::numeric, 9)::double precision end,
           round((co_xmax / 20037508.342789244 * 180)::numeric, 9)::double precision,
           case when co_ymax >= 20037508.342789 then 90
                else round((degrees(2 * atan(exp(co_ymax / 6378137))) - 90)::numeric, 9)::double precision end,
           co_min_stamp, co_max_stamp
      from kept, coverage
     where $2::boolean and $3::bigint is null and kept.whole
       and co_dir = (select md5(sh_path)::uuid from public.shards where sh_code = current_schema())
     union all
    select case when ds_west > ds_east then -180 else ds_west end, ds_south, case when ds_west > ds_east then 180 else ds_east end,
           ds_north, po_min_stamp, po_max_stamp
      from coverage_new
      join datasets on ds_id = cn_dataset
     where $2::boolean and $3::bigint is null and (select kept.whole from kept)
     union all
    select case when ds_west > ds_east then -180 else ds_west end, ds_south, case when ds_west > ds_east then 180 else ds_east end,
           ds_north, po_min_stamp, po_max_stamp
      from datasets
     where $2::boolean and $3::bigint is null and not (select kept.whole from kept)
)
(select null::text as id, null::text as path, min(w) as west, min(s) as south, max(e) as east, max(n) as north,
        min(f) as first, max(l) as last,
        (select coalesce(jsonb_agg(na_name order by na_name), '[]') from names where $3::bigint is null)::text as variables,
        '00000000-0000-0000-0000-000000000000' as key
   from whole
  where $2::boolean and $3::bigint is null
 having $2::boolean)
 union all
(select ds_parent::text, pa_path, case when cut then -180 else w end, s, case when cut then 180 else e end, n, first, last,
        coalesce(variables, '[]')::text, ds_parent::text
   from inner_boxes
   join paths on pa_hash = ds_parent
  order by ds_parent);

-- The datasets of the files that a search finds, behind a row that says how the search went. What may fit comes from
-- the cells of the grid, from names and times, or is given. Shapes are tested once for all datasets that share one, and
-- only datasets of shapes in the mask are looked at.
-- $1 path      text
-- $2 hash      uuid           of the path
-- $3 root      boolean        it is the shard's root
-- $4 names     text[]         as the API compares them; null: all
-- $5 given     bigint[]       datasets to test, and their shapes; null: search
-- $6 shapes    bigint[]
-- $7 sizes     integer        sizes of which cells are given, as bits
-- $8 counts    bigint[]       cells of each size; null: no area
-- $9 firsts    bigint[]       runs of cells, those of a size together; with a time single cells
-- $10 lasts    bigint[]
-- $11 runs_at  integer[]      where those of each size begin, and of the size behind the last
-- $12 since_us bigint         time wanted, microseconds; all there is: any
-- $13 until_us bigint
-- $14 ends_us  bigint[]       when the last dataset of each class of length ends that can begin in time
-- $15 since    timestamptz    the same as time; null: any
-- $16 until    timestamptz
-- $17 ends     timestamptz[]
-- $18 hull     boolean        also where no stamp is between since and until, but some before and behind
-- $19 west     float8         box around the mask; null: anywhere
-- $20 south    float8
-- $21 east     float8
-- $22 north    float8
-- $23 inner    float8[]       west, south, east, north: what lies in this box is in the mask; may be null
-- $24 left     smallint       the box in parts of the world, as cells have it
-- $25 bottom   smallint
-- $26 right    smallint
-- $27 top      smallint
-- $28 mask     geometry
-- $29 change   float8[]       search_mask()'s last three arguments
-- $30 degrees  boolean        compare in degrees, because the mask is too large for one plane
-- $31 convex   boolean        with the convex hull of the mask
-- $32 most     bigint         files at most; null: all
-- >> ds_srs   integer  number of the coordinate system's text
-- >> ds_json  text     the rest of the answer; in the first row: shard, sizes that occur, way of the search
with wanted as materialized (
    select array(select na_id from names where na_name = any($4::text[])) names
), level (base, name, span, size) as materialized (
    select (le_name::bigint << 40) + (le_time::bigint << 37) + (le_space::bigint << 32), le_name, le_time, le_space
      from levels
     where $5::bigint[] is null and le_name = any((select names from wanted)::integer[])
       -- more than none, so said that the planner expects few, and does not make room for many
       and le_count + 0 between 1 and 9223372036854775807
     union all
    select (le_name::bigint << 40) + (le_time::bigint << 37) + (le_space::bigint << 32), le_name, le_time, le_space
      from levels
     where $5::bigint[] is null and $4::text[] is null and le_count + 0 between 1 and 9223372036854775807
), state as materialized (
    select shard, sizes,
           case when coalesce(below, 0) = 0 then 'nothing'
                when $5::bigint[] is not null then 'given'
                when not $3::boolean and below <= 512 then 'walk'
                when sizes & ~$7::integer <> 0 then 'again'
                when $15::timestamptz is null then 'runs'
                when $8::bigint[] is null or cells > 1024 then 'times'
                else 'cells' end way
      from (select (select sh_code
                      from public.shards
                     where $1::text = sh_path or starts_with($1::text, rtrim(sh_path, '/') || '/')
                     order by length(sh_path) desc
                     limit 1) shard,
                   (select di_datasets from directories where di_hash = $2::uuid) below,
                   coalesce(bit_or(1 << size), 0) sizes, sum(($8::bigint[])[size + 1]) cells
              from level
            offset 0) s
), candidate (id, shape) as materialized (
    select * from unnest($5::bigint[], $6::bigint[])
     union
    select c.ce_dataset, c.shape
      from level
     cross join lateral unnest(($9::bigint[])[($11::integer[])[size + 1] + 1:($11::integer[])[size + 2]]) r (cell)
     cross join lateral (select ce_dataset, coalesce(ce_shape, ce_dataset) shape
                           from cells
                          where ce_key = base + cell
                            and ce_max between $12::bigint and ($14::bigint[])[span + 1] and ce_min <= $13::bigint
                            and ce_west <= $26::smallint and ce_east >= $24::smallint
                            and ce_south <= $27::smallint and ce_north >= $25::smallint
                         offset 0) c
     where (select way from state) = 'cells'
     union
    select c.ce_dataset, c.shape
      from level
     cross join lateral unnest(($9::bigint[])[($11::integer[])[size + 1] + 1:($11::integer[])[size + 2]],
                               ($10::bigint[])[($11::integer[])[size + 1] + 1:($11::integer[])[size + 2]]) r (first, last)
     cross join lateral (select ce_dataset, coalesce(ce_shape, ce_dataset) shape
                           from cells
                          where ce_key between base + first and base + last
                            -- always true, but without it the planner makes room for many
                            and ce_max >= $12::bigint and ce_min <= $13::bigint
                            and ce_west <= $26::smallint and ce_east >= $24::smallint
                            and ce_south <= $27::smallint and ce_north >= $25::smallint
                         offset 0) c
     where (select way from state) = 'runs'
     union
    select d.ds_id, d.shape
      from level
     cross join lateral (select ds_id, coalesce(ds_shape, ds_id) shape
                           from datasets
                          where ds_name = level.name and catalog.time_class(po_min_stamp, po_max_stamp) = level.span
                            and po_max_stamp between $15::timestamptz and ($17::timestamptz[])[span + 1]
                            and po_min_stamp <= $16::timestamptz
                         offset 0) d
     where (select way from state) = 'times'
       and not exists (select from level l where (l.name, l.span) = (level.name, level.span) and l.size < level.size)
), form as materialized (
    select c.shape, po_polygon polygon, st_srid(po_polygon) srid, ds_east < ds_west across,
           coalesce(ds_west <= ds_east and ds_west >= ($23::float8[])[1] and ds_south >= ($23::float8[])[2]
                    and ds_east <= ($23::float8[])[3] and ds_north <= ($23::float8[])[4], false) wholly
      from (select shape, min(id) id from candidate where $19::float8 is not null group by shape) c
      join datasets on ds_id = c.id
     where po_polygon is not null and ds_south <= $22::float8 and ds_north >= $20::float8
       and case when ds_west <= ds_east then ds_west <= $21::float8 and ds_east >= $19::float8
                else ds_west <= $21::float8 or ds_east >= $19::float8 end
), mask as materialized (
    select srid, plain,
           case when $30::boolean and srid is distinct from plane then null
                when $31::boolean then st_convexhull(catalog.shape_in(plain, srid))
                else catalog.shape_in(plain, srid) end native,
           case when $30::boolean and srid is distinct from plane then catalog.mask_in_degrees(plain) end degrees
      from (select distinct srid from form where not wholly) s
     cross join (select m, case when st_srid(m) = 4326 then null else st_srid(m) end plane,
                        catalog.search_mask(m, ($29::float8[])[1], ($29::float8[])[2],
                                            ($29::float8[])[3]) plain
                   from (select $28::geometry m) x) y
), touched as materialized (
    select shape from form where wholly
     union all
    select shape
      from mask
      join form using (srid)
     where not wholly
       and case when degrees is not null
                then coalesce(st_intersects(degrees, catalog.shape_in_degrees(polygon, across)), true)
                when native is not null then st_intersects(native, polygon)
                else coalesce(st_intersects(plain, catalog.shape_in(polygon, st_srid(plain))), true) end
), near as materialized (
    select po_hash, ds_parent, ds_alike, ds_srs, ds_json
      from candidate
      join datasets on ds_id = id
     where ($19::float8 is null or shape in (select shape from touched))
       and case when $15::timestamptz is null then true
                when po_max_stamp < $15::timestamptz or po_min_stamp > $16::timestamptz or po_max_stamp is null then false
                when po_min_stamp >= $15::timestamptz or po_max_stamp <= $16::timestamptz
                     or ds_gap <= $13::bigint - $12::bigint or $18::boolean then true
                else width_bucket($16::timestamptz, po_stamps)
                     > width_bucket($15::timestamptz - interval '1 microsecond', po_stamps) end
), inside as materialized (
    select pa_hash
      from (select distinct ds_parent from near) x
      join paths on pa_hash = ds_parent
     where pa_hash = $2::uuid or pa_parents @> array[$2::uuid]
), hit as not materialized (
    select *
      from near
     where $3::boolean or $5::bigint[] is not null or ds_parent in (select pa_hash from inside)
), first as materialized (
    select distinct po_hash from hit limit $32::bigint
)
select null::integer ds_srs, shard || ' ' || sizes || ' ' || way ds_json
  from state
 union all
select ds_srs, ds_json
  from hit
 where ds_alike and ($32::bigint is null or po_hash in (select po_hash from first))
 union all
select d.ds_srs, d.ds_json
  from (select distinct po_hash
          from hit
         where ds_alike is not true and ($32::bigint is null or po_hash in (select po_hash from first))) f
 cross join lateral (select ds_srs, ds_json
                       from datasets
                      where po_hash = f.po_hash and ($4::text[] is null or ds_name = any((select names from wanted)::integer[]))
                     offset 0) d;

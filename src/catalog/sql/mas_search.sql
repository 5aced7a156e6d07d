-- The datasets of the files that a search finds, behind a row that says how the search went. What may fit comes from
-- the cells of the grid, from names and times, or is given. Shapes are tested once for all datasets that share one, and
-- only datasets of shapes in the mask are looked at.
-- $1 path            text
-- $2 hash            uuid           of the path
-- $3 root            boolean        it is the shard's root
-- $4 names           text[]         as the API compares them; null: all
-- $5 given           bigint[]       datasets to test; null: search
-- $6 sizes           integer        sizes of which cells are given, as bits
-- $7 counts          bigint[]       cells of each size; null: no area
-- $8 cells           bigint[]       with a time: cells, those of a size together
-- $9 cells_at        integer[]      where those of each size begin, and of the size behind the last
-- $10 firsts         bigint[]       without one: runs of cells, in the same way
-- $11 lasts          bigint[]
-- $12 runs_at        integer[]
-- $13 since_us       bigint         time wanted, microseconds; all there is: any
-- $14 until_us       bigint
-- $15 ends_us        bigint[]       when the last dataset of each class of length ends that can begin in time
-- $16 since          timestamptz    the same as time; null: any
-- $17 until          timestamptz
-- $18 ends           timestamptz[]
-- $19 hull           boolean        also where no stamp is between since and until, but some before and behind
-- $20 west           float8         box around the mask; null: anywhere
-- $21 south          float8
-- $22 east           float8
-- $23 north          float8
-- $24 inner          float8[]       west, south, east, north: what lies in this box is in the mask; may be null
-- $25 left           smallint       the box in parts of the world, as cells have it
-- $26 bottom         smallint
-- $27 right          smallint
-- $28 top            smallint
-- $29 mask           geometry
-- $30 change         float8[]       search_mask()'s last three arguments
-- $31 degrees        boolean        compare in degrees, because the mask is too large for one plane
-- $32 convex         boolean        with the convex hull of the mask
-- $33 most           bigint         files at most; null: all
-- >> ds_srs   integer  number of the coordinate system's text
-- >> ds_json  text     the rest of the answer; in the first row: shard, sizes that occur, way of the search
with wanted as materialized (
    select array(select na_id from names where na_name = any($4::text[])) names
), level (base, name, span, size) as materialized (
    select (le_name::bigint << 40) + (le_time::bigint << 37) + (le_space::bigint << 32), le_name, le_time, le_space
      from levels
     where $5::bigint[] is null and le_name = any((select names from wanted)::integer[]) and le_count > 0
     union all
    select (le_name::bigint << 40) + (le_time::bigint << 37) + (le_space::bigint << 32), le_name, le_time, le_space
      from levels
     where $5::bigint[] is null and $4::text[] is null and le_count > 0
), state as materialized (
    select shard, sizes,
           case when coalesce(below, 0) = 0 then 'nothing'
                when $5::bigint[] is not null then 'given'
                when not $3::boolean and below <= 512 then 'walk'
                when sizes & ~$6::integer <> 0 then 'again'
                when $16::timestamptz is null then 'runs'
                when $7::bigint[] is null or cells > 1024 then 'times'
                else 'cells' end way
      from (select (select sh_code
                      from public.shards
                     where $1::text = sh_path or starts_with($1::text, rtrim(sh_path, '/') || '/')
                     order by length(sh_path) desc
                     limit 1) shard,
                   (select di_datasets from directories where di_hash = $2::uuid) below,
                   (select coalesce(bit_or(1 << size), 0) from level) sizes,
                   (select sum(($7::bigint[])[size + 1]) from level) cells) s
), candidate (id, shape) as materialized (
    select ds_id, coalesce(ds_shape, ds_id)
      from unnest($5::bigint[]) g (id)
      join datasets on ds_id = g.id
     where $4::text[] is null or ds_name = any((select names from wanted)::integer[])
     union
    select c.ce_dataset, c.shape
      from level
     cross join lateral unnest(($8::bigint[])[($9::integer[])[size + 1] + 1:($9::integer[])[size + 2]]) k (cell)
     cross join lateral (select ce_dataset, coalesce(ce_shape, ce_dataset) shape
                           from cells
                          where ce_key = base + cell
                            and ce_max between $13::bigint and ($15::bigint[])[span + 1] and ce_min <= $14::bigint
                            and ce_west <= $27::smallint and ce_east >= $25::smallint
                            and ce_south <= $28::smallint and ce_north >= $26::smallint
                         offset 0) c
     where (select way from state) = 'cells'
     union
    select c.ce_dataset, c.shape
      from level
     cross join lateral unnest(($10::bigint[])[($12::integer[])[size + 1] + 1:($12::integer[])[size + 2]],
                               ($11::bigint[])[($12::integer[])[size + 1] + 1:($12::integer[])[size + 2]]) k (first, last)
     cross join lateral (select ce_dataset, coalesce(ce_shape, ce_dataset) shape
                           from cells
                          where ce_key between base + first and base + last
                            and ce_max >= $13::bigint and ce_min <= $14::bigint
                            and ce_west <= $27::smallint and ce_east >= $25::smallint
                            and ce_south <= $28::smallint and ce_north >= $26::smallint
                         offset 0) c
     where (select way from state) = 'runs'
     union
    select d.ds_id, d.shape
      from (select distinct name, span from level) n
     cross join lateral (select ds_id, coalesce(ds_shape, ds_id) shape
                           from datasets
                          where ds_name = n.name and catalog.time_class(po_min_stamp, po_max_stamp) = n.span
                            and po_max_stamp between $16::timestamptz and ($18::timestamptz[])[span + 1]
                            and po_min_stamp <= $17::timestamptz
                         offset 0) d
     where (select way from state) = 'times'
), form as materialized (
    select c.shape, po_polygon polygon, st_srid(po_polygon) srid, ds_east < ds_west across,
           coalesce(ds_west <= ds_east and ds_west >= ($24::float8[])[1] and ds_south >= ($24::float8[])[2]
                    and ds_east <= ($24::float8[])[3] and ds_north <= ($24::float8[])[4], false) wholly
      from (select shape, min(id) id from candidate where $20::float8 is not null group by shape) c
      join datasets on ds_id = c.id
     where po_polygon is not null and ds_south <= $23::float8 and ds_north >= $21::float8
       and case when ds_west <= ds_east then ds_west <= $22::float8 and ds_east >= $20::float8
                else ds_west <= $22::float8 or ds_east >= $20::float8 end
), mask as materialized (
    select srid, plain,
           case when $31::boolean and srid is distinct from plane then null
                when $32::boolean then st_convexhull(catalog.shape_in(plain, srid))
                else catalog.shape_in(plain, srid) end native,
           case when $31::boolean and srid is distinct from plane then catalog.mask_in_degrees(plain) end degrees
      from (select distinct srid from form where not wholly) s
     cross join (select m, case when st_srid(m) = 4326 then null else st_srid(m) end plane,
                        catalog.search_mask(m, ($30::float8[])[1], ($30::float8[])[2],
                                            ($30::float8[])[3]) plain
                   from (select $29::geometry m) x) y
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
     where ($20::float8 is null or shape in (select shape from touched))
       and case when $16::timestamptz is null then true
                when po_max_stamp < $16::timestamptz or po_min_stamp > $17::timestamptz or po_max_stamp is null then false
                when po_min_stamp >= $16::timestamptz or po_max_stamp <= $17::timestamptz
                     or ds_gap <= $14::bigint - $13::bigint or $19::boolean then true
                else width_bucket($17::timestamptz, po_stamps)
                     > width_bucket($16::timestamptz - interval '1 microsecond', po_stamps) end
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
    select distinct po_hash from hit limit $33::bigint
)
select null::integer ds_srs, shard || ' ' || sizes || ' ' || way ds_json
  from state
 union all
select ds_srs, ds_json
  from hit
 where ds_alike and ($33::bigint is null or po_hash in (select po_hash from first))
 union all
select d.ds_srs, d.ds_json
  from (select distinct po_hash
          from hit
         where ds_alike is not true and ($33::bigint is null or po_hash in (select po_hash from first))) f
 cross join lateral (select ds_srs, ds_json
                       from datasets
                      where po_hash = f.po_hash and ($4::text[] is null or ds_name = any((select names from wanted)::integer[]))
                     offset 0) d;

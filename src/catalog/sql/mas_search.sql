-- The datasets of the files that a search finds. What may fit comes from one of three places: cells of the grid, names
-- and times, or the files below a directory; then it is tested, time and box first, the shape itself last.
-- $1 keys            bigint[]       cells
-- $2 key_since       bigint[]       earliest and latest end of a dataset in the cell, microseconds
-- $3 key_until       bigint[]
-- $4 range_first     bigint[]       runs of cells
-- $5 range_last      bigint[]
-- $6 range_since     bigint[]
-- $7 range_until     bigint[]
-- $8 time_names      integer[]      names and classes of length
-- $9 time_classes    integer[]
-- $10 time_since     timestamptz[]  earliest and latest end of a dataset of the class
-- $11 time_until     timestamptz[]
-- $12 walk           uuid           directory whose files are all looked at
-- $13 before         bigint         what starts later than this many microseconds does not fit
-- $14 names          integer[]      names wanted; null: any
-- $15 since          timestamptz    time wanted; null: any
-- $16 until          timestamptz
-- $17 hull           boolean        also where no stamp is between since and until, but some before and behind
-- $18 box            float8[]  west, south, east, north of the mask; null: anywhere
-- $19 inner          float8[]  what lies in this box is in the mask; may be null
-- $20 mask           geometry
-- $21 change         float8[]  search_mask()'s last three arguments
-- $22 degrees        boolean        compare in degrees, because the mask is too large for one plane
-- $23 convex         boolean        with the convex hull of the mask
-- $24 path           uuid           directory that the files are below; null: any
-- $25 most           bigint         files at most; null: all
-- $26 parts          smallint[]     the box in parts of the world, as cells have it
-- >> ds_srs   integer  number of the coordinate system's text
-- >> ds_json  text     the rest of the answer
with candidate (id) as materialized (
    select c.ce_dataset
      from unnest($1::bigint[], $2::bigint[], $3::bigint[]) p (key, since, until)
     cross join lateral (select ce_dataset
                           from cells
                          where ce_key = p.key and ce_max between p.since and p.until and ce_min <= $13::bigint
                            and ce_west <= ($26::smallint[])[3] and ce_east >= ($26::smallint[])[1]
                            and ce_south <= ($26::smallint[])[4] and ce_north >= ($26::smallint[])[2]
                         offset 0) c
     union
    select c.ce_dataset
      from unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) p (first, last, since, until)
     cross join lateral (select ce_dataset
                           from cells
                          where ce_key between p.first and p.last and ce_max between p.since and p.until
                            and ce_min <= $13::bigint
                            and ce_west <= ($26::smallint[])[3] and ce_east >= ($26::smallint[])[1]
                            and ce_south <= ($26::smallint[])[4] and ce_north >= ($26::smallint[])[2]
                         offset 0) c
     union
    select d.ds_id
      from unnest($8::integer[], $9::integer[], $10::timestamptz[], $11::timestamptz[]) p (name, class, since, until)
     cross join lateral (select ds_id
                           from datasets
                          where ds_name = p.name and catalog.time_class(po_min_stamp, po_max_stamp) = p.class
                            and po_max_stamp between p.since and p.until and po_min_stamp <= $16::timestamptz
                         offset 0) d
     union
    select d.ds_id
      from paths
     cross join lateral (select ds_id from datasets where po_hash = pa_hash offset 0) d
     where $12::uuid is not null and pa_parents @> array[$12::uuid]
), near as materialized (
    select po_hash, ds_parent, ds_east < ds_west across,
           case when $18::float8[] is not null
                 and (ds_west < ($19::float8[])[1] or ds_south < ($19::float8[])[2]
                      or ds_east > ($19::float8[])[3] or ds_north > ($19::float8[])[4]
                      or ds_east < ds_west or $19::float8[] is null)
                then po_polygon end shape
      from candidate
      join datasets on ds_id = id
     where ($14::integer[] is null or ds_name = any($14::integer[]))
       and case when $15::timestamptz is null then true
                when po_max_stamp < $15::timestamptz or po_min_stamp > $16::timestamptz or po_max_stamp is null then false
                when $17::boolean or po_min_stamp >= $15::timestamptz or po_max_stamp <= $16::timestamptz then true
                else width_bucket($16::timestamptz, po_stamps)
                     > width_bucket($15::timestamptz - interval '1 microsecond', po_stamps) end
       and case when $18::float8[] is null then true
                when ds_south > ($18::float8[])[4] or ds_north < ($18::float8[])[2]
                     or po_polygon is null or ds_west is null then false
                when ds_west <= ds_east
                then ds_west <= ($18::float8[])[3] and ds_east >= ($18::float8[])[1]
                else ds_west <= ($18::float8[])[3] or ds_east >= ($18::float8[])[1] end
), mask as materialized (
    select srid, plain,
           case when $22::boolean and srid is distinct from plane then null
                when $23::boolean then st_convexhull(catalog.shape_in(plain, srid))
                else catalog.shape_in(plain, srid) end native,
           case when $22::boolean and srid is distinct from plane then catalog.mask_in_degrees(plain) end degrees
      from (select distinct st_srid(shape) srid from near where shape is not null) s
     cross join (select m, case when st_srid(m) = 4326 then null else st_srid(m) end plane,
                        catalog.search_mask(m, ($21::float8[])[1], ($21::float8[])[2],
                                            ($21::float8[])[3]) plain
                   from (select $20::geometry m) x) y
), inside as materialized (
    select pa_hash
      from (select distinct ds_parent from near where $24::uuid is not null) x
      join paths on pa_hash = ds_parent
     where pa_hash = $24::uuid or pa_parents @> array[$24::uuid]
), hit as materialized (
    select distinct po_hash
      from near
      left join mask on srid = st_srid(shape)
     where ($24::uuid is null or ds_parent in (select pa_hash from inside))
       and (shape is null
            or case when degrees is not null
                    then coalesce(st_intersects(degrees, catalog.shape_in_degrees(shape, across)), true)
                    when native is not null then st_intersects(native, shape)
                    else coalesce(st_intersects(plain, catalog.shape_in(shape, st_srid(plain))), true) end)
     limit $25::bigint
)
select d.ds_srs, d.ds_json
  from hit
 cross join lateral (select ds_srs, ds_json
                       from datasets
                      where po_hash = hit.po_hash and ($14::integer[] is null or ds_name = any($14::integer[]))
                     offset 0) d;

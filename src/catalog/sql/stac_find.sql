-- The files of a search, by key. What may fit comes from cells of the grid, from names and times, from keys, from
-- directories, or from all files in the order of their keys; then each file is tested until the page is full.
-- $1 keys         bigint[]       cells
-- $2 key_since    bigint[]       earliest and latest end of a dataset in the cell, microseconds
-- $3 key_until    bigint[]
-- $4 range_first  bigint[]       runs of cells
-- $5 range_last   bigint[]
-- $6 range_since  bigint[]
-- $7 range_until  bigint[]
-- $8 time_names   integer[]      names and classes of length
-- $9 time_classes integer[]
-- $10 time_since  timestamptz[]  earliest and latest end of a dataset of the class
-- $11 time_until  timestamptz[]
-- $12 parts       smallint[]     the box in parts of the world, as cells have it
-- $13 ids         uuid[]         these files
-- $14 dirs        uuid[]         files of these directories
-- $15 all         boolean        all files
-- $16 most        bigint         candidates at most
-- $17 only_dirs   uuid[]         conditions: in one of these directories; null: any
-- $18 west        double precision  a dataset touches this box; null: any
-- $19 south       double precision
-- $20 east        double precision
-- $21 north       double precision
-- $22 shape       text           ... touches this shape (EWKB in hexadecimal); null: any
-- $23 since       timestamptz    ... and has a time from here; null: any
-- $24 until       timestamptz    ... to here; null: any
-- $25 uid         bigint         who asks; null: sees all
-- $26 groups      bigint[]
-- $27 after       uuid           go on behind this key; null: from the start
-- $28 count       bigint         files at most; null: all
-- >> found   text    the files' keys, in order: an array
-- >> seen    bigint  candidates
-- >> upto    text    the last one's key
with near (id) as materialized (
    select c.ce_dataset id
       from unnest($1::bigint[], $2::bigint[], $3::bigint[]) p (key, since, until)
      cross join lateral (select ce_dataset
                            from cells
                           where ce_key = p.key and ce_max between p.since and p.until
                             and ce_west <= ($12::smallint[])[3] and ce_east >= ($12::smallint[])[1]
                             and ce_south <= ($12::smallint[])[4] and ce_north >= ($12::smallint[])[2]
                          offset 0) c
      union all
     select c.ce_dataset
       from unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) p (first, last, since, until)
      cross join lateral (select ce_dataset
                            from cells
                           where ce_key between p.first and p.last and ce_max between p.since and p.until
                             and ce_west <= ($12::smallint[])[3] and ce_east >= ($12::smallint[])[1]
                             and ce_south <= ($12::smallint[])[4] and ce_north >= ($12::smallint[])[2]
                          offset 0) c
      limit $16::bigint
), candidate (hash) as materialized (
    select po_hash from near join datasets on ds_id = id where (select count(*) from near) < $16::bigint
     union all
    (select d.po_hash
       from unnest($8::integer[], $9::integer[], $10::timestamptz[], $11::timestamptz[]) p (name, class, since, until)
      cross join lateral (select po_hash
                            from datasets
                           where ds_name = p.name and catalog.time_class(po_min_stamp, po_max_stamp) = p.class
                             and po_max_stamp between p.since and p.until
                             and ($24::timestamptz is null or po_min_stamp <= $24::timestamptz)
                          offset 0) d
      limit $16::bigint)
     union all
    select po_hash from unnest($13::uuid[]) i join datasets on po_hash = i
     union all
    (select d.po_hash
       from unnest($14::uuid[]) i
      cross join lateral (select po_hash from datasets where ds_parent = i offset 0) d
      limit $16::bigint)
     union all
    (select po_hash
       from datasets
      where $15::boolean and po_hash > coalesce($27::uuid, '00000000-0000-0000-0000-000000000000')
      order by po_hash
      limit $16::bigint)
), found as (
    select hash
      from (select distinct hash -- in order, so that no more are tested than the page takes
              from candidate
             where hash > coalesce($27::uuid, '00000000-0000-0000-0000-000000000000')
             order by hash) file
     cross join lateral (
           select
             from datasets
            where po_hash = hash
              and ds_west is not null
              and ($17::uuid[] is null or ds_parent = any($17::uuid[]))
              and case when $23::timestamptz is null and $24::timestamptz is null then true
                       when po_max_stamp is not null
                       then po_max_stamp >= coalesce($23::timestamptz, '-infinity')
                        and po_min_stamp <= coalesce($24::timestamptz, 'infinity')
                       else (select coalesce(max(o.po_max_stamp), (select fi_mtime from files where fi_hash = hash))
                                    >= coalesce($23::timestamptz, '-infinity')
                                and coalesce(min(o.po_min_stamp), (select fi_mtime from files where fi_hash = hash))
                                    <= coalesce($24::timestamptz, 'infinity')
                               from datasets o
                              where o.po_hash = hash) end
              and case when $18::double precision is null then true
                       when not catalog.boxes_touch(ds_west, ds_south, ds_east, ds_north, $18::double precision,
                                                    $19::double precision, $20::double precision, $21::double precision)
                       then false
                       when $18::double precision <= ds_west and ds_west <= ds_east and ds_east <= $20::double precision
                        and $19::double precision <= ds_south and ds_north <= $21::double precision
                       then true
                       else public.st_intersects(catalog.shape_of(po_polygon, ds_west, ds_south, ds_east, ds_north),
                                                 catalog.box_shape($18::double precision, $19::double precision,
                                                                   $20::double precision, $21::double precision)) end
              and case when $22::text is null then true
                       when not public.st_intersects(catalog.box_shape(ds_west, ds_south, ds_east, ds_north),
                                                     $22::text::public.geometry)
                       then false
                       else public.st_intersects(catalog.shape_of(po_polygon, ds_west, ds_south, ds_east, ds_north),
                                                 $22::text::public.geometry) end
            limit 1) fits
     where $25::bigint is null
        or exists (select from files
                    where fi_hash = hash and catalog.may(4, $25::bigint, $26::bigint[], fi_nuid, fi_ngid, fi_nmode))
       and not exists (
           select from paths join directories on di_hash = any(pa_parents)
            where pa_hash = hash
              and not catalog.may(5, $25::bigint, $26::bigint[], di_nuid, di_ngid, di_nmode))
     order by hash
     limit $28::bigint
)
select array(select hash from found)::text as found, (select greatest(count(*), (select count(*) from near)) from candidate) as seen,
       (select hash from candidate order by hash desc limit 1)::text as upto;

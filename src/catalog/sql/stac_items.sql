-- Files with geometry, by key, as STAC items. Times and places are those of all datasets of the file together.
-- $1 ids      uuid[]    only these; null: all
-- $2 dirs     uuid[]    only those in these directories; null: all
-- $3 west     double precision  touching this box ...
-- $4 south    double precision
-- $5 east     double precision
-- $6 north    double precision
-- $7 shape    text      ... or this shape (EWKB in hexadecimal)
-- $8 since    timestamptz  with a time from here ...
-- $9 until    timestamptz  ... to here
-- $10 uid     bigint    who asks; null: sees all
-- $11 groups  bigint[]
-- $12 after   uuid      go on behind this key; null: from the start
-- $13 count   bigint    at most; null: all
-- >> id       text
-- >> path     text
-- >> parent   text      key of the directory
-- >> size     bigint
-- >> mtime    timestamptz
-- >> kind     text
-- >> sha256   bytea
-- >> learned  timestamptz
-- >> geometry text      GeoJSON
-- >> west     double precision
-- >> south    double precision
-- >> east     double precision  below west across the antimeridian
-- >> north    double precision
-- >> first    timestamptz
-- >> last     timestamptz
-- >> variables text     JSON: their names
-- >> srid     integer   EPSG code of the datasets, when they have one in common
-- >> transform text     JSON: of the first dataset, as GDAL has it
-- >> shape    text      JSON: rows and columns of the first dataset
-- >> key      text
  with found as (
    select po_hash, min(po_min_stamp) first, max(po_max_stamp) last, bool_or(ds_west > ds_east) cut
      from datasets
     where ds_west is not null
       and ($1::uuid[] is null or po_hash = any($1::uuid[]))
       and ($2::uuid[] is null or ds_parent = any($2::uuid[]))
       and ($12::uuid is null or po_hash > $12::uuid)
       and ($10::bigint is null or not exists (
            select from paths join directories on di_hash = any(pa_parents)
             where pa_hash = po_hash
               and not catalog.may(5, $10::bigint, $11::bigint[], di_nuid, di_ngid, di_nmode)))
     group by po_hash
    having ($3::double precision is null
            or bool_or(catalog.boxes_touch(ds_west, ds_south, ds_east, ds_north, $3::double precision, $4::double precision,
                                           $5::double precision, $6::double precision)
                       and public.st_intersects(catalog.shape_of(po_polygon, ds_west, ds_south, ds_east, ds_north),
                                                catalog.box_shape($3::double precision, $4::double precision,
                                                                  $5::double precision, $6::double precision))))
       and ($7::text is null
            or bool_or(public.st_intersects(catalog.box_shape(ds_west, ds_south, ds_east, ds_north), $7::text::public.geometry)
                       and public.st_intersects(catalog.shape_of(po_polygon, ds_west, ds_south, ds_east, ds_north),
                                                $7::text::public.geometry)))
       and (($8::timestamptz is null and $9::timestamptz is null)
            or (coalesce(max(po_max_stamp), (select fi_mtime from files where fi_hash = po_hash)) >= coalesce($8::timestamptz, '-infinity')
                and coalesce(min(po_min_stamp), (select fi_mtime from files where fi_hash = po_hash)) <= coalesce($9::timestamptz, 'infinity')))
     order by po_hash
     limit $13::bigint
)
select pa_hash::text as id, pa_path as path, fi_parent::text as parent, fi_size as size, fi_mtime as mtime, fi_kind as kind,
       fi_sha256 as sha256, pa_ingested at time zone 'UTC' as learned,
       public.st_asgeojson(public.st_forcepolygonccw(d.shape), 9) as geometry,
       case when cut then case when d.w > 180 then d.w - 360 else d.w end else d.w end as west, d.s as south,
       case when cut then case when d.e > 180 then d.e - 360 else d.e end else d.e end as east, d.n as north,
       first, last, d.variables::text as variables, d.srid,
       case when jsonb_typeof(g.one->'geotransform') = 'array' then (g.one->'geotransform')::text end as transform,
       case when jsonb_typeof(g.one->'x_size') = 'number' and jsonb_typeof(g.one->'y_size') = 'number'
            then jsonb_build_array(g.one->'y_size', g.one->'x_size')::text end as shape,
       pa_hash::text as key
  from found
  join paths on pa_hash = po_hash
  left join files on fi_hash = pa_hash
  left join lateral (select md_json->'geo_metadata'->0 one from metadata where md_hash = pa_hash and md_type = 'gdal') g on true
 cross join lateral (
       select public.st_unaryunion(public.st_collect(distinct catalog.shape_of(po_polygon, ds_west, ds_south, ds_east, ds_north))) shape,
              min(case when cut and ds_west <= ds_east and ds_east < 0 then ds_west + 360 else ds_west end) w, min(ds_south) s,
              max(case when cut and (ds_west > ds_east or ds_east < 0) then ds_east + 360 else ds_east end) e, max(ds_north) n,
              coalesce(jsonb_agg(distinct po_name) filter (where po_name is not null), '[]') variables,
              case when count(distinct sr_srid) = 1 and min(sr_srid) between 1 and 99999 then min(sr_srid) end srid
         from datasets x
         left join catalog.srs on sr_id = ds_srs
        where x.po_hash = found.po_hash and ds_west is not null) d
 order by pa_hash;

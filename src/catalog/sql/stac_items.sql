-- Files with geometry as STAC items. Times and places are those of all datasets of the file together.
-- $1 keys     uuid[]    which files, in order
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
-- >> record   text      JSON: of gdal, as it came
-- >> key      text
select pa_hash::text as id, pa_path as path, fi_parent::text as parent, fi_size as size, fi_mtime as mtime, fi_kind as kind,
       fi_sha256 as sha256, pa_ingested at time zone 'UTC' as learned,
       public.st_asgeojson(public.st_forcepolygonccw(p.shape), 9) as geometry,
       case when d.w > 180 then d.w - 360 else d.w end as west, d.s as south,
       case when d.e > 180 then d.e - 360 else d.e end as east, d.n as north,
       d.first, d.last, d.variables::text as variables, d.srid,
       coalesce(md_text, md_json::text) as record,
       pa_hash::text as key
  from unnest($1::uuid[]) hash
  join paths on pa_hash = hash
  left join files on fi_hash = pa_hash
  left join records on md_hash = pa_hash and md_type = 'gdal'
 cross join lateral (select bool_or(ds_west > ds_east) cut from datasets where po_hash = hash and ds_west is not null) c
 cross join lateral (
       select case when count(*) > 1 then public.st_unaryunion(public.st_collect(one)) else (array_agg(one))[1] end shape
         from (select catalog.shape_of(po_polygon, ds_west, ds_south, ds_east, ds_north) one
                 from datasets
                where po_hash = hash and ds_west is not null
                group by po_polygon, ds_west, ds_south, ds_east, ds_north) x) p
 cross join lateral (
       select min(po_min_stamp) first, max(po_max_stamp) last,
              min(case when cut and ds_west <= ds_east and ds_east < 0 then ds_west + 360 else ds_west end) w, min(ds_south) s,
              max(case when cut and (ds_west > ds_east or ds_east < 0) then ds_east + 360 else ds_east end) e, max(ds_north) n,
              coalesce(jsonb_agg(distinct po_name) filter (where po_name is not null), '[]') variables,
              case when count(distinct sr_srid) = 1 and min(sr_srid) between 1 and 99999 then min(sr_srid) end srid
         from datasets
         left join catalog.srs on sr_id = ds_srs
        where po_hash = hash and ds_west is not null) d
 order by pa_hash;

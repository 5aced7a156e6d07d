-- A GeoJSON geometry as searches take it: valid, and between 180 degrees west and east. No row where it is empty,
-- leaves the Earth, or has rings that are none; fails where it is none at all.
-- $1 geojson  text
-- >> shape    text  EWKB in hexadecimal
-- >> boxes    text  what touches it touches one of these: "west south east north ..."
select shape::text as shape,
       (select string_agg(concat_ws(' ', public.st_xmin(b), public.st_ymin(b), public.st_xmax(b), public.st_ymax(b)), ' ')
          from (select geom b from public.st_dump(shape) where public.st_numgeometries(shape) <= 16
                 union all
                select shape where public.st_numgeometries(shape) > 16) parts) as boxes
  from (select public.st_makevalid(case when public.st_xmax(g) > 180 or public.st_xmin(g) < -180
                                        then public.st_wrapx(public.st_wrapx(g, 180, -360), -180, 360) else g end) shape
          from (select public.st_setsrid(public.st_force2d(public.st_geomfromgeojson($1::text)), 4326) g) x
         where not public.st_isempty(g)
           and public.st_xmin(g) >= -360 and public.st_xmax(g) <= 360
           and public.st_ymin(g) >= -90 and public.st_ymax(g) <= 90
           and not exists (
               select
                 from public.st_dump(g) part
                cross join lateral (select geom line, 2 points where public.st_geometrytype(geom) = 'ST_LineString'
                                     union all
                                    select public.st_exteriorring(r.geom), 4
                                      from public.st_dumprings(case when public.st_geometrytype(part.geom) = 'ST_Polygon'
                                                                    then part.geom end) r) l
                where public.st_npoints(line) < points or (points = 4 and not public.st_isclosed(line)))) s
 where not public.st_isempty(shape);

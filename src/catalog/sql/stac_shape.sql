-- A GeoJSON geometry as the database keeps it; fails where it is none.
-- $1 geojson  text
-- >> shape    text  EWKB in hexadecimal
select public.st_setsrid(public.st_force2d(public.st_geomfromgeojson($1::text)), 4326)::text as shape;

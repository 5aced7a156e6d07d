-- A coordinate system by its authority and code.
-- $1 auth  text     EPSG
-- $2 code  integer
-- >> srid   integer
-- >> wkt    text
-- >> proj4  text
select srid, srtext::text wkt, proj4text::text proj4
  from public.spatial_ref_sys
 where srid = $2::integer and auth_name = $1::text and auth_srid = $2::integer
union all -- looked at only where the numbers differ: the table has no index for it
select srid, srtext, proj4text
  from public.spatial_ref_sys
 where auth_name = $1::text and auth_srid = $2::integer
 limit 1;

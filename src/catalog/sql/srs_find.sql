-- The number and SRID of a coordinate system as a record writes it.
-- $1 wkt    text
-- $2 proj4  text
-- >> id     integer
-- >> srid   integer
select sr_id id, sr_srid srid
  from catalog.srs
 where sr_key = md5($1::text || chr(31) || $2::text)::uuid;

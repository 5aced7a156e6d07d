-- Enter a coordinate system, registering an SRID for it where none fits.
-- $1 wkt    text
-- $2 proj4  text
insert into catalog.srs (sr_key, sr_wkt, sr_proj4, sr_srid)
values (md5($1::text || chr(31) || $2::text)::uuid, $1::text, $2::text, catalog.srid_for($1::text, $2::text))
    on conflict do nothing;

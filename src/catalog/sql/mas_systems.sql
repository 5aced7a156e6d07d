-- Coordinate systems as records wrote them.
-- $1 after  integer  those with higher numbers
-- >> sr_id   integer
-- >> sr_wkt  text
select sr_id, sr_wkt
  from catalog.srs
 where sr_id > $1::integer
 order by sr_id;

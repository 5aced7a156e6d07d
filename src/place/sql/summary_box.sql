-- Tables that may have something in a box: those whose summary overlaps it, and those without one. A summary has float4, which may be
-- rounded inwards by a ten-millionth.
-- $1 lowx   double precision
-- $2 lowy   double precision
-- $3 lowz   double precision
-- $4 highx  double precision
-- $5 highy  double precision
-- $6 highz  double precision
-- >> table_name  text
select d.tablename::text table_name
  from public.data_table d
  left join public.summary s on s.tablename = d.tablename
 where not coalesce(s.minx - abs(s.minx) * 2e-7 >= $4::double precision or s.maxx + abs(s.maxx) * 2e-7 < $1::double precision
                 or s.miny - abs(s.miny) * 2e-7 >= $5::double precision or s.maxy + abs(s.maxy) * 2e-7 < $2::double precision
                 or s.minz - abs(s.minz) * 2e-7 >= $6::double precision or s.maxz + abs(s.maxz) * 2e-7 < $3::double precision, false);

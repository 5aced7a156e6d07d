-- What is in tables: where, in which snapshots, how much.
-- $1 names     text[]
-- $2 bounds    float4[]  minx, miny, minz, maxx, maxy, maxz of each; null: not known
-- $3 minsnaps  int4[]
-- $4 maxsnaps  int4[]
-- $5 rows      bigint[]
insert into public.summary (tablename, minx, miny, minz, maxx, maxy, maxz, minsnap, maxsnap, galaxycount)
select n, b[i * 6 - 5], b[i * 6 - 4], b[i * 6 - 3], b[i * 6 - 2], b[i * 6 - 1], b[i * 6], l, h, r
  from (select $2::float4[] b) bounds,
       unnest($1::text[], $3::int4[], $4::int4[], $5::bigint[]) with ordinality u (n, l, h, r, i)
    on conflict (tablename) do update
   set minx = excluded.minx, miny = excluded.miny, minz = excluded.minz, maxx = excluded.maxx, maxy = excluded.maxy,
       maxz = excluded.maxz, minsnap = excluded.minsnap, maxsnap = excluded.maxsnap, galaxycount = excluded.galaxycount;

-- Where trees are, and in which tables.
-- $1 trees   bigint[]
-- $2 bounds  float4[]  as in summary_put
-- $3 rows    bigint[]
-- $4 names   text[]    of their tables
insert into public.treesummary (globaltreeid, minx, miny, minz, maxx, maxy, maxz, galaxycount, tablename)
select t, b[i * 6 - 5], b[i * 6 - 4], b[i * 6 - 3], b[i * 6 - 2], b[i * 6 - 1], b[i * 6], r, n
  from (select $2::float4[] b) bounds,
       unnest($1::bigint[], $3::bigint[], $4::text[]) with ordinality u (t, r, n, i)
    on conflict (globaltreeid) do update
   set minx = excluded.minx, miny = excluded.miny, minz = excluded.minz, maxx = excluded.maxx, maxy = excluded.maxy,
       maxz = excluded.maxz, galaxycount = excluded.galaxycount, tablename = excluded.tablename;

-- What is noted of all tables that can be read; nothing of those that have no summary.
-- >> name     text
-- >> minx     float4
-- >> miny     float4
-- >> minz     float4
-- >> maxx     float4
-- >> maxy     float4
-- >> maxz     float4
-- >> minsnap  int4
-- >> maxsnap  int4
-- >> rows     bigint
select d.tablename::text "name", s.minx, s.miny, s.minz, s.maxx, s.maxy, s.maxz, s.minsnap, s.maxsnap, d.rowcount "rows"
  from public.data_table d
  left join public.summary s on s.tablename = d.tablename
 where d.loaded
 order by d.tablename collate "C";

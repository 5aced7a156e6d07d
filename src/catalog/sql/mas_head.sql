-- What a search has to know before it can look: the right shard, names, where their datasets are, the mask's system.
-- $1 path   text
-- $2 hash   uuid      of the path
-- $3 names  text[]    as the API compares them; null: all
-- $4 auth   text      of the mask's coordinate system: EPSG
-- $5 code   integer
-- >> shard    text
-- >> root     text
-- >> below    bigint   datasets below the path; null: there is no such directory
-- >> systems  integer  the newest of catalog.srs
-- >> ids      text     numbers of the names
-- >> levels   text     "name,length of time,size ..." that occur
-- >> srid     integer  null: no such system
-- >> wkt      text
-- >> proj4    text
select s.shard, s.root,
       (select di_datasets from directories where di_hash = $2::uuid) below,
       (select max(sr_id) from catalog.srs) systems,
       (select string_agg(na_id::text, ' ') from names where na_name = any($3::text[])) ids,
       (select string_agg(le_name || ',' || le_time || ',' || le_space, ' ')
          from levels
         where le_count > 0
           and ($3::text[] is null or le_name = any(array(select na_id from names where na_name = any($3::text[]))))) levels,
       m.srid, m.srtext::text wkt, m.proj4text::text proj4
  from (select 1) one
  left join lateral (select sh_code shard, sh_path root
                       from public.shards
                      where $1::text = sh_path or starts_with($1::text, rtrim(sh_path, '/') || '/')
                      order by length(sh_path) desc
                      limit 1) s on true
  left join lateral (select srid, srtext, proj4text
                       from public.spatial_ref_sys
                      where srid = $5::integer and auth_name = $4::text and auth_srid = $5::integer
                      union all -- looked at only where the numbers differ: the table has no index for it
                     select srid, srtext, proj4text
                       from public.spatial_ref_sys
                      where auth_name = $4::text and auth_srid = $5::integer
                      limit 1) m on true;

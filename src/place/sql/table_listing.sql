-- Tables of the dataset that can be read, by name, and their copies as JSON.
-- $1 after  text    go on behind this one
-- $2 most   bigint
-- >> table_name  text
-- >> rows        bigint
-- >> copies      json    [{"server","active","primary"}]
select d.tablename::text table_name, d.rowcount "rows",
       (select json_agg(json_build_object('server', m.nodename, 'active', m.isactive, 'primary', m.isprimary)
                        order by m.nodename collate "C")
          from public.table_db_mapping m where m.tablename = d.tablename) copies
  from public.data_table d
 where d.loaded and d.tablename::text collate "C" > $1::text
 order by d.tablename::text collate "C"
 limit $2::bigint;

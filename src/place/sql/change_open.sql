-- Changes that are prepared here and were not ended.
-- >> gid  text
select split_part(gid, '@', 1) gid
  from pg_prepared_xacts
 where database = current_database() and gid like 'strata:%@%'
 order by gid;

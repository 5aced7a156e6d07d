-- Move a path, and all below it, to another place with all that is known of them. Documents that clients keep of the
-- shard are out of date then.
-- $1 from   text
-- $2 to     text
-- $3 root   text    of the shard
-- >> moved  bigint
  with m as materialized (
    select catalog.rename_path($1::text, $2::text, $3::text) moved
  ), d as (
    delete from ows_cache where (select moved from m) > 0
  )
select moved from m;

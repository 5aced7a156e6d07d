-- Is there a program that tends what a load leaves to be done? Then it is told of the shard, and documents that were
-- kept of it are out of date at once if anything changed.
-- $1 shard    text
-- $2 changed  boolean  by this load
-- >> told     boolean
  with tended as (
    select from pg_locks
     where locktype = 'advisory'
       and database = (select oid from pg_database where datname = current_database())
       and classid::bigint = hashtext('catalog.tend')::bigint & 4294967295
       and objid = 0
     limit 1
  ), d as (
    delete from ows_cache where $2::boolean and exists (select from tended)
  )
select pg_notify('catalog_tend', $1::text) is not null told
  from tended;

-- Is there a program that tends what a load leaves to be done? Then it is told of the shard.
-- $1 shard    text
-- >> told     boolean
select pg_notify('catalog_tend', $1::text) is not null told
  from pg_locks
 where locktype = 'advisory'
   and database = (select oid from pg_database where datname = current_database())
   and classid::bigint = hashtext('catalog.tend')::bigint & 4294967295
   and objid = 0
 limit 1;
